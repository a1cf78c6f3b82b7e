//! One generation of everything that the request path reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_core::ChannelName;
use gannet_models::Snapshot;

use crate::{
    Channel, ChannelKinds, ChannelSpecError, ConfigError, Plans, RetrievalConfig, UserState,
};

/// Why a snapshot and a configuration do not go together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PublishError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A channel cannot be built on this snapshot.
    #[error(transparent)]
    Channel(#[from] ChannelSpecError),
}

/// A snapshot, the channels built on it, the plans and the user state. Immutable.
pub struct EngineState {
    /// Catalogue, histories and models.
    pub snapshot: Arc<Snapshot>,
    /// What each scene runs.
    pub plans: Plans,
    pub(crate) channels: BTreeMap<ChannelName, Arc<dyn Channel>>,
    pub(crate) users: Arc<dyn UserState>,
}

impl EngineState {
    /// Builds every configured channel on the snapshot.
    pub fn new(
        snapshot: Arc<Snapshot>,
        config: &RetrievalConfig,
        kinds: &ChannelKinds,
        users: Option<Arc<dyn UserState>>,
    ) -> Result<Self, PublishError> {
        let _ = (snapshot, config, kinds, users);
        todo!()
    }

    /// A channel by name.
    pub fn channel(&self, name: &ChannelName) -> Option<&Arc<dyn Channel>> {
        self.channels.get(name)
    }
}
