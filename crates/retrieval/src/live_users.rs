//! User state in this process: the snapshot's histories plus what has happened since, so that an
//! event and an answer count in the next request.
//!
//! Users are spread over shards with a lock each, held for a look-up and never while a record is
//! made. Everything is bounded: entries of a user, users, and entries of all together. The user
//! who was not heard of longest leaves first; what the snapshot knows of him stays, and so does
//! what he blocked.

mod heir;
mod limits;
mod recent;
mod shard;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gannet_core::{Interaction, ItemIndex, Timestamp, UserId};
use gannet_models::Snapshot;

use self::recent::{Change, Recent};
use self::shard::{Settled, Shard};
use crate::blocks::{BlockKind, UserBlocks};
use crate::user_state::{entries_of, recorded};
use crate::{ApplyError, ItemSet, SetEntry, SetKind, UserEvent, UserRecord, UserSets, UserState};

pub use limits::{LimitError, LiveLimits};

/// Requests at once on as many cores as there will be seldom meet on one of so many locks.
const SHARDS: usize = 256;

/// The users of a snapshot with what has happened since.
pub struct LiveUsers {
    snapshot: Arc<Snapshot>,
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    limits: LiveLimits,
    /// What all blocks cost.
    blocked: AtomicUsize,
    /// Those of whom this takes everything over when it begins to serve.
    previous: Mutex<Option<Arc<LiveUsers>>>,
}

impl LiveUsers {
    /// The users of this snapshot, to whom nothing has happened since.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self::with_limits(snapshot, LiveLimits::default())
    }

    /// The same with other bounds.
    pub fn with_limits(snapshot: Arc<Snapshot>, limits: LiveLimits) -> Self {
        Self::made(snapshot, limits, RandomState::new(), None)
    }

    /// The users of the snapshot that comes next. They take over what has happened to `previous`
    /// when an engine puts them in force, and nothing is lost that happens meanwhile, or to a
    /// request that finishes on the old snapshot.
    pub fn after(previous: &Arc<LiveUsers>, snapshot: Arc<Snapshot>) -> Self {
        let hasher = previous.hasher.clone();
        Self::made(snapshot, previous.limits, hasher, Some(previous.clone()))
    }

    fn made(
        snapshot: Arc<Snapshot>,
        limits: LiveLimits,
        hasher: RandomState,
        previous: Option<Arc<LiveUsers>>,
    ) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let (blocked, previous) = (AtomicUsize::new(0), Mutex::new(previous));
        Self { snapshot, shards, hasher, limits, blocked, previous }
    }

    /// How many users are kept, and how many events and set entries of theirs.
    pub fn counts(&self) -> (usize, usize) {
        let counts = self.shards.iter().map(|shard| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            (shard.users.len(), shard.entries)
        });
        counts.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }

    fn change(&self, user: &str, change: &Change) {
        let mut shard = self.shard(user);
        shard.change(user, change, &self.limits);
        if let Some(heir) = &shard.heir {
            heir.change(user, change);
        }
    }

    /// In place of what he had blocked; bounds were looked at when he blocked it.
    fn put_blocks(&self, user: &str, blocks: UserBlocks) {
        self.put_blocks_in(&mut self.shard(user), user, &Arc::new(blocks));
    }

    fn put_blocks_in(&self, shard: &mut Shard, user: &str, blocks: &Arc<UserBlocks>) {
        let had = shard.blocks.get(user).map_or(0, |blocks| blocks.cost());
        self.blocked.fetch_add(blocks.cost(), Ordering::Relaxed);
        self.blocked.fetch_sub(had, Ordering::Relaxed);
        shard.put_blocks(user, blocks.clone());
        if let Some(heir) = &shard.heir {
            heir.put_blocks(user, blocks);
        }
    }

    /// More may be blocked by a user who blocked something of this cost before.
    fn check_blocks(&self, blocks: &UserBlocks, had: usize) -> Result<(), ApplyError> {
        if blocks.len() > self.limits.user_blocks_max {
            return Err(ApplyError::TooManyBlocks(self.limits.user_blocks_max));
        }
        let all = self.blocked.load(Ordering::Relaxed) + blocks.cost().saturating_sub(had);
        match all > self.limits.blocks_max {
            true => Err(ApplyError::BlocksFull(self.limits.blocks_max)),
            false => Ok(()),
        }
    }

    fn shard(&self, user: &str) -> MutexGuard<'_, Shard> {
        let at = self.hasher.hash_one(user) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settled(&self, user: &UserId) -> Option<Settled> {
        let index = self.snapshot.histories.find(user.as_str())?;
        let LiveLimits { history_max, settled_max, .. } = self.limits;
        let (history, items) = recorded(&self.snapshot, index, history_max, settled_max);
        Some(Settled { index, history, items: Arc::new(items) })
    }

    /// Puts the snapshot's part and the recent one together.
    fn record(
        &self,
        settled: Option<&Settled>,
        recent: &Recent,
        set: &Arc<ItemSet>,
        blocks: &UserBlocks,
    ) -> UserRecord {
        let history_max = self.limits.history_max;
        let before = settled.map_or(&[][..], |settled| &settled.history);
        let fresh = &recent.history[recent.history.len().saturating_sub(history_max)..];
        let kept = before.len().min(history_max - fresh.len());
        let history = [&before[before.len() - kept..], fresh].concat();
        let sets = UserSets {
            settled: settled.map(|settled| settled.items.clone()).unwrap_or_default(),
            recent: with_blocked(set, blocks),
            blocked_authors: blocks.keys(BlockKind::Author).clone(),
            blocked_tags: blocks.keys(BlockKind::Tag).clone(),
        };
        let record = UserRecord::new(settled.map(|settled| settled.index), history, sets);
        record.with_fresh(fresh.len())
    }
}

