//! Choosing hyper-parameters on a validation judge, one parameter after another.
//!
//! Coordinate search: all values of one parameter are tried with the others held, the best is
//! kept, and the next parameter follows; a few rounds of that cost a sum where a full grid costs
//! a product. Trials run in a fixed order, so the choice is the same each time; only the time
//! limit depends on the machine, and it ends a search, it never reorders one.

use std::sync::Arc;
use std::time::Instant;

use gannet_core::{Progress, Silent};
use gannet_dataset::TrainSet;
use gannet_models::Model;
use serde::Serialize;

use crate::fit_error::FitError;
use crate::ials::factors_of;
use crate::item_cf::item_neighbours_of;
use crate::tune_space::{Axis, TuneSpace};
use crate::user_cf::user_items_of;
use crate::{Recipe, model_names};

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
    /// Whether the time limit ended a search early.
    pub cut_short: bool,
}

/// Chooses the hyper-parameters of item_cf, user_items and ials that the judge likes best.
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
    let positives = train.positives();
    let mut search = Search {
        judge,
        progress,
        rounds: space.rounds,
        seconds_max: space.seconds_max,
        started: Instant::now(),
        share: 0.0,
        trials: Vec::new(),
        cut_short: false,
    };
    progress.begin("tuning", Some(space.trials_max() as u64), "trials");

    search.share = 0.25;
    let item_cf = search.run(model_names::ITEM_CF, &start.item_cf, &space.item_cf, |params| {
        params.validate()?;
        Ok(Model::ItemNeighbours(Arc::new(item_neighbours_of(&positives, params))))
    })?;
    search.share = 0.45;
    let user_items =
        search.run(model_names::USER_ITEMS, &start.user_items, &space.user_items, |params| {
            params.validate()?;
            Ok(Model::UserItems(Arc::new(user_items_of(positives.clone(), params))))
        })?;
    search.share = 1.0;
    let ials = search.run(model_names::IALS, &start.ials, &space.ials, |params| {
        params.validate()?;
        let factors = factors_of(&positives, params, "tuning", &Silent)?;
        Ok(Model::Factors(Arc::new(factors)))
    })?;
    progress.end();
    let recipe = Recipe { item_cf, user_items, ials, ..start.clone() };
    Ok(Tuned { recipe, trials: search.trials, cut_short: search.cut_short })
}

struct Search<'a> {
    judge: &'a dyn Fn(&Model) -> f64,
    progress: &'a dyn Progress,
    rounds: usize,
    seconds_max: Option<f64>,
    started: Instant,
    /// Share of the time limit by which the search under way must end.
    share: f64,
    trials: Vec<Trial>,
    cut_short: bool,
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
        let mut tried = vec![start.clone()];
        let mut best = (self.try_one(model, start, &fit)?, start.clone());
        for _ in 0..self.rounds {
            let before = best.1.clone();
            for axis in axes {
                let held = best.1.clone();
                for value in &axis.values {
                    let mut params = held.clone();
                    (axis.set)(&mut params, *value);
                    if tried.contains(&params) {
                        continue;
                    }
                    if self.is_late() {
                        self.cut_short = true;
                        return Ok(best.1);
                    }
                    let score = self.try_one(model, &params, &fit)?;
                    tried.push(params.clone());
                    if score > best.0 {
                        best = (score, params);
                    }
                }
            }
            if best.1 == before {
                break;
            }
        }
        Ok(best.1)
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

    fn is_late(&self) -> bool {
        let limit = self.seconds_max.map(|seconds| seconds * self.share);
        limit.is_some_and(|limit| self.started.elapsed().as_secs_f64() >= limit)
    }
}
