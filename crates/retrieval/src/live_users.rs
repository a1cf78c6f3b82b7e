//! User state in this process: the snapshot's histories plus what has happened since, so that an
//! event and an answer count in the next request.
//!
//! Users are spread over shards with a lock each, held for a look-up and never while a record is
//! made. Everything is bounded: entries of a user, users, and entries of all together. The user
//! who was not heard of longest leaves first; what the snapshot knows of him stays.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gannet_core::{Interaction, ItemIndex, Timestamp, UserId, UserIndex};
use gannet_models::Snapshot;
use rustc_hash::FxHashSet;

use crate::user_state::{entries_of, recorded};
use crate::{
    ApplyError, HISTORY_MAX, HistoryEntry, ItemSet, KeySet, SetEntry, SetKind, UserEvent,
    UserRecord, UserSets, UserState,
};

/// The most items of each kind since the snapshot, the newest: ten answers of 500.
const RECENT_MAX: usize = 5_000;

/// Requests at once on as many cores as there will be seldom meet on one of so many locks.
const SHARDS: usize = 256;

/// How much is kept of all users together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveLimits {
    /// Users.
    pub users_max: usize,
    /// Events and set entries, of about 50 bytes each.
    pub entries_max: usize,
}

impl Default for LiveLimits {
    /// About a gigabyte at the most.
    fn default() -> Self {
        Self { users_max: 500_000, entries_max: 20_000_000 }
    }
}

/// The users of a snapshot with what has happened since.
pub struct LiveUsers {
    snapshot: Arc<Snapshot>,
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    limits: LiveLimits,
}

#[derive(Default)]
struct Shard {
    users: HashMap<Arc<str>, Slot>,
    /// Users by when they were last heard of.
    order: BTreeMap<u64, Arc<str>>,
    tick: u64,
    entries: usize,
}

/// One user.
#[derive(Default)]
struct Slot {
    used: u64,
    settled: Option<Arc<Settled>>,
    recent: Recent,
    record: Option<Arc<UserRecord>>,
    /// Counts changes, so that a record made outside the lock is not kept when it is out of date.
    version: u64,
    /// What the shard has counted for him.
    entries: usize,
}

/// What the snapshot knows of a user.
struct Settled {
    index: UserIndex,
    history: Vec<HistoryEntry>,
    items: Arc<ItemSet>,
}

/// What has happened since.
#[derive(Clone, Default)]
struct Recent {
    /// By time, the newest last.
    history: Vec<HistoryEntry>,
    /// Entries up to the last record, in order, and those since then.
    set: Arc<ItemSet>,
    pending: Vec<SetEntry>,
    authors: Arc<KeySet>,
    tags: Arc<KeySet>,
}

impl Slot {
    fn size(&self) -> usize {
        let settled = self.settled.as_ref();
        settled.map_or(0, |settled| settled.history.len() + settled.items.len())
            + self.recent.history.len()
            + self.recent.set.len()
            + self.recent.pending.len()
    }

    fn change(&mut self, change: impl FnOnce(&mut Recent)) {
        change(&mut self.recent);
        self.recent.bound();
        (self.record, self.version) = (None, self.version + 1);
    }
}

impl Recent {
    /// Keeps each list within twice its bound, cutting it to the bound when it is past that: the
    /// cost of a cut is spread over the entries that led to it.
    fn bound(&mut self) {
        if self.history.len() > 2 * HISTORY_MAX {
            self.history.drain(..self.history.len() - HISTORY_MAX);
        }
        if self.pending.len() > 2 * RECENT_MAX {
            self.pending = newest(std::mem::take(&mut self.pending));
        }
    }

    /// Both together. What was there is in order already, so that this is a merge of two runs
    /// and not a sort of everything a session has seen.
    fn merged(&self) -> Arc<ItemSet> {
        if self.pending.is_empty() {
            return self.set.clone();
        }
        let set = ItemSet::new(self.set.iter().chain(self.pending.iter().copied()));
        Arc::new(match set.len() > 2 * RECENT_MAX {
            true => ItemSet::new(newest(set.iter().collect())),
            false => set,
        })
    }
}

