//! What one request runs.

use std::time::Duration;

use gannet_core::{ChannelName, PlanName};
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
    /// One item of each channel in turn, always in the same order.
    RoundRobin,
    /// One item of each channel in turn, forth and back.
    Snake,
    /// Reciprocal rank fusion (Cormack, Clarke and Buettcher 2009): sum of weight / (k + rank).
    Rrf,
    /// Sum of weight x normalised score (CombSUM, Fox and Shaw 1994), see [`Normalisation`].
    Weighted,
}

/// How `weighted` makes the scores of different channels comparable (Montague and Aslam, CIKM
/// 2001). Both give an item at the end of a list what an item gets that is not in it: 0. Where
/// all scores of a list are equal, each of them becomes 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// (score - lowest) / (highest - lowest).
    #[default]
    MinMax,
    /// (score - lowest) / standard deviation: a z-score, moved so that the lowest is 0. One
    /// outlier at the head of a list does not press the others down to 0.
    Z,
}

/// At most so many items of one author, one tag, or one value of a text field in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// `author`, `tags` or a text field of the items.
    pub field: String,
    /// Items that may share a key. An item of several keys counts for each of them; one without
    /// any is free.
    pub max: usize,
    /// Tags only: count by their ancestors of this level, 1 being the topmost; a tag of fewer
    /// levels counts as itself. Absent: by the items' own tags.
    #[serde(default)]
    pub level: Option<usize>,
    /// Whether it holds even where the answer is short for it. A soft cap gives way when the
    /// lists have nothing else: an answer that is short of candidates is worse.
    #[serde(default)]
    pub hard: bool,
}

/// Which of a user's sets are refused, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EligibilityRule {
    /// Whether consumed items are refused.
    pub refuse_consumed: bool,
    /// For how many days; `None`: for ever.
    pub consumed_days: Option<f32>,
    /// Whether exposed items are refused.
    pub refuse_exposed: bool,
    /// For how many days; `None`: for ever.
    pub exposed_days: Option<f32>,
    /// Whether delivered items are refused.
    pub refuse_delivered: bool,
    /// For how many minutes; `None`: for ever.
    pub delivered_minutes: Option<f32>,
}

impl Default for EligibilityRule {
    fn default() -> Self {
        Self {
            refuse_consumed: true,
            consumed_days: None,
            refuse_exposed: true,
            exposed_days: Some(7.0),
            refuse_delivered: true,
            delivered_minutes: Some(10.0),
        }
    }
}

/// One channel of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanChannel {
    /// The channel.
    pub channel: ChannelName,
    /// Whether this plan runs it; one that is switched off is reported as `disabled`.
    pub enabled: bool,
    /// How many items it is asked for.
    pub fetch_k: usize,
    /// How many of them the merge keeps.
    pub quota: Quota,
    /// What its ranks count in `rrf`, and its scores in `weighted`.
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
    /// How `weighted` makes scores comparable.
    pub normalisation: Normalisation,
    /// How many candidates go to the ranker.
    pub handover: usize,
    /// When the answer is due.
    pub deadline: Duration,
    /// What of the user's past is refused.
    pub eligibility: EligibilityRule,
    /// Diversity: what an answer holds of one key at most.
    pub caps: Vec<Cap>,
}
