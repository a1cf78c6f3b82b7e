//! Where a user's history and sets come from.

use std::sync::Arc;

use gannet_core::{ItemIndex, UserId, UserIndex};
use gannet_models::Snapshot;

use crate::HistoryEntry;

/// What user state knows of one user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserRecord {
    /// The user's place in the snapshot's histories, where training knew him.
    pub index: Option<UserIndex>,
    /// Events, oldest first.
    pub history: Vec<HistoryEntry>,
    /// Items that the user blocked.
    pub blocked: Vec<ItemIndex>,
}

/// Gives the record of a user. Called once a request on the requesting thread. This process
/// keeps it by default; an external store comes behind the same trait.
pub trait UserState: Send + Sync {
    /// The record; `None` for a user never heard of.
    fn user(&self, user: &UserId) -> Option<UserRecord>;
}

/// The users of the snapshot, as training saw them.
pub struct SnapshotUsers {
    pub(crate) snapshot: Arc<Snapshot>,
}

impl SnapshotUsers {
    /// The users of this snapshot.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot }
    }
}

impl UserState for SnapshotUsers {
    fn user(&self, user: &UserId) -> Option<UserRecord> {
        let Snapshot { histories, kinds, .. } = &*self.snapshot;
        let index = histories.find(user.as_str())?;
        let history = histories.events(index).iter().map(|event| HistoryEntry {
            item: event.item,
            strength: kinds.strength(event.kind, event.value),
            time: event.time,
        });
        Some(UserRecord { index: Some(index), history: history.collect(), blocked: Vec::new() })
    }
}
