//! From one generation's users to the next one's: nothing that has happened is lost when another
//! snapshot is put in force.
//!
//! Shard by shard, under its lock, everything is copied in the indices of the new catalogue; from
//! then on every change of that shard (by requests that finish on the old generation, too) is
//! passed on. Items that the new catalogue does not have are forgotten, but for blocks, which keep
//! their names.

use std::sync::{Arc, PoisonError};

use gannet_core::{Catalogue, ItemIndex, Timestamp};
use gannet_models::Snapshot;
use rustc_hash::FxHashSet;

use super::LiveUsers;
use super::recent::{Change, Recent};
use super::shard::Shard;
use crate::blocks::UserBlocks;
use crate::{HistoryEntry, ItemSet, SetEntry};

/// No such item any more.
const GONE: u32 = u32::MAX;

/// The users who take over, and where the items have gone.
pub(super) struct Heir {
    users: Arc<LiveUsers>,
    before: Arc<Catalogue>,
    items: Vec<u32>,
}

impl Heir {
    pub(super) fn new(before: Arc<Catalogue>, users: Arc<LiveUsers>) -> Self {
        let now = &users.snapshot.catalogue;
        let place = |item| now.find(before.id(item)).map_or(GONE, |item| item.0);
        let items = before.indices().map(place).collect();
        Self { users, before, items }
    }

    /// Copies all users of a shard, those heard of longest ago first.
    pub(super) fn take_over(self: &Arc<Self>, shard: &mut Shard) {
        for (name, blocks) in &shard.blocks {
            self.put_blocks(name, blocks);
        }
        for name in shard.order.values() {
            let Some(slot) = shard.users.get(name) else { continue };
            let recent = self.recent(name, &slot.recent);
            let mut heirs = self.users.shard(name);
            heirs.touch(name).recent = recent;
            heirs.settle(name, &self.users.limits);
        }
        shard.heir = Some(self.clone());
    }

    pub(super) fn change(&self, user: &str, change: &Change) {
        let entries = self.entries(change.entries.iter().copied()).collect();
        let history = change.history.and_then(|entry| self.entry(entry));
        self.users.change(user, &Change { history, entries });
    }

    pub(super) fn put_blocks(&self, user: &str, blocks: &UserBlocks) {
        let catalogue = &self.users.snapshot.catalogue;
        self.users.put_blocks(user, blocks.moved(&self.before, catalogue));
    }

    fn recent(&self, user: &str, recent: &Recent) -> Recent {
        let mut history: Vec<HistoryEntry> =
            recent.history.iter().filter_map(|entry| self.entry(*entry)).collect();
        forget_known(&self.users.snapshot, user, &mut history);
        Recent {
            history,
            set: Arc::new(ItemSet::new(self.entries(recent.set.iter()))),
            pending: self.entries(recent.pending.iter().copied()).collect(),
        }
    }

    fn entry(&self, entry: HistoryEntry) -> Option<HistoryEntry> {
        Some(HistoryEntry { item: self.item(entry.item)?, ..entry })
    }

    fn entries(&self, entries: impl Iterator<Item = SetEntry>) -> impl Iterator<Item = SetEntry> {
        entries.filter_map(|entry| Some(SetEntry { item: self.item(entry.item)?, ..entry }))
    }

    fn item(&self, item: ItemIndex) -> Option<ItemIndex> {
        let place = self.items[item.at()];
        (place != GONE).then_some(ItemIndex(place))
    }
}

/// Leaves out the events that the new snapshot has learnt of: they would count twice.
fn forget_known(snapshot: &Snapshot, user: &str, history: &mut Vec<HistoryEntry>) {
    let Some(oldest) = history.iter().filter_map(|entry| entry.time).min() else { return };
    let Some(index) = snapshot.histories.find(user) else { return };
    let newest_first = snapshot.histories.events(index).iter().rev();
    let young = newest_first.take_while(|event| event.time.is_some_and(|time| time >= oldest));
    let known: FxHashSet<(ItemIndex, Option<Timestamp>)> =
        young.map(|event| (event.item, event.time)).collect();
    history.retain(|entry| !known.contains(&(entry.item, entry.time)));
}

impl LiveUsers {
    /// Takes everything over from the users of the generation before.
    pub(super) fn inherit(self: Arc<Self>) {
        let previous = self.previous.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(previous) = previous else { return };
        let heir = Arc::new(Heir::new(previous.snapshot.catalogue.clone(), self));
        for shard in &previous.shards {
            heir.take_over(&mut shard.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}