/// Of each item and kind the latest entry, and of each kind the newest [`RECENT_MAX`].
fn newest(mut entries: Vec<SetEntry>) -> Vec<SetEntry> {
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.time.map_or(i64::MAX, |time| time.0)));
    let mut seen: FxHashSet<(ItemIndex, SetKind)> = FxHashSet::default();
    let mut counts = [0usize; SetKind::ALL.len()];
    entries.retain(|entry| {
        let count = &mut counts[entry.kind as usize];
        let keep = *count < RECENT_MAX && seen.insert((entry.item, entry.kind));
        *count += usize::from(keep);
        keep
    });
    entries
}

impl Shard {
    /// The user's slot, as the one heard of last.
    fn touch(&mut self, user: &str) -> &mut Slot {
        self.tick += 1;
        let tick = self.tick;
        let key: Arc<str> = match self.users.get_key_value(user) {
            Some((key, slot)) => {
                self.order.remove(&slot.used);
                key.clone()
            }
            None => user.into(),
        };
        self.order.insert(tick, key.clone());
        let slot = self.users.entry(key).or_default();
        slot.used = tick;
        slot
    }

    /// Counts the user anew and lets others leave where there is too much; he himself stays.
    fn settle(&mut self, user: &str, limits: LiveLimits) {
        if let Some(slot) = self.users.get_mut(user) {
            let size = slot.size();
            self.entries = self.entries + size - slot.entries;
            slot.entries = size;
        }
        let users_max = (limits.users_max / SHARDS).max(1);
        let entries_max = limits.entries_max / SHARDS;
        while self.users.len() > 1 && (self.users.len() > users_max || self.entries > entries_max) {
            let Some((_, longest)) = self.order.pop_first() else { return };
            let left = self.users.remove(&longest);
            self.entries -= left.map_or(0, |slot| slot.entries);
        }
    }
}

impl LiveUsers {
    /// The users of this snapshot, to whom nothing has happened since.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self::with_limits(snapshot, LiveLimits::default())
    }

    /// The same with other bounds.
    pub fn with_limits(snapshot: Arc<Snapshot>, limits: LiveLimits) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { snapshot, shards, hasher: RandomState::new(), limits }
    }

    /// How many users are kept, and how many events and set entries of theirs.
    pub fn counts(&self) -> (usize, usize) {
        let counts = self.shards.iter().map(|shard| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            (shard.users.len(), shard.entries)
        });
        counts.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }

    /// Adds to the authors and tags (positions in the catalogue) of which a user wants nothing.
    pub fn block(&self, user: &UserId, authors: &[u32], tags: &[u32]) {
        self.change(user, |recent| {
            let with = |set: &KeySet, more: &[u32]| {
                Arc::new(set.iter().chain(more.iter().copied()).collect::<KeySet>())
            };
            recent.authors = with(&recent.authors, authors);
            recent.tags = with(&recent.tags, tags);
        });
    }

    fn change(&self, user: &UserId, change: impl FnOnce(&mut Recent)) {
        let mut shard = self.shard(user);
        shard.touch(user.as_str()).change(change);
        shard.settle(user.as_str(), self.limits);
    }

    fn shard(&self, user: &UserId) -> MutexGuard<'_, Shard> {
        let at = self.hasher.hash_one(user.as_str()) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settled(&self, user: &UserId) -> Option<Settled> {
        let index = self.snapshot.histories.find(user.as_str())?;
        let (history, items) = recorded(&self.snapshot, index);
        Some(Settled { index, history, items: Arc::new(items) })
    }
}

