//! What has happened to one user since the snapshot.

use std::sync::Arc;

use gannet_core::ItemIndex;
use rustc_hash::FxHashSet;

use super::LiveLimits;
use crate::{HistoryEntry, ItemSet, SetEntry, SetKind};

/// What one event or one answer adds.
#[derive(Clone, Default)]
pub(super) struct Change {
    pub(super) history: Option<HistoryEntry>,
    pub(super) entries: Vec<SetEntry>,
}

/// All of it, bounded.
#[derive(Clone, Default)]
pub(super) struct Recent {
    /// By time, the newest last.
    pub(super) history: Vec<HistoryEntry>,
    /// Entries up to the last record, in order, and those since then.
    pub(super) set: Arc<ItemSet>,
    pub(super) pending: Vec<SetEntry>,
}

impl Recent {
    pub(super) fn len(&self) -> usize {
        self.history.len() + self.set.len() + self.pending.len()
    }

    pub(super) fn add(&mut self, change: &Change, limits: &LiveLimits) {
        self.pending.extend_from_slice(&change.entries);
        if let Some(entry) = change.history {
            // Events arrive late and out of order; a history is by time.
            let at = self.history.partition_point(|one| one.time <= entry.time);
            self.history.insert(at, entry);
        }
        self.bound(limits);
    }

    /// Lets each list grow past its bound before it is cut: the cost of a cut is spread over the
    /// entries that led to it.
    fn bound(&mut self, limits: &LiveLimits) {
        if self.history.len() > 2 * limits.history_max {
            self.history.drain(..self.history.len() - limits.history_max);
        }
        // A cut keeps up to the bound of each kind: with less room than one more, a user of whom
        // all kinds are full would be cut at every event.
        if self.pending.len() > (SetKind::ALL.len() + 1) * limits.recent_max {
            self.pending = newest(std::mem::take(&mut self.pending), limits.recent_max);
        }
    }

    /// Both together. What was there is in order already, so that this is a merge of two runs
    /// and not a sort of everything a session has seen.
    pub(super) fn merged(&self, limits: &LiveLimits) -> Arc<ItemSet> {
        if self.pending.is_empty() {
            return self.set.clone();
        }
        let set = ItemSet::new(self.set.iter().chain(self.pending.iter().copied()));
        let is_past = |kind| set.of(kind).count() > 2 * limits.recent_max;
        Arc::new(match SetKind::ALL.into_iter().any(is_past) {
            true => ItemSet::new(newest(set.iter().collect(), limits.recent_max)),
            false => set,
        })
    }
}

/// Of each item and kind the latest entry, and of each kind the newest so many.
fn newest(mut entries: Vec<SetEntry>, recent_max: usize) -> Vec<SetEntry> {
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.time.map_or(i64::MAX, |time| time.0)));
    let mut seen: FxHashSet<(ItemIndex, SetKind)> = FxHashSet::default();
    let mut counts = [0usize; SetKind::ALL.len()];
    entries.retain(|entry| {
        let count = &mut counts[entry.kind as usize];
        let keep = *count < recent_max && seen.insert((entry.item, entry.kind));
        *count += usize::from(keep);
        keep
    });
    entries
}
