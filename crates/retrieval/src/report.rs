//! What happened to one request, stage by stage: one source for metrics, explain and evaluation.

use gannet_core::{ChannelName, RefusalCounts, Stage};

/// How a channel ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelStatus {
    /// It went through.
    Complete,
    /// It stopped at its deadline with its best so far.
    Partial,
    /// It did not answer in time and was left behind.
    Late,
    /// It panicked.
    Panicked(String),
    /// It returned an error.
    Failed(String),
    /// It was not started: an earlier call of it is still stuck, or no worker was free in time.
    Skipped(String),
}

impl ChannelStatus {
    /// The word used in reports, metrics and logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            ChannelStatus::Complete => "complete",
            ChannelStatus::Partial => "partial",
            ChannelStatus::Late => "late",
            ChannelStatus::Panicked(_) => "panicked",
            ChannelStatus::Failed(_) => "failed",
            ChannelStatus::Skipped(_) => "skipped",
        }
    }
}

/// One channel of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelReport {
    /// The channel.
    pub channel: ChannelName,
    /// How it ended.
    pub status: ChannelStatus,
    /// How many items it was asked for.
    pub asked: usize,
    /// How many it returned.
    pub returned: usize,
    /// How many candidates of the answer carry its evidence.
    pub kept: usize,
    /// What it had to leave out, by reason.
    pub dropped: RefusalCounts,
    /// Microseconds between being asked and starting.
    pub wait_us: u64,
    /// Microseconds from start to end; up to the deadline where it is late.
    pub run_us: u64,
}

/// One stage of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageReport {
    /// The stage.
    pub stage: Stage,
    /// How long it took.
    pub took_us: u64,
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The stages in order.
    pub stages: Vec<StageReport>,
    /// The plan's channels in order.
    pub channels: Vec<ChannelReport>,
    /// Whether every channel went through; otherwise the answer is degraded.
    pub degraded: bool,
    /// How many candidates came from the fallback list.
    pub filled_from_fallback: usize,
    /// The whole, in microseconds.
    pub total_us: u64,
}
