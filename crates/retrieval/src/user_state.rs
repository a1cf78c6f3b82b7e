//! Where a user's history and sets come from.

use std::sync::{Arc, OnceLock};

use gannet_core::{
    EventKinds, Interaction, ItemIndex, KindIndex, Marks, Timestamp, UserId, UserIndex,
};
use gannet_models::Snapshot;

use crate::blocks::UserBlocks;
use crate::profile::Verdicts;
use crate::{HistoryEntry, ItemSet, KeySet, SetEntry, SetKind};

/// The most events of a history that a record keeps by default, the newest: more than any channel
/// reads. The sets reach further back.
pub const HISTORY_MAX: usize = 4_096;

/// The most items of each kind that a user's sets keep by default, the newest: a user with a
/// million events costs what one with so many does.
pub const SET_MAX: usize = 20_000;

/// What the user may not see again, ready for look-ups and shared by all requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserSets {
    /// From the snapshot: large, and the same for as long as it serves.
    pub settled: Arc<ItemSet>,
    /// Since then: small, made anew when it changes.
    pub recent: Arc<ItemSet>,
    /// Authors of whom the user wants nothing, as positions in the catalogue.
    pub blocked_authors: Arc<KeySet>,
    /// Tags of which he wants nothing, nor of any below them; as positions in the catalogue.
    pub blocked_tags: Arc<KeySet>,
}

/// What user state knows of one user. Immutable; shared by all requests until something changes.
#[derive(Debug, Clone, Default)]
pub struct UserRecord {
    /// The user's place in the snapshot's histories, where training knew him.
    pub index: Option<UserIndex>,
    /// The newest events that say something of his interest or that he consumed, oldest first.
    pub history: Arc<[HistoryEntry]>,
    /// How many of the history's last entries are newer than the snapshot: not in any trained
    /// vector.
    pub fresh_count: usize,
    /// What he may not see again.
    pub sets: UserSets,
    verdicts: OnceLock<Verdicts>,
}

impl UserRecord {
    /// Puts the parts together; `history` is oldest first.
    pub fn new(
        index: Option<UserIndex>,
        history: impl Into<Arc<[HistoryEntry]>>,
        sets: UserSets,
    ) -> Self {
        Self { index, history: history.into(), fresh_count: 0, sets, verdicts: OnceLock::new() }
    }

    /// The same, where the last so many entries of the history are newer than the snapshot.
    pub fn with_fresh(self, fresh_count: usize) -> Self {
        Self { fresh_count, ..self }
    }

    /// A user all of whose events are consumed items, who blocked some more: what is made where
    /// there are no kinds of events.
    pub fn of_consumed(
        index: Option<UserIndex>,
        history: Vec<HistoryEntry>,
        blocked: &[ItemIndex],
    ) -> Self {
        let kind = SetKind::Consumed;
        let consumed =
            history.iter().map(|entry| SetEntry { item: entry.item, kind, time: entry.time });
        let kind = SetKind::Blocked;
        let blocked = blocked.iter().map(|item| SetEntry { item: *item, kind, time: None });
        let settled = Arc::new(ItemSet::new(consumed.chain(blocked)));
        Self::new(index, history, UserSets { settled, ..UserSets::default() })
    }

    /// The newest verdict on each item of the history: one pass, for all requests and channels.
    pub(crate) fn verdicts(&self) -> &Verdicts {
        self.verdicts.get_or_init(|| Verdicts::of(&self.history, None))
    }
}

/// One event as user state takes it: everything resolved and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct UserEvent {
    /// The user; one never heard of is legal.
    pub user: UserId,
    /// The item, of the generation that user state belongs to.
    pub item: ItemIndex,
    /// The kind of event.
    pub kind: KindIndex,
    /// Its value.
    pub value: f32,
    /// When.
    pub time: Timestamp,
}

/// Why user state did not take an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The item is not of this generation.
    #[error("no item has the index {0}")]
    UnknownItem(u32),
    /// There is no such kind.
    #[error("no kind of event has the index {0}")]
    UnknownKind(u8),
    /// The value is NaN or infinite.
    #[error("expected a finite value")]
    NotFinite,
    /// The user would have blocked more than this.
    #[error("expected at most {0} blocked items, authors and tags of one user")]
    TooManyBlocks(usize),
    /// All users together would have blocked more than this.
    #[error("all users together have blocked {0} items, authors and tags: no more are taken")]
    BlocksFull(usize),
    /// This user state takes no events.
    #[error("this server's user state takes no events")]
    ReadOnly,
}

