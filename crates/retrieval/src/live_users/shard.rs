//! A part of the users, under one lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use gannet_core::UserIndex;

use super::heir::Heir;
use super::recent::{Change, Recent};
use super::{LiveLimits, SHARDS};
use crate::blocks::UserBlocks;
use crate::{HistoryEntry, ItemSet, UserRecord};

#[derive(Default)]
pub(super) struct Shard {
    pub(super) users: HashMap<Arc<str>, Slot>,
    /// Users by when they were last heard of.
    pub(super) order: BTreeMap<u64, Arc<str>>,
    tick: u64,
    pub(super) entries: usize,
    /// What users blocked: it does not leave with them, or a block would end by itself.
    pub(super) blocks: HashMap<Arc<str>, Arc<UserBlocks>>,
    /// Who is told of every change from the moment that it has taken this shard over.
    pub(super) heir: Option<Arc<Heir>>,
}

/// One user.
#[derive(Default)]
pub(super) struct Slot {
    used: u64,
    pub(super) settled: Option<Arc<Settled>>,
    pub(super) recent: Recent,
    pub(super) record: Option<Arc<UserRecord>>,
    /// When he was last changed, so that a record made outside the lock is not kept when it is
    /// out of date.
    pub(super) version: u64,
    /// What the shard has counted for him.
    entries: usize,
}

/// What the snapshot knows of a user.
pub(super) struct Settled {
    pub(super) index: UserIndex,
    pub(super) history: Vec<HistoryEntry>,
    pub(super) items: Arc<ItemSet>,
}

impl Slot {
    fn len(&self) -> usize {
        let settled = self.settled.as_ref();
        settled.map_or(0, |settled| settled.history.len() + settled.items.len()) + self.recent.len()
    }

    /// To be called by whatever changes the user; the shard's tick is never the same twice.
    fn outdate(&mut self) {
        (self.record, self.version) = (None, self.used);
    }
}

impl Shard {
    /// The user's slot, as the one heard of last.
    pub(super) fn touch(&mut self, user: &str) -> &mut Slot {
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

    pub(super) fn change(&mut self, user: &str, change: &Change, limits: &LiveLimits) {
        let slot = self.touch(user);
        slot.recent.add(change, limits);
        slot.outdate();
        self.settle(user, limits);
    }

    /// Puts what a user blocked in place of what he had blocked before. Makes no slot for him: of
    /// the many of whom only that is known none may make another leave.
    pub(super) fn put_blocks(&mut self, user: &str, blocks: Arc<UserBlocks>) {
        if self.users.contains_key(user) {
            self.touch(user).outdate();
        }
        match blocks.is_empty() {
            true => self.blocks.remove(user),
            false => self.blocks.insert(user.into(), blocks),
        };
    }

    /// Counts the user anew and lets others leave where there is too much; he himself stays.
    pub(super) fn settle(&mut self, user: &str, limits: &LiveLimits) {
        if let Some(slot) = self.users.get_mut(user) {
            let len = slot.len();
            self.entries = self.entries + len - slot.entries;
            slot.entries = len;
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
