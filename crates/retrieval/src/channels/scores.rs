//! Sums by index, for every channel that adds contributions: no pass over the catalogue, and no
//! memory of its size, for a request that touches a few thousand items of five million.

use std::cell::RefCell;

use super::watch::Watch;

/// Triggers that a packed contribution can name; a channel takes no more than this.
pub(super) const TRIGGERS_MAX: usize = 4095;

const ORDINAL_MASK: u32 = 0xFFF;

/// Additions between two looks at the time.
const CHUNK: usize = 1024;

/// Indices and values of one list, as long as one another.
pub(super) type List<'a> = (&'a [u32], &'a [f32]);

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// A slot of another epoch is free.
    epoch: u32,
    index: u32,
    sum: f32,
    /// The largest contribution and its trigger in one word: the upper 20 bits of the (positive)
    /// f32 order as it does, the lower 12 hold `4095 - ordinal`, so that the earlier trigger wins
    /// a tie and one `max` keeps it. 0: none.
    best: u32,
}

/// A table of sums. Its size follows the touches announced, not the catalogue: 16 bytes times two
/// to four times that number, so that it stays in the cache where a dense array of a large
/// catalogue would not. Where the whole range of indices fits, an index is its own slot and
/// nothing collides. Emptying is one increment.
#[derive(Debug, Default)]
pub(super) struct Scores {
    slots: Vec<Slot>,
    epoch: u32,
    /// Slots of this epoch, in the order of first touch.
    touched: Vec<u32>,
    /// Slots in use: a power of two.
    size: usize,
    /// The slot of an index is `index * spread >> shift`.
    spread: u32,
    shift: u32,
}

/// Odd, from the golden ratio: its products' upper bits spread indices evenly (Knuth 6.4).
const SPREAD: u32 = 0x9E37_79B1;
const SIZE_MIN: usize = 256;

impl Scores {
    /// Empties the table for at most `touches` additions to indices below `range`.
    pub(super) fn begin(&mut self, range: usize, touches: usize) {
        let roomy = touches.min(range).saturating_mul(2).next_power_of_two();
        let whole = range.next_power_of_two();
        self.size = roomy.min(whole).max(SIZE_MIN);
        let dense = self.size >= range;
        self.spread = if dense { 1 } else { SPREAD };
        self.shift = if dense { 0 } else { 32 - self.size.trailing_zeros() };
        if self.slots.len() < self.size {
            self.slots.resize(self.size, Slot::default());
        }
        self.touched.clear();
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.slots.fill(Slot::default());
            self.epoch = 1;
        }
    }

    /// The slot that holds the index, or the free one where it belongs.
    #[inline]
    fn find(&self, index: u32) -> usize {
        let mut at = (index.wrapping_mul(self.spread) >> self.shift) as usize;
        loop {
            let slot = &self.slots[at];
            if slot.index == index || slot.epoch != self.epoch {
                return at;
            }
            at = (at + 1) & (self.size - 1);
        }
    }

    /// Adds to one index. `contribution` is the packed word of [`pack`], or 0.
    #[inline]
    fn add_packed(&mut self, index: u32, value: f32, contribution: u32) {
        let (at, epoch) = (self.find(index), self.epoch);
        let slot = &mut self.slots[at];
        if slot.epoch != epoch {
            *slot = Slot { epoch, index, sum: value, best: contribution };
            self.touched.push(at as u32);
        } else {
            slot.sum += value;
            slot.best = slot.best.max(contribution);
        }
    }

    /// Adds to one index.
    #[inline]
    pub(super) fn add(&mut self, index: u32, value: f32) {
        self.add_packed(index, value, 0);
    }

    /// Adds a list times `scale`, watching the time; false where time was up before its end.
    pub(super) fn add_list(&mut self, list: List<'_>, scale: f32, watch: &mut Watch<'_>) -> bool {
        for (indices, values) in list.0.chunks(CHUNK).zip(list.1.chunks(CHUNK)) {
            if watch.is_past(indices.len()) {
                return false;
            }
            for (index, value) in indices.iter().zip(values) {
                self.add_packed(*index, scale * value, 0);
            }
        }
        true
    }

    /// As [`Scores::add_list`] for a list that a trigger brings; `ordinal < TRIGGERS_MAX`.
    pub(super) fn add_list_of_trigger(
        &mut self,
        list: List<'_>,
        scale: f32,
        ordinal: usize,
        watch: &mut Watch<'_>,
    ) -> bool {
        debug_assert!(ordinal < TRIGGERS_MAX);
        for (indices, values) in list.0.chunks(CHUNK).zip(list.1.chunks(CHUNK)) {
            if watch.is_past(indices.len()) {
                return false;
            }
            for (index, value) in indices.iter().zip(values) {
                let value = scale * value;
                self.add_packed(*index, value, pack(value, ordinal));
            }
        }
        true
    }

    /// Every index touched with its sum, in the order of first touch.
    pub(super) fn sums(&self) -> impl Iterator<Item = (u32, f32)> + '_ {
        self.touched.iter().map(|at| {
            let slot = &self.slots[*at as usize];
            (slot.index, slot.sum)
        })
    }

    /// The ordinal of the trigger with the largest single contribution to an index, compared to
    /// 11 bits of mantissa (a twentieth of a percent); the earlier one among equals.
    pub(super) fn trigger(&self, index: u32) -> Option<usize> {
        let slot = &self.slots[self.find(index)];
        let known = slot.epoch == self.epoch && slot.best > 0;
        known.then(|| (ORDINAL_MASK - (slot.best & ORDINAL_MASK)) as usize)
    }
}

