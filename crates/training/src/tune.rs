//! Choosing hyper-parameters on a validation judge, one parameter after another.
//!
//! Coordinate search by climbing: from where a parameter stands, its next value up is tried, then
//! the next, for as long as the score rises; where the first step up does not help, the way down
//! is tried. Then the next parameter follows. A few rounds of that cost a sum of short walks where
//! a full grid costs a product. No clock decides anything: the choice is the same on any machine.

use std::sync::Arc;
use std::time::Instant;

use gannet_core::{Progress, Silent};
use gannet_dataset::TrainSet;
use gannet_models::Model;
use serde::Serialize;

use crate::fit_error::FitError;
use crate::ials::factors_of;
use crate::item_cf::item_neighbours_of;
use crate::model_names::{IALS, ITEM_CF, RP3BETA, SWING, USER_ITEMS};
use crate::pairs::Pairs;
use crate::rp3beta::rp3beta_of;
use crate::swing::swing_of;
use crate::tune_space::{Axis, TuneSpace};
use crate::user_cf::user_items_of;
use crate::{IalsParams, ModelChoice, Recipe};

/// One set of hyper-parameters with what the judge said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Name of the model, such as `ials`.
    pub model: &'static str,
    /// Its hyper-parameters as TOML.
    pub params: String,
    /// The judge's score; higher is better.
    pub score: f64,
    /// Seconds of fitting and judging.
    pub seconds: f64,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    /// The start with the best hyper-parameters found for each model.
    pub recipe: Recipe,
    /// Every trial, in order.
    pub trials: Vec<Trial>,
}

/// Chooses the hyper-parameters that the judge likes best, of those models of the recipe that
/// [`TuneSpace`] has parameters of.
///
/// `train` is what remains of the training events when the judge's validation events are taken
/// out: refit on all of them afterwards with [`Tuned::recipe`]. A score that is not a number never
/// wins; among equals the earlier trial does.
pub fn tune(
    train: &TrainSet,
    space: &TuneSpace,
    judge: &dyn Fn(&Model) -> f64,
    progress: &dyn Progress,
) -> Result<Tuned, FitError> {
    let start = &space.start;
    start.validate()?;
    let bounds = start.bounds();
    let pairs = Pairs::newest(train, bounds.history_max);
    let mut search = Search { judge, progress, rounds: space.rounds, trials: Vec::new() };
    let mut recipe = start.clone();
    progress.begin("tuning", None, "trials");
    let neighbours = |lists| Ok(Model::ItemNeighbours(Arc::new(lists)));

    if start.has(ModelChoice::ItemCf) {
        recipe.item_cf = search.run(ITEM_CF, &start.item_cf, &space.item_cf, |params| {
            params.validate()?;
            neighbours(item_neighbours_of(&pairs, &params.fitting(train), &bounds))
        })?;
    }
    if start.has(ModelChoice::Swing) {
        recipe.swing = search.run(SWING, &start.swing, &space.swing, |params| {
            params.validate()?;
            neighbours(swing_of(&pairs, &params.fitting(train), &bounds))
        })?;
    }
    if start.has(ModelChoice::Rp3beta) {
        recipe.rp3beta = search.run(RP3BETA, &start.rp3beta, &space.rp3beta, |params| {
            params.validate()?;
            neighbours(rp3beta_of(&pairs, &params.fitting(train), &bounds))
        })?;
    }
    if start.has(ModelChoice::UserItems) {
        recipe.user_items =
            search.run(USER_ITEMS, &start.user_items, &space.user_items, |params| {
                params.validate()?;
                let users = user_items_of(pairs.clone(), &params.fitting(train));
                Ok(Model::UserItems(Arc::new(users)))
            })?;
    }
    if start.has(ModelChoice::Ials) {
        let positives = train.positives();
        recipe.ials = search.run(IALS, &start.ials, &space.ials, |params| {
            params.validate()?;
            let iterations = params.iterations.min(space.ials_sweeps_max);
            let params = IalsParams { iterations, ..params.clone() };
            let factors = factors_of(&positives, &params, "tuning", &Silent)?;
            Ok(Model::Factors(Arc::new(factors)))
        })?;
    }
    progress.end();
    Ok(Tuned { recipe, trials: search.trials })
}

struct Search<'a> {
    judge: &'a dyn Fn(&Model) -> f64,
    progress: &'a dyn Progress,
    rounds: usize,
    trials: Vec<Trial>,
}

/// Parameters with their score, the best first, then all others tried.
struct Tried<P> {
    best: (P, f64),
    all: Vec<(P, f64)>,
}

impl Search<'_> {
    /// The best parameters found; the start itself is always tried.
    fn run<P: Clone + PartialEq + Serialize>(
        &mut self,
        model: &'static str,
        start: &P,
        axes: &[Axis<P>],
        fit: impl Fn(&P) -> Result<Model, FitError>,
    ) -> Result<P, FitError> {
        let best = (start.clone(), self.try_one(model, start, &fit)?);
        let mut tried = Tried { all: vec![best.clone()], best };
        for _ in 0..self.rounds {
            let before = tried.best.0.clone();
            for axis in axes {
                let from = axis.position(&tried.best.0);
                let up: Vec<f32> = axis.values[from..].to_vec();
                let down: Vec<f32> = axis.values[..from].iter().rev().copied().collect();
                if !self.climb(model, axis, &up, &mut tried, &fit)? {
                    self.climb(model, axis, &down, &mut tried, &fit)?;
                }
            }
            if tried.best.0 == before {
                break;
            }
        }
        Ok(tried.best.0)
    }

    /// Tries values in order until one does not raise the score; whether any did.
    fn climb<P: Clone + PartialEq + Serialize>(
        &mut self,
        model: &'static str,
        axis: &Axis<P>,
        values: &[f32],
        tried: &mut Tried<P>,
        fit: &impl Fn(&P) -> Result<Model, FitError>,
    ) -> Result<bool, FitError> {
        let mut risen = false;
        for value in values {
            let mut params = tried.best.0.clone();
            (axis.set)(&mut params, *value);
            if params == tried.best.0 {
                continue;
            }
            let known = tried.all.iter().find(|(earlier, _)| *earlier == params);
            let score = match known {
                Some((_, score)) => *score,
                None => self.try_one(model, &params, fit)?,
            };
            tried.all.push((params.clone(), score));
            if score <= tried.best.1 {
                break;
            }
            tried.best = (params, score);
            risen = true;
        }
        Ok(risen)
    }

    fn try_one<P: Serialize>(
        &mut self,
        model: &'static str,
        params: &P,
        fit: &impl Fn(&P) -> Result<Model, FitError>,
    ) -> Result<f64, FitError> {
        let started = Instant::now();
        let score = (self.judge)(&fit(params)?);
        let score = if score.is_nan() { f64::NEG_INFINITY } else { score };
        let text = toml::to_string(params).map_err(|error| FitError::Recipe(error.to_string()))?;
        self.progress.note(&format!("{model} {score:.4}"));
        self.progress.advance(1);
        let seconds = started.elapsed().as_secs_f64();
        self.trials.push(Trial { model, params: text, score, seconds });
        Ok(score)
    }
}
