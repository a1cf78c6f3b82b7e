//! Why answers could not be judged.

use gannet_core::{ChannelName, SceneName};
use gannet_retrieval::{ChannelError, RequestError};

/// Why a study, a judge or a tuning run did not start or broke off.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvaluateError {
    /// Nobody has held-out items.
    #[error("the test set is empty: no user has held-out items to judge by; hold out more")]
    EmptyTestSet,
    /// An option makes no sense.
    #[error("{field}: {why}")]
    Options {
        /// The option.
        field: &'static str,
        /// What was expected.
        why: String,
    },
    /// The engine has no such scene.
    #[error("unknown scene {scene}; known are {known}")]
    UnknownScene {
        /// The scene asked for.
        scene: SceneName,
        /// Those that are configured.
        known: String,
    },
    /// The plan that is judged does not run the channel.
    #[error("the plan runs no channel {channel}; it runs {known}")]
    UnknownChannel {
        /// The channel asked for.
        channel: ChannelName,
        /// Those that the plan runs.
        known: String,
    },
    /// The engine's items are not those of the split: indices would mean other items.
    #[error(
        "the snapshot's catalogue ({snapshot} items) is not that of the split ({split} items): \
         train again on this data set"
    )]
    CatalogueMismatch {
        /// Items of the snapshot.
        snapshot: usize,
        /// Items of the split.
        split: usize,
    },
    /// The channel that is tuned failed.
    #[error("channel {channel}: {source}")]
    Channel {
        /// The channel.
        channel: ChannelName,
        /// Why.
        source: ChannelError,
    },
    /// The engine refused a request.
    #[error("request of user {user:?} refused: {source}")]
    Request {
        /// The user's id.
        user: String,
        /// Why.
        source: RequestError,
    },
}
