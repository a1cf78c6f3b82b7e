//! The stages of a request: one enum for metrics, spans, logs and reports.

use serde::{Deserialize, Serialize};

/// A stage of the request path, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Who asks: history, interests, sets.
    Profile,
    /// Scene, segment and arm to plan.
    Plan,
    /// What may be shown.
    Eligibility,
    /// All channels, from the first start to the last answer taken.
    Channels,
    /// Many lists into one.
    Merge,
    /// The fallback list, where channels failed.
    Fallback,
    /// The built-in scorer, where the caller asked for the top few.
    Rank,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 7] = [
        Stage::Profile,
        Stage::Plan,
        Stage::Eligibility,
        Stage::Channels,
        Stage::Merge,
        Stage::Fallback,
        Stage::Rank,
    ];

    /// The word used in reports, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Plan => "plan",
            Stage::Profile => "profile",
            Stage::Eligibility => "eligibility",
            Stage::Channels => "channels",
            Stage::Merge => "merge",
            Stage::Fallback => "fallback",
            Stage::Rank => "rank",
        }
    }
}