/// Puts the snapshot's part and the recent one together.
fn record(settled: Option<&Settled>, recent: &Recent) -> UserRecord {
    let before = settled.map_or(&[][..], |settled| &settled.history);
    let fresh = &recent.history[recent.history.len().saturating_sub(HISTORY_MAX)..];
    let kept = before.len().min(HISTORY_MAX - fresh.len());
    let history = [&before[before.len() - kept..], fresh].concat();
    let sets = UserSets {
        settled: settled.map(|settled| settled.items.clone()).unwrap_or_default(),
        recent: recent.merged(),
        blocked_authors: recent.authors.clone(),
        blocked_tags: recent.tags.clone(),
    };
    UserRecord::new(settled.map(|settled| settled.index), history, sets)
}

impl UserState for LiveUsers {
    fn user(&self, user: &UserId, _now: Timestamp) -> Option<Arc<UserRecord>> {
        let known = {
            let mut shard = self.shard(user);
            let is_known = shard.users.contains_key(user.as_str());
            is_known.then(|| {
                let slot = shard.touch(user.as_str());
                (slot.record.clone(), slot.settled.clone(), slot.recent.clone(), slot.version)
            })
        };
        let (settled, recent, version) = match known {
            Some((Some(record), ..)) => return Some(record),
            Some((None, settled, recent, version)) => (settled, recent, version),
            None => (Some(Arc::new(self.settled(user)?)), Recent::default(), 0),
        };
        let settled = settled.or_else(|| self.settled(user).map(Arc::new));
        let record = Arc::new(record(settled.as_deref(), &recent));
        let mut shard = self.shard(user);
        let slot = shard.touch(user.as_str());
        slot.settled = settled;
        if slot.version == version {
            slot.record = Some(record.clone());
            slot.recent.set = record.sets.recent.clone();
            slot.recent.pending.clear();
        }
        shard.settle(user.as_str(), self.limits);
        Some(record)
    }

    fn delivered(&self, user: &UserId, items: &[ItemIndex], now: Timestamp) {
        let entry =
            |item: &ItemIndex| SetEntry { item: *item, kind: SetKind::Delivered, time: Some(now) };
        if !items.is_empty() {
            self.change(user, |recent| recent.pending.extend(items.iter().map(entry)));
        }
    }