#[inline]
fn pack(value: f32, ordinal: usize) -> u32 {
    if value > 0.0 { value.to_bits() & !ORDINAL_MASK | (ORDINAL_MASK - ordinal as u32) } else { 0 }
}

thread_local! {
    static SCORES: RefCell<Scores> = RefCell::new(Scores::default());
}

/// Lends this thread's table: workers live long, so that a request allocates nothing. What a
/// channel that panicked left behind is forgotten by the next [`Scores::begin`].
pub(super) fn with_scores<T>(work: impl FnOnce(&mut Scores) -> T) -> T {
    SCORES.with(|scores| work(&mut scores.borrow_mut()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use gannet_core::{ManualClock, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::Deadline;

    /// A range with the lists that are added to it, each with its scale.
    fn lists() -> impl Strategy<Value = (u32, Vec<(f32, Vec<(u32, f32)>)>)> {
        (1u32..100_000).prop_flat_map(|range| {
            let list = prop::collection::vec((0..range, -2.0f32..2.0), 0..300);
            (Just(range), prop::collection::vec((-1.0f32..1.0, list), 0..8))
        })
    }

    proptest! {
        #[test]
        fn sums_are_those_of_a_map_whatever_was_in_the_table(rounds in prop::collection::vec(lists(), 1..4)) {
            let clock = Arc::new(ManualClock::at(Timestamp(0)));
            let deadline = Deadline::after(clock, Duration::from_secs(1));
            let mut watch = Watch::new(&deadline);
            let mut scores = Scores::default();
            for (range, lists) in rounds {
                scores.begin(range as usize, lists.iter().map(|(_, list)| list.len()).sum());
                let mut expected: BTreeMap<u32, (f32, Vec<f32>)> = BTreeMap::new();
                for (ordinal, (scale, list)) in lists.iter().enumerate() {
                    let (indices, values): (Vec<u32>, Vec<f32>) = list.iter().copied().unzip();
                    scores.add_list_of_trigger((&indices, &values), *scale, ordinal, &mut watch);
                    for (index, value) in list {
                        let known = expected.entry(*index).or_insert((0.0, vec![0.0; lists.len()]));
                        known.0 += scale * value;
                        known.1[ordinal] = known.1[ordinal].max(scale * value);
                    }
                }
                let mut sums: Vec<(u32, f32)> = scores.sums().collect();
                sums.sort_by_key(|(index, _)| *index);
                prop_assert_eq!(sums.len(), expected.len());
                for ((index, sum), (known, (total, contributions))) in sums.into_iter().zip(expected) {
                    prop_assert_eq!(index, known);
                    prop_assert!((sum - total).abs() < 1e-4);
                    let best = contributions.iter().copied().fold(0.0, f32::max);
                    match scores.trigger(index) {
                        Some(ordinal) => prop_assert!(contributions[ordinal] >= best * 0.9995),
                        None => prop_assert_eq!(best, 0.0),
                    }
                }
            }
        }
    }

    #[test]
    fn epochs_that_run_over_leave_no_old_sums() {
        let mut scores = Scores::default();
        scores.begin(10, 10);
        scores.add(3, 1.0);
        scores.epoch = u32::MAX;
        scores.begin(10, 10);
        scores.add(4, 2.0);
        assert_eq!(scores.sums().collect::<Vec<_>>(), [(4, 2.0)]);
        assert_eq!(scores.trigger(3), None);
    }

    #[test]
    fn memory_follows_the_touches_and_not_the_range() {
        let mut scores = Scores::default();
        scores.begin(5_000_000, 1000);
        assert_eq!(scores.slots.len(), 2048);
        scores.begin(5_000_000, usize::MAX);
        assert_eq!(scores.slots.len(), 1 << 23);
    }
}
