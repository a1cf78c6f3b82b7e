//! Taking the configuration and the store's current snapshot again while a server runs.
//!
//! One of the two may fit only with the other (a channel on a model that the new snapshot brings,
//! a snapshot without a model that the old configuration wants), so they are tried together
//! first. What is refused leaves what it would have replaced in force.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use gannet_models::Snapshot;
use gannet_retrieval::{Engine, LiveUsers, RetrievalConfig};
use gannet_server::{NewSnapshot, Reloaded, Reloader};
use gannet_storage::SnapshotStore;

use crate::app::App;
use crate::args::Common;
use crate::config::{Config, FileStamp};
use crate::folders::Folders;

/// What a running server serves, and where the next of it comes from.
pub(crate) struct Reloading {
    common: Common,
    folders: Folders,
    store: SnapshotStore,
    engine: Arc<Engine>,
    /// Held while anything is taken: two at once would undo one another.
    in_force: Mutex<InForce>,
    seen: Mutex<Seen>,
}

struct InForce {
    retrieval: RetrievalConfig,
    users: Arc<LiveUsers>,
    /// The settings that hold from the start to the end.
    fixed: Vec<(String, String)>,
}

/// What was last looked at, taken or refused.
#[derive(PartialEq)]
struct Seen {
    file: Option<FileStamp>,
    /// The version that the store names as the current one.
    current: Result<Option<String>, String>,
}

impl Reloading {
    pub(crate) fn new(app: &App, engine: Arc<Engine>, users: Arc<LiveUsers>) -> Result<Self> {
        let retrieval = app.config.retrieval.clone();
        let in_force = InForce { retrieval, users, fixed: app.config.fixed() };
        // The configuration was read a while ago, and the snapshot too: what has changed since
        // then is due.
        let current = Ok(Some(engine.state().snapshot.version.clone()));
        let seen = Seen { file: app.config.file_stamp, current };
        Ok(Self {
            common: app.common.clone(),
            folders: app.folders.clone(),
            store: app.snapshots()?,
            engine,
            in_force: Mutex::new(in_force),
            seen: Mutex::new(seen),
        })
    }

    pub(crate) fn reloader(self: Arc<Self>) -> Reloader {
        let looking = self.clone();
        Reloader {
            reload: Arc::new(move || self.take()),
            is_due: Arc::new(move || looking.is_due()),
        }
    }

    /// A file or a pointer that is away for a moment is being replaced.
    fn is_due(&self) -> bool {
        let now = self.look();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let file_changed = now.file.is_some() && now.file != seen.file;
        file_changed || (now.current != Ok(None) && now.current != seen.current)
    }

    fn look(&self) -> Seen {
        let current = self.store.current_version().map_err(|error| error.to_string());
        Seen { file: FileStamp::of(&self.common), current }
    }

    fn take(&self) -> Reloaded {
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at before anything is read: what changes meanwhile is due again.
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = self.look();
        let config = Config::load(&self.common).map_err(|error| format!("{error:#}"));
        if let Ok(config) = &config {
            warn_of_fixed(&in_force.fixed, &config.fixed());
        }
        let config = config.map(|config| config.retrieval);
        match self.other_snapshot() {
            Ok(Some(snapshot)) => self.take_both(config, &snapshot, &mut in_force),
            Ok(None) => {
                Reloaded { config: self.configure(config, &mut in_force), snapshot: Ok(None) }
            }
            Err(why) => {
                Reloaded { config: self.configure(config, &mut in_force), snapshot: Err(why) }
            }
        }
    }

    /// The store's current snapshot, where another one serves.
    fn other_snapshot(&self) -> Result<Option<Arc<Snapshot>>, String> {
        let serves = &self.engine.state().snapshot.version;
        let current = self.store.current_version().map_err(|error| error.to_string())?;
        if current.is_none_or(|version| version == *serves) {
            return Ok(None);
        }
        let snapshot = self.store.current().map_err(|error| error.to_string())?;
        Ok(snapshot.filter(|snapshot| snapshot.version != *serves).map(Arc::new))
    }

    fn take_both(
        &self,
        config: Result<RetrievalConfig, String>,
        snapshot: &Arc<Snapshot>,
        in_force: &mut InForce,
    ) -> Reloaded {
        let version = &snapshot.version;
        let refused = match &config {
            Ok(config) => match self.publish(snapshot, config, in_force) {
                Ok(new) => return Reloaded { config: Ok(()), snapshot: Ok(Some(new)) },
                Err(why) => format!("on snapshot {version}: {why}"),
            },
            Err(why) => why.clone(),
        };
        let before = in_force.retrieval.clone();
        if config.as_ref() != Ok(&before)
            && let Ok(new) = self.publish(snapshot, &before, in_force)
        {
            return Reloaded { config: Err(refused), snapshot: Ok(Some(new)) };
        }
        let snapshot = format!("snapshot {version} does not fit the configuration: {refused}");
        Reloaded { config: self.configure(config, in_force), snapshot: Err(snapshot) }
    }

    fn publish(
        &self,
        snapshot: &Arc<Snapshot>,
        config: &RetrievalConfig,
        in_force: &mut InForce,
    ) -> Result<NewSnapshot, String> {
        let users = Arc::new(LiveUsers::after(&in_force.users, snapshot.clone()));
        let published = self.engine.publish(snapshot.clone(), config, Some(users.clone()));
        published.map_err(|error| error.to_string())?;
        (in_force.retrieval, in_force.users) = (config.clone(), users);
        let report_html = self.folders.report_html(&snapshot.version);
        Ok(NewSnapshot { version: snapshot.version.clone(), report_html })
    }

    fn configure(
        &self,
        config: Result<RetrievalConfig, String>,
        in_force: &mut InForce,
    ) -> Result<(), String> {
        let config = config?;
        self.engine.reload(&config).map_err(|error| error.to_string())?;
        in_force.retrieval = config;
        Ok(())
    }
}

/// Settings that were changed and cannot be taken while the server runs.
fn warn_of_fixed(before: &[(String, String)], now: &[(String, String)]) {
    let only_in = |one: &[(String, String)], other: &[(String, String)]| -> Vec<String> {
        one.iter().filter(|pair| !other.contains(pair)).map(|(key, _)| key.clone()).collect()
    };
    let mut keys = only_in(before, now);
    keys.extend(only_in(now, before));
    keys.sort_unstable();
    keys.dedup();
    if !keys.is_empty() {
        let keys = keys.join(", ");
        tracing::warn!(%keys, "these settings hold from the start: the change waits for the next");
    }
}