/// The set with the blocked items, which are not of it: they can be unblocked.
fn with_blocked(set: &Arc<ItemSet>, blocks: &UserBlocks) -> Arc<ItemSet> {
    let items = blocks.keys(BlockKind::Item);
    if items.is_empty() {
        return set.clone();
    }
    let entry = |item| SetEntry { item: ItemIndex(item), kind: SetKind::Blocked, time: None };
    Arc::new(ItemSet::new(set.iter().chain(items.iter().map(entry))))
}

/// Whether both are the same object, or both are none.
fn same(one: Option<&Arc<UserBlocks>>, other: Option<&Arc<UserBlocks>>) -> bool {
    one.map(Arc::as_ptr) == other.map(Arc::as_ptr)
}

impl UserState for LiveUsers {
    fn user(&self, user: &UserId, _now: Timestamp) -> Option<Arc<UserRecord>> {
        let name = user.as_str();
        let (known, blocks) = {
            let mut shard = self.shard(name);
            let is_known = shard.users.contains_key(name);
            let known = is_known.then(|| {
                let slot = shard.touch(name);
                (slot.record.clone(), slot.settled.clone(), slot.recent.clone(), slot.version)
            });
            (known, shard.blocks.get(name).cloned())
        };
        let (settled, recent, version) = match known {
            Some((Some(record), ..)) => return Some(record),
            Some((None, settled, recent, version)) => (settled, recent, version),
            None => (None, Recent::default(), 0),
        };
        let settled = settled.or_else(|| self.settled(user).map(Arc::new));
        if version == 0 && settled.is_none() && recent.len() == 0 && blocks.is_none() {
            return None;
        }
        let set = recent.merged(&self.limits);
        let blocked = blocks.clone().unwrap_or_default();
        let record = Arc::new(self.record(settled.as_deref(), &recent, &set, &blocked));
        let mut shard = self.shard(name);
        let is_same = same(shard.blocks.get(name), blocks.as_ref());
        let slot = shard.touch(name);
        slot.settled = settled;
        if slot.version == version && is_same {
            slot.record = Some(record.clone());
            slot.recent.set = set;
            slot.recent.pending.clear();
        }
        shard.settle(name, &self.limits);
        Some(record)
    }

    fn delivered(&self, user: &UserId, items: &[ItemIndex], now: Timestamp) {
        let entry =
            |item: &ItemIndex| SetEntry { item: *item, kind: SetKind::Delivered, time: Some(now) };
        if !items.is_empty() {
            let entries = items.iter().map(entry).collect();
            self.change(user.as_str(), &Change { history: None, entries });
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
        let (history, marks) = entries_of(kinds, &interaction);
        let entries = marks.into_iter().flatten().collect();
        self.change(event.user.as_str(), &Change { history, entries });
        Ok(())
    }

    fn blocks(&self, user: &UserId) -> Arc<UserBlocks> {
        self.shard(user.as_str()).blocks.get(user.as_str()).cloned().unwrap_or_default()
    }

    fn change_blocks(
        &self,
        user: &UserId,
        change: &UserBlocks,
        is_blocked: bool,
    ) -> Result<Arc<UserBlocks>, ApplyError> {
        let mut shard = self.shard(user.as_str());
        let had = shard.blocks.get(user.as_str()).cloned().unwrap_or_default();
        let blocks = Arc::new(match is_blocked {
            true => had.with(change),
            false => had.without(change),
        });
        if is_blocked {
            self.check_blocks(&blocks, had.cost())?;
        }
        self.put_blocks_in(&mut shard, user.as_str(), &blocks);
        Ok(blocks)
    }

    fn begin(self: Arc<Self>) {
        self.inherit();
    }
}

#[cfg(test)]
#[path = "live_users_tests.rs"]
mod tests;
