//! What happened to one request, stage by stage: one source for metrics, explain and evaluation.

use gannet_core::{ChannelName, RefusalCounts, Stage};

use crate::Candidate;
use crate::stopwatch::Stopwatch;

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
    /// It was not started: an earlier call of it is stuck (overdue by more than a further
    /// deadline), more than two calls are overdue, or no worker was free in time.
    Skipped(String),
    /// It is switched off, by the kill switch or in the configuration.
    Disabled,
}

impl ChannelStatus {
    /// Whether nothing went wrong: it went through, or it was not to run at all.
    pub fn is_as_planned(&self) -> bool {
        matches!(self, ChannelStatus::Complete | ChannelStatus::Disabled)
    }

    /// The word used in reports, metrics and logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            ChannelStatus::Complete => "complete",
            ChannelStatus::Partial => "partial",
            ChannelStatus::Late => "late",
            ChannelStatus::Panicked(_) => "panicked",
            ChannelStatus::Failed(_) => "failed",
            ChannelStatus::Skipped(_) => "skipped",
            ChannelStatus::Disabled => "disabled",
        }
    }
}

/// How a channel's list broke the promises of [`crate::Channel`]. The engine drops such items
/// and keeps the rest: a half-broken channel costs its bad items only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListFaults {
    /// Items that may not be shown; counted in `dropped` by reason as well.
    pub ineligible: u32,
    /// Items that stood in the list before.
    pub duplicate: u32,
    /// Items whose score is NaN or infinite.
    pub not_finite: u32,
    /// Scores above the one before: the list is brought into order.
    pub rising: u32,
    /// Items past `fetch_k`.
    pub surplus: u32,
}

impl ListFaults {
    /// All faults together.
    pub fn total(&self) -> u32 {
        self.ineligible + self.duplicate + self.not_finite + self.rising + self.surplus
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
    /// What had to be left out, by reason: by the channel, and by the engine where the channel
    /// returned what may not be shown.
    pub dropped: RefusalCounts,
    /// What the engine had to mend: a sound channel has none.
    pub faults: ListFaults,
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
    /// Whether some channel did not go through. An answer that is short because there is no more
    /// to show is not degraded, nor one without a channel that somebody switched off.
    pub degraded: bool,
    /// How many candidates came from the fallback list.
    pub filled_from_fallback: usize,
    /// The whole, in microseconds.
    pub total_us: u64,
}

impl Report {
    /// The channels' reports with what the merge kept of each, and the times up to now.
    pub(crate) fn of(
        mut channels: Vec<ChannelReport>,
        candidates: &[Candidate],
        filled_from_fallback: usize,
        watch: Stopwatch,
    ) -> Self {
        for candidate in candidates {
            // Evidence and reports are both in the plan's order: one walk finds each channel.
            let mut reports = channels.iter_mut();
            for evidence in &candidate.evidence {
                if let Some(report) = reports.find(|one| one.channel == evidence.channel) {
                    report.kept += 1;
                }
            }
        }
        let degraded = channels.iter().any(|one| !one.status.is_as_planned());
        let (stages, total_us) = watch.read();
        Self { stages, channels, degraded, filled_from_fallback, total_us }
    }
}
