//! The answer to one request.

use gannet_core::{ArmName, PlanName, SceneName, SegmentName};

use crate::{Candidate, ChannelAnswer, Report, Request, Resolved};

/// Candidates for the ranker, with the report of how they came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Retrieval {
    /// The snapshot that answered.
    pub snapshot: String,
    /// The scene asked for.
    pub scene: SceneName,
    /// The segment of users that the request was of.
    pub segment: Option<SegmentName>,
    /// The arm of the scene's experiment that it was of.
    pub arm: Option<ArmName>,
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

impl Retrieval {
    pub(crate) fn new(
        request: Request,
        resolved: Resolved,
        candidates: Vec<Candidate>,
        lists: Vec<ChannelAnswer>,
        report: Report,
    ) -> Self {
        Self {
            snapshot: request.state.snapshot.version.clone(),
            scene: request.scene,
            segment: resolved.segment,
            arm: resolved.arm,
            plan: resolved.plan.name.clone(),
            candidates,
            rank_scores: Vec::new(),
            lists: if request.keep_lists { lists } else { Vec::new() },
            report,
        }
    }
}
