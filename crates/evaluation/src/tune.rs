//! Finding how much each channel's ranks count in the merge, on validation users.

use std::collections::BTreeMap;

use gannet_core::{ChannelName, ItemIndex, Progress};
use gannet_dataset::{TestSet, TrainSet};
use gannet_retrieval::{ChannelAnswer, Engine, MergeKind, Plan, merge};
use rayon::prelude::*;
use serde::Serialize;

use crate::ask::Asker;
use crate::sample::sample;
use crate::{EvaluateError, StudyOptions, hit_ranks, hits_at};

/// A validation user's lists, kept for many merges: about 50 KB for six channels of 500.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidationUser {
    /// The held-out items, ascending.
    pub held_out: Vec<ItemIndex>,
    /// The plan's channels in order.
    pub answers: Vec<ChannelAnswer>,
}

/// What the search found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TunedWeights {
    /// A weight for every channel of the plan.
    pub weights: BTreeMap<ChannelName, f32>,
    /// The constant k of reciprocal rank fusion.
    pub rrf_k: f32,
    /// The objective with the plan's own weights.
    pub before: f64,
    /// The objective with the weights found; never lower.
    pub after: f64,
    /// How many merges it took.
    pub merges: u64,
}

/// The values that are tried for a weight. Never 0: to users of whom nothing is known only the
/// channels that help nobody else have anything to say, and their order must still count.
const WEIGHTS: [f32; 8] = [0.02, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];
/// The values that are tried for the constant k: small ones trust the top of each list, large ones
/// make a vote of it.
const RRF_KS: [f32; 6] = [5.0, 15.0, 30.0, 60.0, 120.0, 240.0];
/// Rounds through all channels, at the most.
const ROUNDS_MAX: usize = 4;
/// Differences below this are noise of summation, not a gain.
const GAIN_MIN: f64 = 1e-9;

/// Asks the engine for the lists of at most `options.users_max` validation users (1,500 is plenty:
/// their lists stay in memory). `validation` must be held out of `train`, the training part that
/// the engine's snapshot saw: never the test split.
pub fn validation_lists(
    engine: &Engine,
    train: &TrainSet,
    validation: &TestSet,
    options: &StudyOptions,
    progress: &dyn Progress,
) -> Result<Vec<ValidationUser>, EvaluateError> {
    let asker = Asker::new(engine, train, options.scene.as_ref(), options.plan.as_ref())?;
    let users = sample(validation.users(), options.users_max, options.seed);
    if users.is_empty() {
        return Err(EvaluateError::EmptyTestSet);
    }
    progress.begin("lists of validation users", Some(users.len() as u64), "users");
    let lists = users
        .par_iter()
        .map(|user| {
            let mut answers = asker.ask(user)?.answers;
            for (answer, channel) in answers.iter_mut().zip(&asker.plan.channels) {
                answer.list.found.truncate(channel.fetch_k);
            }
            progress.advance(1);
            Ok(ValidationUser { held_out: user.held_out().to_vec(), answers })
        })
        .collect();
    progress.end();
    lists
}

/// Searches the weights of `rrf` or `weighted` channel by channel, in the plan's order and over a
/// fixed grid, then the constant k of `rrf`, until a round changes nothing. The objective is the
/// mean over users of (recall at the handover size + recall at `k`) / 2, recall being hits / held-
/// out items: the handover size alone is blind to order, and a ranker that takes fewer would pay
/// for it. A setting changes only where the objective rises; ties keep what is there.
/// Deterministic.
///
/// Values are first tried on every third user and only the best of them on all: half the merges.
/// Weights mean nothing to the other merges: they come back as they are. Caps of the plan are
/// left out: what they cost is the plan's choice, whatever the weights.
pub fn tune_merge_weights(
    users: &[ValidationUser],
    plan: &Plan,
    k: usize,
    progress: &dyn Progress,
) -> Result<TunedWeights, EvaluateError> {
    if users.is_empty() {
        return Err(EvaluateError::EmptyTestSet);
    }
    if k == 0 {
        return Err(EvaluateError::Options { field: "k", why: "must be positive".to_owned() });
    }
    let mut search = Search { plan: plan.clone(), k, merges: 0 };
    let everybody: Vec<&ValidationUser> = users.iter().collect();
    let third: Vec<&ValidationUser> = users.iter().step_by(3).collect();
    let before = search.objective(&everybody);
    let mut best = before;
    let has_weights = matches!(plan.merge, MergeKind::Rrf | MergeKind::Weighted);
    let rounds = if has_weights { ROUNDS_MAX } else { 0 };
    let constant = (plan.merge == MergeKind::Rrf).then_some(Knob::RrfK);
    let knobs: Vec<Knob> = (0..plan.channels.len()).map(Knob::Weight).chain(constant).collect();
    progress.begin("merge weights", Some((rounds * knobs.len()) as u64), "settings");
    for _ in 0..rounds {
        let at_start = best;
        for knob in &knobs {
            best = search.improve(*knob, best, &third, &everybody);
            progress.advance(1);
            progress.note(&format!("{best:.4} from {before:.4}"));
        }
        if best <= at_start {
            break;
        }
    }
    progress.end();
    let weight = |one: &gannet_retrieval::PlanChannel| (one.channel.clone(), one.weight);
    let weights = search.plan.channels.iter().map(weight).collect();
    let rrf_k = search.plan.rrf_k;
    Ok(TunedWeights { weights, rrf_k, before, after: best, merges: search.merges })
}

/// One setting that the search turns.
#[derive(Debug, Clone, Copy)]
enum Knob {
    /// The weight of the channel at this place of the plan.
    Weight(usize),
    RrfK,
}

impl Knob {
    fn of(self, plan: &mut Plan) -> &mut f32 {
        match self {
            Knob::Weight(at) => &mut plan.channels[at].weight,
            Knob::RrfK => &mut plan.rrf_k,
        }
    }

    fn values(self) -> &'static [f32] {
        match self {
            Knob::Weight(_) => &WEIGHTS,
            Knob::RrfK => &RRF_KS,
        }
    }
}

struct Search {
    plan: Plan,
    k: usize,
    merges: u64,
}

impl Search {
    /// Changes one setting where that helps all users; the objective then.
    fn improve(
        &mut self,
        knob: Knob,
        best: f64,
        third: &[&ValidationUser],
        everybody: &[&ValidationUser],
    ) -> f64 {
        let own = *knob.of(&mut self.plan);
        let (mut challenger, mut most) = (own, self.objective(third));
        for value in knob.values().iter().filter(|value| **value != own) {
            *knob.of(&mut self.plan) = *value;
            let objective = self.objective(third);
            if objective > most + GAIN_MIN {
                (challenger, most) = (*value, objective);
            }
        }
        *knob.of(&mut self.plan) = challenger;
        if challenger != own {
            let objective = self.objective(everybody);
            if objective > best + GAIN_MIN {
                return objective;
            }
            *knob.of(&mut self.plan) = own;
        }
        best
    }

    fn objective(&mut self, users: &[&ValidationUser]) -> f64 {
        self.merges += users.len() as u64;
        let values: Vec<f64> = users.par_iter().map(|user| self.of_user(user)).collect();
        values.iter().sum::<f64>() / users.len() as f64
    }

    fn of_user(&self, user: &ValidationUser) -> f64 {
        let merged = merge(&user.answers, &self.plan);
        let ranks = hit_ranks(merged.iter().map(|candidate| candidate.item), &user.held_out);
        let hits = hits_at(&ranks, self.plan.handover) + hits_at(&ranks, self.k);
        hits as f64 / (2 * user.held_out.len().max(1)) as f64
    }
}