    fn apply(&self, event: &UserEvent) -> Result<(), ApplyError> {
        let kinds = &self.snapshot.kinds;
        if event.item.at() >= self.snapshot.catalogue.len() {
            return Err(ApplyError::UnknownItem(event.item.0));
        }
        if usize::from(event.kind.0) >= kinds.all().len() {
            return Err(ApplyError::UnknownKind(event.kind.0));
        }
        if !event.value.is_finite() {
            return Err(ApplyError::NotFinite);
        }
        let (item, kind, value) = (event.item, event.kind, event.value);
        let interaction = Interaction { item, kind, value, time: Some(event.time), scene: None };
        let (speaks, marks) = entries_of(kinds, &interaction);
        self.change(&event.user, |recent| {
            recent.pending.extend(marks.into_iter().flatten());
            if let Some(entry) = speaks {
                // Events arrive late and out of order; a history is by time.
                let at = recent.history.partition_point(|one| one.time <= entry.time);
                recent.history.insert(at, entry);
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use gannet_core::{
        Catalogue, EventKind, EventKinds, Item, ItemId, KindIndex, Marks, StringTable,
    };
    use gannet_models::{Histories, MergeWeights};

    use super::*;

    fn kinds() -> EventKinds {
        let exposed = EventKind { marks: Marks::Exposed, ..EventKind::new("exposed", 0.0, None) };
        let dislike = EventKind { marks: Marks::Nothing, ..EventKind::new("dislike", -1.0, None) };
        let play =
            EventKind { negative_below: Some(0.1), ..EventKind::new("play", 1.0, Some(0.5)) };
        EventKinds::new(vec![play, exposed, dislike]).expect("sound kinds")
    }

    static SNAPSHOT: LazyLock<Arc<Snapshot>> = LazyLock::new(make_snapshot);

    fn snapshot() -> Arc<Snapshot> {
        SNAPSHOT.clone()
    }

    /// A hundred thousand items; user `big` has a million plays, `small` one.
    fn make_snapshot() -> Arc<Snapshot> {
        let item = |at: u32| Item::bare(ItemId::new(at.to_string()).expect("an id"));
        let items: Vec<Item> = (0..100_000).map(item).collect();
        let play = |at: i64| Interaction {
            item: ItemIndex((at % 100_000) as u32),
            kind: KindIndex(0),
            value: 1.0,
            time: Some(Timestamp(at)),
            scene: None,
        };
        let events: Vec<Interaction> = (0..1_000_000).chain([7]).map(play).collect();
        let users: StringTable = ["big", "small"].into_iter().collect();
        Arc::new(Snapshot {
            version: "s".to_owned(),
            created: Timestamp(0),
            kinds: kinds(),
            catalogue: Arc::new(Catalogue::from_items(&items).expect("distinct ids")),
            histories: Arc::new(Histories::new(users, vec![0, 1_000_000, 1_000_001], events)),
            models: BTreeMap::new(),
            merge_weights: MergeWeights::default(),
            recipe: String::new(),
        })
    }

    fn user(name: &str) -> UserId {
        UserId::new(name).expect("an id")
    }

    fn event(name: &str, item: u32, kind: u8, value: f32, time: i64) -> UserEvent {
        let (item, kind) = (ItemIndex(item), KindIndex(kind));
        UserEvent { user: user(name), item, kind, value, time: Timestamp(time) }
    }

    fn items(set: &ItemSet, kind: SetKind) -> Vec<u32> {
        set.of(kind).map(|item| item.0).collect()
    }

    #[test]
    fn events_and_answers_count_in_the_next_record() {
        let users = LiveUsers::new(snapshot());
        let now = Timestamp(100);
        let record = |name: &str| users.user(&user(name), now);
        assert!(record("nobody").is_none());
        let before = record("small").expect("known");
        assert_eq!(items(&before.sets.settled, SetKind::Consumed), [7]);
        assert!(Arc::ptr_eq(&before, &record("small").expect("kept")));
        users.apply(&event("small", 3, 0, 0.05, 50)).unwrap();
        users.apply(&event("small", 4, 2, 1.0, 40)).unwrap();
        users.apply(&event("small", 5, 1, 1.0, 60)).unwrap();
        users.delivered(&user("small"), &[ItemIndex(9), ItemIndex(8)], now);
        let after = record("small").expect("known");
        let strengths: Vec<(u32, f32)> =
            after.history.iter().map(|one| (one.item.0, one.strength)).collect();
        assert_eq!(strengths, [(7, 1.0), (4, -1.0), (3, -1.0)], "by time, exposures left out");
        assert_eq!(items(&after.sets.recent, SetKind::Consumed), [3]);
        assert_eq!(items(&after.sets.recent, SetKind::Blocked), [4]);
        assert_eq!(items(&after.sets.recent, SetKind::Exposed), [5]);
        assert_eq!(items(&after.sets.recent, SetKind::Delivered), [8, 9]);
        assert!(Arc::ptr_eq(&before.sets.settled, &after.sets.settled), "shared, not made anew");
        users.delivered(&user("nobody"), &[ItemIndex(1)], now);
        assert_eq!(record("nobody").expect("known by now").index, None);
        users.block(&user("nobody"), &[2, 1], &[5]);
        let record = record("nobody").expect("known by now");
        assert!(record.sets.blocked_authors.iter().eq([1, 2]));
        assert!(record.sets.blocked_tags.contains(5));
    }

    #[test]
    fn what_is_not_of_this_generation_changes_nothing() {
        let users = LiveUsers::new(snapshot());
        let unknown = users.apply(&event("a", 100_000, 0, 1.0, 1));
        assert_eq!(unknown, Err(ApplyError::UnknownItem(100_000)));
        assert_eq!(users.apply(&event("a", 1, 3, 1.0, 1)), Err(ApplyError::UnknownKind(3)));
        assert_eq!(users.apply(&event("a", 1, 0, f32::NAN, 1)), Err(ApplyError::NotFinite));
        assert_eq!(users.counts(), (0, 0));
    }

    #[test]
    fn a_user_with_a_million_events_costs_what_the_bounds_say() {
        let users = LiveUsers::new(snapshot());
        let record = users.user(&user("big"), Timestamp(0)).expect("known");
        assert_eq!(record.history.len(), HISTORY_MAX);
        assert_eq!(record.history.last().map(|one| one.time), Some(Some(Timestamp(999_999))));
        assert_eq!(record.sets.settled.len(), crate::SET_MAX);
        for at in 0..30_000u32 {
            users.delivered(&user("big"), &[ItemIndex(at)], Timestamp(i64::from(at)));
            users.apply(&event("big", at, 0, 1.0, 1_000_000 + i64::from(at))).unwrap();
        }
        let record = users.user(&user("big"), Timestamp(0)).expect("known");
        let recent = &record.sets.recent;
        assert!(recent.len() <= 2 * RECENT_MAX && recent.len() >= RECENT_MAX);
        assert!(recent.of(SetKind::Delivered).any(|item| item.0 == 29_999), "the newest stay");
        assert_eq!(record.history.len(), HISTORY_MAX);
        assert_eq!(record.history.last().map(|one| one.item.0), Some(29_999));
    }

    #[test]
    fn who_was_not_heard_of_longest_leaves() {
        let limits = LiveLimits { users_max: 2 * SHARDS, entries_max: 1_000 * SHARDS };
        let users = LiveUsers::with_limits(snapshot(), limits);
        let of = |at: u32| user(&format!("user {at}"));
        for at in 0..5_000 {
            users.delivered(&of(at), &[ItemIndex(1)], Timestamp(0));
            users.delivered(&of(0), &[ItemIndex(at)], Timestamp(0));
        }
        assert!(users.counts().0 <= 2 * SHARDS, "{:?}", users.counts());
        assert!(users.user(&of(0), Timestamp(0)).is_some(), "he was heard of all the time");
        assert!(users.user(&of(1), Timestamp(0)).is_none());
        let few = LiveLimits { users_max: 1_000_000, entries_max: 10 * SHARDS };
        let users = LiveUsers::with_limits(snapshot(), few);
        let page: Vec<ItemIndex> = (0..8).map(ItemIndex).collect();
        (0..5_000).for_each(|at| users.delivered(&of(at), &page, Timestamp(0)));
        assert!(users.counts().1 <= 10 * SHARDS, "{:?}", users.counts());
        users.user(&user("small"), Timestamp(0)).expect("the snapshot's record stays");
    }

    #[test]
    fn many_threads_see_their_own_events() {
        let users = LiveUsers::new(snapshot());
        std::thread::scope(|scope| {
            for thread in 0..4u32 {
                let users = &users;
                scope.spawn(move || {
                    for at in 0..500 {
                        let name = format!("{}", at % 10);
                        let item = thread * 1_000 + at;
                        users.apply(&event(&name, item, 0, 1.0, i64::from(at))).unwrap();
                        let record = users.user(&user(&name), Timestamp(0)).expect("known");
                        assert!(record.sets.recent.of(SetKind::Consumed).any(|it| it.0 == item));
                    }
                });
            }
        });
        let all: usize = (0..10)
            .map(|name| users.user(&user(&name.to_string()), Timestamp(0)).expect("known"))
            .map(|record| record.sets.recent.len())
            .sum();
        assert_eq!(all, 2_000);
    }
}
