//! The answer to one request.

use gannet_core::{PlanName, SceneName};

use crate::{Candidate, ChannelAnswer, Report};

/// Candidates for the ranker, with the report of how they came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Retrieval {
    /// The snapshot that answered.
    pub snapshot: String,
    /// The scene asked for.
    pub scene: SceneName,
    /// The plan that ran.
    pub plan: PlanName,
    /// Best first.
    pub candidates: Vec<Candidate>,
    /// The ranker's score of each candidate, where one ordered them; otherwise empty.
    pub rank_scores: Vec<f32>,
    /// Every channel's list in the plan's order, where `keep_lists` was set.
    pub lists: Vec<ChannelAnswer>,
    /// What happened.
    pub report: Report,
}
