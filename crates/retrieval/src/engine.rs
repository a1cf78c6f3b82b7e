//! The main path.

use std::sync::Arc;

use arc_swap::ArcSwap;
use gannet_core::Clock;
use gannet_models::Snapshot;

use crate::state::PublishError;
use crate::{
    ChannelKinds, EngineState, RawRequest, Request, RequestError, Retrieval, RetrievalConfig,
    UserState,
};

/// What an engine is built from.
pub struct EngineOptions {
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// The kinds of channels that a configuration may name.
    pub kinds: ChannelKinds,
    /// Threads that run channels.
    pub workers: usize,
    /// How many stuck workers are replaced before their channels are only skipped.
    pub abandoned_max: usize,
}

/// Answers requests from the current generation.
pub struct Engine {
    options: EngineOptions,
    state: ArcSwap<EngineState>,
}

impl Engine {
    /// An engine that serves this snapshot under this configuration. `users` is where user
    /// records come from; `None`: the snapshot's own histories.
    pub fn new(
        options: EngineOptions,
        snapshot: Arc<Snapshot>,
        config: &RetrievalConfig,
        users: Option<Arc<dyn UserState>>,
    ) -> Result<Self, PublishError> {
        let state = EngineState::new(snapshot, config, &options.kinds, users)?;
        Ok(Self { options, state: ArcSwap::from_pointee(state) })
    }

    /// Replaces snapshot and configuration at once; requests under way finish on the old ones.
    pub fn publish(
        &self,
        snapshot: Arc<Snapshot>,
        config: &RetrievalConfig,
        users: Option<Arc<dyn UserState>>,
    ) -> Result<(), PublishError> {
        let state = EngineState::new(snapshot, config, &self.options.kinds, users)?;
        self.state.store(Arc::new(state));
        Ok(())
    }

    /// The current generation.
    pub fn state(&self) -> Arc<EngineState> {
        self.state.load_full()
    }

    /// Checks a request and binds it to the current generation.
    pub fn admit(&self, raw: RawRequest) -> Result<Request, RequestError> {
        Request::check(raw, self.state(), self.options.clock.now())
    }
}
