//! Judging answers: metrics with named profiles, the study of one plan channel by channel, tuning
//! of merge weights, and the report as data, tables and one HTML page.
//!
//! Start reading at [`evaluate`]. Invariant: nothing here knows how an answer was made; it sees
//! candidate lists, item indices, facts of the catalogue, and counts of the training set.

mod ask;
mod bootstrap;
mod channel_recall;
mod error;
mod facts;
mod html;
mod judge;
mod metrics;
mod options;
mod profile;
mod report;
mod sample;
mod segments;
mod study;
mod summary;
mod tables;
mod tallies;
mod truth;
mod tune;
mod validation;

pub use bootstrap::{Interval, paired_bootstrap};
pub use channel_recall::channel_recall;
pub use error::EvaluateError;
pub use html::{ReportAbout, html};
pub use metrics::{hit_ranks, hits_at, ndcg_at};
pub use options::StudyOptions;
pub use profile::Profile;
pub use report::{
    AgeHeadline, ChannelEvaluation, Comparison, CurvePoint, EvaluationReport, Headline,
    LatencySummary, ListRecall, ListSummary, MergedEvaluation, OverlapMatrix, Segment,
    UnionEvaluation,
};
pub use study::evaluate;
pub use tables::{Column, Table};
pub use truth::{TruthList, TruthOptions, TruthPoint, TruthReport, evaluate_truth};
pub use tune::{TunedWeights, tune_merge_weights};
pub use validation::{ValidationUser, validation_lists};
