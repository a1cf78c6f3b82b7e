//! A channel: one way of finding items; and the kinds of channels that a plan can name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gannet_core::{ChannelName, ItemIndex, ModelName, RefusalCounts};
use gannet_models::Snapshot;

use crate::Ask;

/// One item of a channel's list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// The item.
    pub item: ItemIndex,
    /// The channel's score: finite, and not rising along the list.
    pub channel_score: f32,
    /// The user's item that contributed most, where the channel starts from items.
    pub trigger: Option<ItemIndex>,
}

/// What a channel answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChannelList {
    /// Best first, eligible only, no duplicates.
    pub found: Vec<Found>,
    /// Whether time ran out before the channel was through: the best so far.
    pub partial: bool,
    /// Items that the channel came across and had to leave out, by reason.
    pub dropped: RefusalCounts,
}

/// Why a channel has no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The request's query vector does not fit the model.
    #[error("query vector: {0}")]
    QueryVector(String),
    /// The model could not answer.
    #[error("{0}")]
    Model(String),
}

/// Finds candidates. Called on a worker thread of the engine, many requests at once; must not
/// block on I/O and must look at the deadline in long loops. A panic costs this channel's list
/// and nothing else.
pub trait Channel: Send + Sync {
    /// The configured name.
    fn name(&self) -> &ChannelName;

    /// Finds at most `fetch_k` eligible items, best first.
    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError>;
}

/// A `[[channel]]` of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelSpec {
    /// The name that plans use.
    pub name: ChannelName,
    /// The kind, such as `item_cf`.
    pub kind: String,
    /// The model that it reads, where the kind needs one.
    pub model: Option<ModelName>,
    /// The remaining keys: parameters of the kind.
    pub parameters: toml::Table,
}

/// Why a channel cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelSpecError {
    /// No such kind is registered.
    #[error("channel {channel}: unknown kind {kind:?}; known are {known}")]
    UnknownKind {
        /// The channel.
        channel: ChannelName,
        /// The kind that it names.
        kind: String,
        /// The kinds that are registered.
        known: String,
    },
    /// The snapshot has no model of that name.
    #[error("channel {channel}: the snapshot has no model {model:?}; it has {known}")]
    UnknownModel {
        /// The channel.
        channel: ChannelName,
        /// The model that it names.
        model: String,
        /// The models of the snapshot.
        known: String,
    },
    /// The model is of a kind that the channel cannot read.
    #[error("channel {channel}: model {model} is a {got}, the kind needs a {expected}")]
    ModelKind {
        /// The channel.
        channel: ChannelName,
        /// The model.
        model: ModelName,
        /// Its kind.
        got: &'static str,
        /// The kind that is needed.
        expected: &'static str,
    },
    /// A parameter is unknown, of the wrong type or out of range.
    #[error("channel {channel}: {why}")]
    Parameters {
        /// The channel.
        channel: ChannelName,
        /// What is wrong, with the parameter's name.
        why: String,
    },
}

/// Makes a channel of one kind from its configuration and a snapshot.
pub type ChannelBuilder = Arc<
    dyn Fn(&ChannelSpec, &Snapshot) -> Result<Arc<dyn Channel>, ChannelSpecError> + Send + Sync,
>;

/// The kinds that a configuration can name. A user's crate adds its own with `register`.
#[derive(Clone)]
pub struct ChannelKinds {
    builders: BTreeMap<String, ChannelBuilder>,
    /// Those of this crate, as long as nobody has put another in their place.
    own: BTreeSet<String>,
}

impl ChannelKinds {
    /// Every kind that Gannet has.
    pub fn builtin() -> Self {
        let mut kinds = Self { builders: BTreeMap::new(), own: BTreeSet::new() };
        crate::channels::register(&mut kinds);
        kinds
    }

    /// Adds a kind; one of the same name is replaced.
    pub fn register(&mut self, kind: &str, builder: ChannelBuilder) {
        self.own.remove(kind);
        self.builders.insert(kind.to_owned(), builder);
    }

    /// Adds a kind of this crate, whose lists the engine takes as they are.
    pub(crate) fn register_own(&mut self, kind: &str, builder: ChannelBuilder) {
        self.register(kind, builder);
        self.own.insert(kind.to_owned());
    }

    /// Whether the kind is this crate's.
    pub(crate) fn is_own(&self, kind: &str) -> bool {
        self.own.contains(kind)
    }

    /// Builds a channel.
    pub fn build(
        &self,
        spec: &ChannelSpec,
        snapshot: &Snapshot,
    ) -> Result<Arc<dyn Channel>, ChannelSpecError> {
        let Some(builder) = self.builders.get(&spec.kind) else {
            return Err(ChannelSpecError::UnknownKind {
                channel: spec.name.clone(),
                kind: spec.kind.clone(),
                known: self.builders.keys().cloned().collect::<Vec<_>>().join(", "),
            });
        };
        builder(spec, snapshot)
    }
}
