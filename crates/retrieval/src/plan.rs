//! What one request runs.

use std::time::Duration;

use gannet_core::{ChannelName, PlanName, SceneName};
use serde::{Deserialize, Serialize};

/// How many of a channel's items the merge keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// As many as the channel has, up to this, are kept whatever the others bring.
    pub min: usize,
    /// What the merge takes in its first pass.
    pub target: usize,
    /// Never more than this, refill included.
    pub max: usize,
}

/// How lists become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeKind {
    /// Channel after channel in the plan's order, each up to its quota, then refill.
    PriorityTruncate,
    /// One item of each channel in turn, forth and back.
    Snake,
    /// Reciprocal rank fusion (Cormack, Clarke and Buettcher 2009): sum of weight / (k + rank).
    Rrf,
}

/// One channel of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanChannel {
    /// The channel.
    pub channel: ChannelName,
    /// How many items it is asked for.
    pub fetch_k: usize,
    /// How many of them the merge keeps.
    pub quota: Quota,
    /// What its ranks count in `rrf`.
    pub weight: f32,
    /// Its own deadline, within the request's.
    pub deadline: Duration,
}

/// What one request runs: channels, quotas, merge, eligibility, deadline, handover size.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its name.
    pub name: PlanName,
    /// In order of priority, which also breaks ties of the merge.
    pub channels: Vec<PlanChannel>,
    /// How the lists become one.
    pub merge: MergeKind,
    /// The constant k of `rrf`.
    pub rrf_k: f32,
    /// How many candidates go to the ranker.
    pub handover: usize,
    /// When the answer is due.
    pub deadline: Duration,
    /// Whether consumed items are refused.
    pub refuse_consumed: bool,
}

/// All plans and the scenes that name them. Invariant: the default plan exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Plans {
    pub(crate) plans: Vec<Plan>,
    pub(crate) scenes: Vec<(SceneName, usize)>,
}

impl Plans {
    /// The plan of a scene; `None` for a scene that is not configured.
    pub fn resolve(&self, scene: &SceneName) -> Option<&Plan> {
        self.scenes.iter().find(|(name, _)| name == scene).map(|(_, plan)| &self.plans[*plan])
    }

    /// All plans.
    pub fn all(&self) -> &[Plan] {
        &self.plans
    }

    /// The configured scenes, the first being the one of a request that names none.
    pub fn scenes(&self) -> impl Iterator<Item = &SceneName> + '_ {
        self.scenes.iter().map(|(name, _)| name)
    }
}