/// Gives the record of a user, and is told what happened since. Called on the requesting thread,
/// once before the channels run and once after the merge; must not block. This process keeps it by
/// default; an external store comes behind the same trait.
pub trait UserState: Send + Sync {
    /// The record as of `now`; `None` for a user never heard of.
    fn user(&self, user: &UserId, now: Timestamp) -> Option<Arc<UserRecord>>;

    /// Takes note of what was answered to a user. Not called for requests that say `dry_run`.
    fn delivered(&self, user: &UserId, items: &[ItemIndex], now: Timestamp) {
        let _ = (user, items, now);
    }

    /// Takes note of an event: the user's next request sees it. The error leaves nothing changed.
    fn apply(&self, event: &UserEvent) -> Result<(), ApplyError> {
        let _ = event;
        Err(ApplyError::ReadOnly)
    }

    /// What a user blocked until he says otherwise.
    fn blocks(&self, user: &UserId) -> Arc<UserBlocks> {
        let _ = user;
        Arc::default()
    }

    /// Adds to what a user blocked where `is_blocked`, else takes from it: his next request sees
    /// it. Returns what he has blocked now. The error leaves nothing changed.
    fn change_blocks(
        &self,
        user: &UserId,
        change: &UserBlocks,
        is_blocked: bool,
    ) -> Result<Arc<UserBlocks>, ApplyError> {
        let _ = (user, change, is_blocked);
        Err(ApplyError::ReadOnly)
    }

    /// Called once, on the thread that publishes a snapshot: everything of the new generation has
    /// been checked, and the next request reads this user state. May take its time.
    fn begin(self: Arc<Self>) {}
}

/// The users of the snapshot, as training saw them. A record is made anew for every request:
/// serving goes through [`crate::LiveUsers`], which keeps them.
pub struct SnapshotUsers {
    snapshot: Arc<Snapshot>,
}

impl SnapshotUsers {
    /// The users of this snapshot.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot }
    }
}

impl UserState for SnapshotUsers {
    fn user(&self, user: &UserId, _now: Timestamp) -> Option<Arc<UserRecord>> {
        let index = self.snapshot.histories.find(user.as_str())?;
        let (history, settled) = recorded(&self.snapshot, index, HISTORY_MAX, SET_MAX);
        let sets = UserSets { settled: Arc::new(settled), ..UserSets::default() };
        Some(Arc::new(UserRecord::new(Some(index), history, sets)))
    }
}

/// What an event adds: an entry of the history, and one of the sets.
pub(crate) fn entries_of(
    kinds: &EventKinds,
    event: &Interaction,
) -> (Option<HistoryEntry>, [Option<SetEntry>; 2]) {
    let kind = kinds.kind(event.kind);
    let strength = kinds.strength(event.kind, event.value);
    let entry = |kind| SetEntry { item: event.item, kind, time: event.time };
    let marked = match kind.marks {
        Marks::Consumed => Some(SetKind::Consumed),
        Marks::Exposed => Some(SetKind::Exposed),
        Marks::Delivered => Some(SetKind::Delivered),
        Marks::Nothing => None,
    };
    // What merely passed by says nothing, and would push what counts out of a bounded history.
    let speaks = strength != 0.0 || kind.marks == Marks::Consumed;
    let history = HistoryEntry { item: event.item, strength, time: event.time };
    // A kind of negative weight is a plain no: a plan that shows consumed items again must still
    // not show this one. A video left early is a weaker word: its own set alone refuses it.
    let disliked = (kind.weight < 0.0).then(|| entry(SetKind::Blocked));
    (speaks.then_some(history), [disliked, marked.map(entry)])
}

/// The bounded history (oldest first) and sets of a user of the snapshot. Reads backwards and
/// stops when everything is full.
pub(crate) fn recorded(
    snapshot: &Snapshot,
    user: UserIndex,
    history_max: usize,
    set_max: usize,
) -> (Vec<HistoryEntry>, ItemSet) {
    let (mut history, mut entries) = (Vec::new(), Vec::new());
    let mut counts = [0usize; SetKind::ALL.len()];
    // Enough to fill the sets many times over, were every item there only once.
    let newest_first =
        snapshot.histories.events(user).iter().rev().take(8 * set_max.max(history_max));
    for event in newest_first {
        let (speaks, marks) = entries_of(&snapshot.kinds, event);
        history.extend(speaks.filter(|_| history.len() < history_max));
        for entry in marks.into_iter().flatten() {
            let count = &mut counts[entry.kind as usize];
            if *count < set_max {
                *count += 1;
                entries.push(entry);
            }
        }
    }
    history.reverse();
    (history, ItemSet::new(entries))
}
