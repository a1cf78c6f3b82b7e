//! The items that a user must not see again, and why and since when: made once when they change,
//! shared by every request of that user.
//!
//! Windows belong to the plan and move with the clock, so a set keeps times and is never cut to a
//! window: the same set serves every plan.

use gannet_core::{ItemIndex, Refusal, Timestamp};

use crate::key_set::{Sieve, WordIndex};

/// Why an item is in a user's sets, in the order in which refusals are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum SetKind {
    /// The user blocked or disliked the item.
    Blocked,
    /// It was answered to the user.
    Delivered,
    /// It was on the user's screen.
    Exposed,
    /// The user played or bought it.
    Consumed,
}

impl SetKind {
    /// Every kind, in order.
    pub const ALL: [SetKind; 4] =
        [SetKind::Blocked, SetKind::Delivered, SetKind::Exposed, SetKind::Consumed];

    /// The refusal that it leads to.
    pub fn refusal(self) -> Refusal {
        match self {
            SetKind::Blocked => Refusal::BlockedItem,
            SetKind::Delivered => Refusal::Delivered,
            SetKind::Exposed => Refusal::Exposed,
            SetKind::Consumed => Refusal::Consumed,
        }
    }
}

/// One item of one set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetEntry {
    /// The item.
    pub item: ItemIndex,
    /// Which set.
    pub kind: SetKind,
    /// Since when; `None`: within every window.
    pub time: Option<Timestamp>,
}

/// Since when each kind refuses, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windows([i64; 4]);

/// What an entry without a time counts as: later than any time, earlier than a closed window.
const UNTIMED: i64 = i64::MAX - 1;
const CLOSED: i64 = i64::MAX;

impl Windows {
    /// Blocked items are always refused, the others not yet.
    pub(crate) fn closed() -> Self {
        Self([i64::MIN, CLOSED, CLOSED, CLOSED])
    }

    /// Lets a kind refuse what is younger than `window_ms` at `now`; `None`: however old. What is
    /// exactly as old as the window is free again; what lies in the future is refused.
    pub(crate) fn open(mut self, kind: SetKind, now: Timestamp, window_ms: Option<i64>) -> Self {
        let since = |window: i64| now.0.saturating_sub(window).saturating_add(1);
        self.0[kind as usize] = window_ms.map_or(i64::MIN, since);
        self
    }

    fn take(&self, entry: &Entry) -> bool {
        entry.time >= self.0[entry.kind as usize]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    item: u32,
    kind: SetKind,
    time: i64,
}

/// Items with the reasons and times of their refusal. Immutable; about 40 bytes an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemSet {
    /// By item, then by kind; one of each, the latest.
    entries: Vec<Entry>,
    words: WordIndex,
    sieve: Sieve,
    /// The earliest time of each kind: where a window begins before it, words need no second look.
    oldest: [i64; 4],
}

impl Default for ItemSet {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl ItemSet {
    /// From entries in any order; of several for one item and kind the latest counts.
    pub fn new(entries: impl IntoIterator<Item = SetEntry>) -> Self {
        let entry = |one: SetEntry| Entry {
            item: one.item.0,
            kind: one.kind,
            time: one.time.map_or(UNTIMED, |time| time.0.min(UNTIMED - 1)),
        };
        let mut entries: Vec<Entry> = entries.into_iter().map(entry).collect();
        // Latest first within an item and kind: that one stays. Entries come in runs (the settled
        // ones, then the new), which the stable sort makes use of.
        entries.sort_by(|a, b| {
            (a.item, a.kind).cmp(&(b.item, b.kind)).then_with(|| b.time.cmp(&a.time))
        });
        entries.dedup_by_key(|entry| (entry.item, entry.kind));
        let items: Vec<u32> = entries.iter().map(|entry| entry.item).collect();
        let mut oldest = [CLOSED; 4];
        for entry in &entries {
            let oldest = &mut oldest[entry.kind as usize];
            *oldest = entry.time.min(*oldest);
        }
        Self { words: WordIndex::new(&items), sieve: Sieve::new(&items), entries, oldest }
    }

    /// How many entries there are; an item has one for each set that it is in.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries, by item and kind.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = SetEntry> + '_ {
        self.entries.iter().map(|entry| SetEntry {
            item: ItemIndex(entry.item),
            kind: entry.kind,
            time: (entry.time != UNTIMED).then_some(Timestamp(entry.time)),
        })
    }

