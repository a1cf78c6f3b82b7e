//! What every command is given.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use gannet_core::{Clock, Progress};
use gannet_models::Snapshot;
use gannet_retrieval::{ChannelKinds, Engine, EngineOptions, RetrievalConfig, UserState};
use gannet_storage::SnapshotStore;

use crate::args::Common;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::folders::Folders;
use crate::progress::TerminalProgress;

/// One invocation of `gannet`.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) folders: Folders,
    pub(crate) progress: TerminalProgress,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) json: bool,
    /// What it was started with: a server takes its configuration again.
    pub(crate) common: Common,
}

impl App {
    pub(crate) fn new(common: &Common) -> Result<Self> {
        Ok(Self {
            config: Config::load(common)?,
            folders: Folders::of(common)?,
            progress: TerminalProgress::new(common.quiet),
            clock: Arc::new(SystemClock::new()),
            json: common.json,
            common: common.clone(),
        })
    }

    /// An engine on a snapshot, with the built-in kinds of channels.
    pub(crate) fn engine(
        &self,
        snapshot: Arc<Snapshot>,
        retrieval: &RetrievalConfig,
    ) -> Result<Engine> {
        self.engine_with(snapshot, retrieval, None)
    }

    /// The same with the users' state of one's own; `None`: what the snapshot knows.
    pub(crate) fn engine_with(
        &self,
        snapshot: Arc<Snapshot>,
        retrieval: &RetrievalConfig,
        users: Option<Arc<dyn UserState>>,
    ) -> Result<Engine> {
        let options = EngineOptions {
            clock: self.clock.clone(),
            kinds: ChannelKinds::builtin(),
            workers: self.config.engine.worker_count(),
            abandoned_max: self.config.engine.abandoned_max,
        };
        Ok(Engine::new(options, snapshot, retrieval, users)?)
    }

    pub(crate) fn snapshots(&self) -> Result<SnapshotStore> {
        Ok(SnapshotStore::open(self.folders.snapshots())?)
    }

    /// Makes a snapshot the current one, and drops the oldest of more than the configured number.
    pub(crate) fn store_snapshot(&self, snapshot: &Snapshot) -> Result<PathBuf> {
        let store = self.snapshots()?;
        self.progress.begin("writing the snapshot", None, "files");
        let folder = store.write(snapshot)?;
        self.progress.end();
        store.retain(self.config.storage.snapshots_kept)?;
        Ok(folder)
    }

    /// The current snapshot; an error that says how to make one where there is none.
    pub(crate) fn current_snapshot(&self) -> Result<Arc<Snapshot>> {
        self.progress.begin("reading the snapshot", None, "files");
        let snapshot = self.snapshots()?.current()?;
        self.progress.end();
        snapshot.map(Arc::new).with_context(|| {
            format!(
                "no snapshot in {}; `gannet demo` or `gannet train` makes one",
                self.folders.snapshots().display()
            )
        })
    }
}
