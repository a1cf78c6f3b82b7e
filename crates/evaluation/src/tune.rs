//! Finding how much each channel's ranks count in the merge, on validation users.

use std::collections::BTreeMap;

use gannet_core::{ChannelName, Progress};
use gannet_retrieval::{MergeKind, Plan};
use rayon::prelude::*;
use serde::Serialize;

use crate::{EvaluateError, ValidationUser};

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
const WEIGHTS: [f32; 12] = [0.02, 0.05, 0.1, 0.18, 0.25, 0.35, 0.5, 0.7, 1.0, 2.0, 4.0, 8.0];
/// The values that are tried for the constant k: small ones trust the top of each list, large ones
/// make a vote of it.
const RRF_KS: [f32; 7] = [5.0, 15.0, 30.0, 60.0, 120.0, 240.0, 500.0];
/// Rounds through all channels, at the most.
const ROUNDS_MAX: usize = 6;
/// Differences below this are noise of summation, not a gain.
const GAIN_MIN: f64 = 1e-9;

/// Searches the weights of `rrf` or `weighted` channel by channel, in the plan's order and over a
/// fixed grid, then the constant k of `rrf`, until a round changes nothing. The objective is the
/// mean over users of (recall at the handover size + recall at `k`) / 2, recall being hits / held-
/// out items: the handover size alone is blind to order, and a ranker that takes fewer would pay
/// for it. A setting changes only where the objective rises; ties keep what is there.
/// Deterministic.
///
/// The search sets out twice: from the plan's own weights, and from the best channel alone with
/// hardly a word of the others. Where one channel finds far more than the rest, equal weights lose
/// to it, and no single step leads from them to where it rules; so what is found is never worse
/// than the best channel, on these users.
///
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
    let mut search = Search { users, plan: plan.clone(), k, merges: 0 };
    let before = search.objective();
    let constant = (plan.merge == MergeKind::Rrf).then_some(Knob::RrfK);
    let knobs: Vec<Knob> = (0..plan.channels.len()).map(Knob::Weight).chain(constant).collect();
    let mut best = (before, plan.clone());
    if matches!(plan.merge, MergeKind::Rrf | MergeKind::Weighted) {
        let settings = 2 * ROUNDS_MAX * knobs.len();
        progress.begin("merge weights", Some(settings as u64), "settings");
        for start in [plan.clone(), search.ruled_by_the_best()] {
            search.plan = start;
            let found = search.climb(&knobs, progress);
            if found > best.0 + GAIN_MIN {
                best = (found, search.plan.clone());
            }
        }
        progress.end();
    }
    let (after, found) = best;
    let weight = |one: &gannet_retrieval::PlanChannel| (one.channel.clone(), one.weight);
    let weights = found.channels.iter().map(weight).collect();
    Ok(TunedWeights { weights, rrf_k: found.rrf_k, before, after, merges: search.merges })
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

struct Search<'a> {
    users: &'a [ValidationUser],
    plan: Plan,
    k: usize,
    merges: u64,
}

impl Search<'_> {
    /// The plan in which the channel that finds most has all the weight that it can get.
    fn ruled_by_the_best(&mut self) -> Plan {
        let own = self.plan.clone();
        let (least, most) = (WEIGHTS[0], WEIGHTS[WEIGHTS.len() - 1]);
        let mut best = (f64::NEG_INFINITY, own.clone());
        for ruler in 0..own.channels.len() {
            let mut plan = own.clone();
            for (at, channel) in plan.channels.iter_mut().enumerate() {
                channel.weight = if at == ruler { most } else { least };
            }
            self.plan = plan;
            let objective = self.objective();
            if objective > best.0 + GAIN_MIN {
                best = (objective, self.plan.clone());
            }
        }
        self.plan = own;
        best.1
    }

    /// Turns one setting after the other until a round changes nothing; the objective then.
    fn climb(&mut self, knobs: &[Knob], progress: &dyn Progress) -> f64 {
        let mut best = self.objective();
        for round in 0..ROUNDS_MAX {
            let at_start = best;
            for knob in knobs {
                best = self.improve(*knob, best);
                progress.advance(1);
                progress.note(&format!("{best:.4}"));
            }
            if best <= at_start {
                progress.advance(((ROUNDS_MAX - round - 1) * knobs.len()) as u64);
                break;
            }
        }
        best
    }

    /// The best value of one setting; the objective then.
    fn improve(&mut self, knob: Knob, best: f64) -> f64 {
        let (mut chosen, mut most) = (*knob.of(&mut self.plan), best);
        for value in knob.values() {
            *knob.of(&mut self.plan) = *value;
            let objective = self.objective();
            if objective > most + GAIN_MIN {
                (chosen, most) = (*value, objective);
            }
        }
        *knob.of(&mut self.plan) = chosen;
        most
    }

    fn objective(&mut self) -> f64 {
        self.merges += self.users.len() as u64;
        let values: Vec<f64> = self.users.par_iter().map(|user| self.of_user(user)).collect();
        values.iter().sum::<f64>() / self.users.len() as f64
    }

    fn of_user(&self, user: &ValidationUser) -> f64 {
        let hits: usize = user.hits(&self.plan, [self.plan.handover, self.k]).iter().sum();
        hits as f64 / (2 * user.wanted().max(1)) as f64
    }
}