    /// The items of one kind, rising.
    pub fn of(&self, kind: SetKind) -> impl Iterator<Item = ItemIndex> + '_ {
        let of_kind = self.entries.iter().filter(move |entry| entry.kind == kind);
        of_kind.map(|entry| ItemIndex(entry.item))
    }

    /// Whether some of the entries are too old for these windows, or of a kind that is switched
    /// off: then words have to be looked into.
    pub(crate) fn is_cut_by(&self, windows: &Windows) -> bool {
        self.oldest.iter().zip(&windows.0).any(|(oldest, since)| oldest < since && *oldest < CLOSED)
    }

    /// False for most items that have no entry, without a look at more than one word.
    #[inline]
    pub(crate) fn may_contain(&self, item: u32) -> bool {
        self.sieve.may_contain(item)
    }

    /// The refused among rows `64 * at ..`. `is_cut` is [`ItemSet::is_cut_by`] of the windows.
    #[inline]
    pub(crate) fn word(&self, at: u32, windows: &Windows, is_cut: bool) -> u64 {
        match self.words.find(at) {
            None => 0,
            Some(word) if !is_cut => word.bits,
            Some(word) => {
                let in_word = self.entries[word.first as usize..].iter();
                let taken = in_word
                    .take_while(|entry| entry.item / 64 == at)
                    .filter(|entry| windows.take(entry));
                taken.fold(0, |bits, entry| bits | 1 << (entry.item % 64))
            }
        }
    }

    /// The entry by which an item is refused: the first in the order of kinds.
    pub(crate) fn refusal(&self, item: u32, windows: &Windows) -> Option<SetEntry> {
        let word = self.words.find(item / 64)?;
        let from_word = self.entries[word.first as usize..].iter();
        let entry = from_word
            .take_while(|entry| entry.item <= item)
            .find(|entry| entry.item == item && windows.take(entry))?;
        let time = (entry.time != UNTIMED).then_some(Timestamp(entry.time));
        Some(SetEntry { item: ItemIndex(item), kind: entry.kind, time })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds() -> impl Strategy<Value = SetKind> {
        prop::sample::select(SetKind::ALL.to_vec())
    }

    fn entries() -> impl Strategy<Value = Vec<SetEntry>> {
        let one = (0u32..300, kinds(), prop::option::of(0i64..40));
        let one = one.prop_map(|(item, kind, time)| SetEntry {
            item: ItemIndex(item),
            kind,
            time: time.map(Timestamp),
        });
        prop::collection::vec(one, 0..60)
    }

    /// Off, without end, or so many milliseconds.
    fn windows() -> impl Strategy<Value = Option<Option<i64>>> {
        prop::option::of(prop::option::of(0i64..40))
    }

    proptest! {
        #[test]
        fn refuses_what_the_windows_say(
            entries in entries(),
            now in 0i64..40,
            switches in prop::collection::vec(windows(), 3),
        ) {
            let set = ItemSet::new(entries.iter().copied());
            let kinds = [SetKind::Delivered, SetKind::Exposed, SetKind::Consumed];
            let mut windows = Windows::closed();
            for (kind, switch) in kinds.into_iter().zip(&switches) {
                if let Some(window) = switch {
                    windows = windows.open(kind, Timestamp(now), *window);
                }
            }
            let holds = |entry: &SetEntry| {
                let Some(at) = kinds.iter().position(|kind| *kind == entry.kind) else {
                    return true;
                };
                match (switches[at], entry.time) {
                    (None, _) => false,
                    (Some(None), _) | (_, None) => true,
                    (Some(Some(window)), Some(time)) => now - time.0 < window,
                }
            };
            let is_cut = set.is_cut_by(&windows);
            for item in 0u32..400 {
                let of_item = entries.iter().filter(|entry| entry.item.0 == item && holds(entry));
                let expected = of_item.map(|entry| entry.kind).min();
                let found = set.refusal(item, &windows);
                prop_assert_eq!(found.map(|entry| entry.kind), expected);
                let bit = set.word(item / 64, &windows, is_cut) >> (item % 64) & 1 == 1;
                prop_assert_eq!(bit, expected.is_some());
            }
        }

        #[test]
        fn keeps_the_latest_of_each_item_and_kind(entries in entries()) {
            let set = ItemSet::new(entries.iter().copied());
            prop_assert!(set.iter().zip(set.iter().skip(1))
                .all(|(a, b)| (a.item, a.kind) < (b.item, b.kind)));
            for one in set.iter() {
                let same = entries.iter()
                    .filter(|entry| (entry.item, entry.kind) == (one.item, one.kind));
                // No time is later than any.
                let latest = same.map(|entry| entry.time.map_or(i64::MAX, |time| time.0)).max();
                prop_assert_eq!(Some(one.time.map_or(i64::MAX, |time| time.0)), latest);
            }
            prop_assert_eq!(&ItemSet::new(set.iter()), &set);
        }
    }

    #[test]
    fn what_is_exactly_as_old_as_the_window_is_free_again() {
        let entry = |time| SetEntry {
            item: ItemIndex(7),
            kind: SetKind::Exposed,
            time: Some(Timestamp(time)),
        };
        let windows = Windows::closed().open(SetKind::Exposed, Timestamp(1_000), Some(100));
        assert!(ItemSet::new([entry(900)]).refusal(7, &windows).is_none());
        assert!(ItemSet::new([entry(901)]).refusal(7, &windows).is_some());
        assert!(ItemSet::new([entry(5_000)]).refusal(7, &windows).is_some());
        assert!(ItemSet::new([entry(i64::MAX)]).refusal(7, &windows).is_some());
        assert!(ItemSet::new([entry(901)]).refusal(7, &Windows::closed()).is_none());
    }
}
