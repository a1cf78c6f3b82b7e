//! The request path: from a request to candidates, through channels that run at once.
//!
//! Start reading at [`Engine::retrieve`]. Invariants: no disk, no network, no async; time comes
//! only from the [`gannet_core::Clock`] handed in; the same inputs give the same answer.

mod ask;
mod blocks;
mod candidate;
mod channel;
mod channels;
mod config;
mod eligibility;
mod engine;
mod event;
mod expiry;
mod fallback;
mod filter;
mod item_set;
mod key_set;
mod list_check;
mod live_users;
mod merge;
mod optional;
mod overdue;
mod plan;
mod plans;
mod profile;
mod ranker;
mod report;
mod request;
mod retrieval;
mod segment;
mod slots;
mod state;
mod stopwatch;
mod user_state;
mod workers;

pub use ask::{Ask, Deadline};
pub use blocks::{BlockKind, BlockNames, UserBlocks};
pub use candidate::{Candidate, Evidence};
pub use channel::{
    Channel, ChannelBuilder, ChannelError, ChannelKinds, ChannelList, ChannelSpec,
    ChannelSpecError, Found,
};
pub use config::{
    ArmConfig, ChannelConfig, ConfigError, ExperimentConfig, PlanChannelConfig, PlanConfig,
    RetrievalConfig, RuleConfig, SceneConfig, SegmentConfig, WeightSource, WhenConfig,
};
pub use eligibility::{Eligibility, Refused};
pub use engine::{Engine, EngineOptions, Explanation, UnknownChannel};
pub use event::{EVENTS_MAX, RawEvent};
pub use filter::{Comparison, FilterError, FilterExpression, FilterFault, FilterValue};
pub use item_set::{ItemSet, SetEntry, SetKind};
pub use key_set::KeySet;
pub use live_users::{LimitError, LiveLimits, LiveUsers};
pub use merge::{ChannelAnswer, merge, merge_diverse};
pub use plan::{Cap, EligibilityRule, MergeKind, Normalisation, Plan, PlanChannel, Quota};
pub use plans::{Plans, Resolved, Route};
pub use profile::{HistoryEntry, Trigger, UserProfile};
pub use ranker::{BuiltinRanker, Ranker};
pub use report::{ChannelReport, ChannelStatus, ListFaults, Report, StageReport};
pub use request::{QueryVector, RawHistoryEntry, RawRequest, Request, RequestError};
pub use retrieval::Retrieval;
pub use state::{Base, EngineState, PublishError};
pub use user_state::{
    ApplyError, HISTORY_MAX, SET_MAX, SnapshotUsers, UserEvent, UserRecord, UserSets, UserState,
};
