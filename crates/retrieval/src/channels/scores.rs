//! Sums by index, for every channel that adds contributions: never more time or memory than a
//! request's own additions deserve, be the catalogue of four thousand items or of five million.

use std::cell::RefCell;

use gannet_vectors::Kernel;

use super::watch::Watch;

/// Triggers that a packed contribution can name; a channel takes no more than this.
pub(super) const TRIGGERS_MAX: usize = 4095;

const ORDINAL_MASK: u32 = 0xFFF;

/// Additions between two looks at the time.
const CHUNK: usize = 1024;

/// Indices and values of one list, as long as one another.
pub(super) type List<'a> = (&'a [u32], &'a [f32]);

/// Indices for each announced addition up to which an array of them all is the better table: it
/// is no larger than a hash table of the additions, and one addition costs 1.1 ns in place of 3
/// (user_cf on MovieLens-1M, reading the lists included).
const DENSE_RANGE_MAX: usize = 4;

/// A table of sums, in one of two forms that give the same sums: an array over the whole range of
/// indices where there are additions enough to pay for emptying it and for walking it, a hash
/// table of the indices touched otherwise.
#[derive(Debug, Default)]
pub(super) struct Scores {
    is_dense: bool,
    dense: Dense,
    hashed: Hashed,
}

/// By index.
#[derive(Debug, Default)]
struct Dense {
    sums: Vec<f32>,
    bests: Vec<u32>,
}

/// Its size follows the touches announced: 8 bytes times 1.5 to 3 times that number, so that what
/// a request adds stays in a core's second-level cache. Emptying it costs a pass of stores.
#[derive(Debug, Default)]
struct Hashed {
    /// As [`slot`] makes them.
    slots: Vec<i64>,
    /// By slot: the largest contribution and its trigger ([`pack`]); empty until a trigger comes.
    bests: Vec<u32>,
    /// The slot of an index is `index * SPREAD >> shift`.
    shift: u32,
}

/// The index of a slot to which none has come yet: no catalogue has so many items.
const FREE: u32 = u32::MAX;

/// An index and its sum in one number, the bits of the sum above: those of positive sums are in
/// the order of these, and every other one but NaN lies below them.
#[inline]
fn slot(index: u32, sum: f32) -> i64 {
    i64::from(sum.to_bits().cast_signed()) << 32 | i64::from(index)
}

#[inline]
fn index_of(slot: i64) -> u32 {
    slot as u32
}

#[inline]
fn sum_of(slot: i64) -> f32 {
    f32::from_bits((slot >> 32) as u32)
}

/// Odd, from the golden ratio: its products' upper bits spread indices evenly (Knuth 6.4).
const SPREAD: u32 = 0x9E37_79B1;
const SIZE_MIN: usize = 256;

/// Sums in a block: as many as a word has bits.
pub(super) const WORD: usize = 64;

impl Scores {
    /// Empties the table for at most `touches` additions to indices below `range`.
    pub(super) fn begin(&mut self, range: usize, touches: usize) {
        self.is_dense = range <= touches.saturating_mul(DENSE_RANGE_MAX).max(SIZE_MIN);
        if self.is_dense {
            self.dense.begin(range);
        } else {
            self.hashed.begin(touches);
        }
    }

    /// Adds to one index.
    pub(super) fn add(&mut self, index: u32, value: f32) {
        if self.is_dense {
            self.dense.sums[index as usize] += value;
        } else {
            self.hashed.add(index, value);
        }
    }

    /// Adds a list times `scale`, watching the time; false where time was up before its end.
    pub(super) fn add_list(&mut self, list: List<'_>, scale: f32, watch: &mut Watch<'_>) -> bool {
        for (indices, values) in list.0.chunks(CHUNK).zip(list.1.chunks(CHUNK)) {
            if watch.is_past(indices.len()) {
                return false;
            }
            let entries = indices.iter().zip(values);
            if self.is_dense {
                add_scaled(&mut self.dense.sums, entries, scale);
            } else {
                entries.for_each(|(index, value)| {
                    self.hashed.add(*index, scale * value);
                });
            }
        }
        true
    }

    /// As [`Scores::add_list`] for a list whose every entry adds the same.
    pub(super) fn add_to_each(
        &mut self,
        indices: &[u32],
        value: f32,
        watch: &mut Watch<'_>,
    ) -> bool {
        for indices in indices.chunks(CHUNK) {
            if watch.is_past(indices.len()) {
                return false;
            }
            if self.is_dense {
                add_scaled(&mut self.dense.sums, indices.iter().map(|index| (index, &1.0)), value);
            } else {
                indices.iter().for_each(|index| {
                    self.hashed.add(*index, value);
                });
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
            let entries = indices.iter().zip(values);
            if self.is_dense {
                self.dense.add_of_trigger(entries, scale, ordinal);
            } else {
                self.hashed.add_of_trigger(entries, scale, ordinal);
            }
        }
        true
    }

    /// Every index whose sum is not zero, with its sum: ascending, or in the order of the table;
    /// the same additions give the same order.
    pub(super) fn sums(&self) -> impl Iterator<Item = (u32, f32)> + '_ {
        let (dense, hashed): (&[f32], &[i64]) = match self.is_dense {
            true => (&self.dense.sums, &[]),
            false => (&[], &self.hashed.slots),
        };
        let dense = dense.iter().enumerate().map(|(index, sum)| (index as u32, *sum));
        let hashed = hashed.iter().map(|slot| (index_of(*slot), sum_of(*slot)));
        dense.chain(hashed).filter(|(_, sum)| *sum != 0.0)
    }

    /// How many blocks of [`WORD`] sums the table has.
    pub(super) fn block_count(&self) -> usize {
        let sums = if self.is_dense { self.dense.sums.len() } else { self.hashed.slots.len() };
        sums.div_ceil(WORD)
    }

    /// Which sums of a block are `floor` or more, those that are not finite perhaps included;
    /// `floor > 0`.
    ///
    /// One pass without branches: which of them are good enough is no pattern that a processor
    /// could guess.
    #[inline]
    pub(super) fn good_in(&self, block: usize, floor: f32) -> u64 {
        let first = block * WORD;
        if self.is_dense {
            let sums = &self.dense.sums[first..];
            good(sums[..sums.len().min(WORD)].iter().copied(), floor)
        } else {
            let (blocks, _) = self.hashed.slots.as_chunks::<WORD>();
            Kernel::detect().at_least(&blocks[block], slot(0, floor))
        }
    }

    /// The index and the sum at a place of the table.
    #[inline]
    pub(super) fn at(&self, place: usize) -> (u32, f32) {
        if self.is_dense {
            (place as u32, self.dense.sums[place])
        } else {
            let slot = self.hashed.slots[place];
            (index_of(slot), sum_of(slot))
        }
    }

    /// Makes every sum `weigh(sum, weight of its index)`; one past the weights stays as it is.
    pub(super) fn reweigh(&mut self, weights: &[f32], weigh: impl Fn(f32, f32) -> f32) {
        if self.is_dense {
            for (sum, weight) in self.dense.sums.iter_mut().zip(weights) {
                *sum = weigh(*sum, *weight);
            }
            return;
        }
        let Some(last) = weights.len().checked_sub(1) else { return };
        // Half of the slots are free, in no pattern: each takes some weight, and no branch.
        for known in &mut self.hashed.slots {
            let (index, sum) = (index_of(*known), sum_of(*known));
            let weighed = weigh(sum, weights[(index as usize).min(last)]);
            *known = slot(index, if index as usize <= last { weighed } else { sum });
        }
    }

    /// Makes one sum zero.
    pub(super) fn forget(&mut self, index: u32) {
        if self.is_dense {
            self.dense.sums[index as usize] = 0.0;
        } else {
            let at = self.hashed.find(index);
            self.hashed.slots[at] = slot(index, 0.0);
        }
    }

    /// The ordinal of the trigger with the largest single contribution to an index, compared to
    /// 11 bits of mantissa (a twentieth of a percent); the earlier one among equals.
    pub(super) fn trigger(&self, index: u32) -> Option<usize> {
        let best = match self.is_dense {
            true => self.dense.bests.get(index as usize),
            false => self.hashed.bests.get(self.hashed.find(index)),
        };
        let best = best.copied().filter(|best| *best > 0);
        best.map(|best| (ORDINAL_MASK - (best & ORDINAL_MASK)) as usize)
    }
}

#[inline]
fn good(sums: impl Iterator<Item = f32>, floor: f32) -> u64 {
    sums.enumerate().fold(0, |good, (bit, sum)| good | u64::from(sum >= floor) << bit)
}

impl Dense {
    fn begin(&mut self, range: usize) {
        self.sums.clear();
        self.sums.resize(range, 0.0);
        self.bests.clear();
        self.bests.resize(range, 0);
    }

    fn add_of_trigger<'a>(
        &mut self,
        entries: impl Iterator<Item = (&'a u32, &'a f32)>,
        scale: f32,
        ordinal: usize,
    ) {
        let (sums, bests) = (&mut self.sums[..], &mut self.bests[..]);
        for (index, value) in entries {
            let value = scale * value;
            sums[*index as usize] += value;
            let best = &mut bests[*index as usize];
            *best = pack(value, ordinal).max(*best);
        }
    }
}

/// The whole of most requests' time: a load, a multiplication and an addition an entry.
#[inline]
fn add_scaled<'a>(sums: &mut [f32], entries: impl Iterator<Item = (&'a u32, &'a f32)>, scale: f32) {
    for (index, value) in entries {
        sums[*index as usize] += scale * value;
    }
}

impl Hashed {
    fn begin(&mut self, touches: usize) {
        let size = (touches.saturating_mul(3) / 2).next_power_of_two().max(SIZE_MIN);
        self.shift = 32 - size.trailing_zeros();
        self.slots.clear();
        self.slots.resize(size, slot(FREE, 0.0));
        self.bests.clear();
    }

    /// The slot that holds the index, or the free one where it belongs.
    #[inline]
    fn find(&self, index: u32) -> usize {
        let mut at = (index.wrapping_mul(SPREAD) >> self.shift) as usize;
        loop {
            let known = index_of(self.slots[at]);
            if known == index || known == FREE {
                return at;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    #[inline]
    fn add(&mut self, index: u32, value: f32) -> usize {
        let at = self.find(index);
        self.slots[at] = slot(index, sum_of(self.slots[at]) + value);
        at
    }

    fn add_of_trigger<'a>(
        &mut self,
        entries: impl Iterator<Item = (&'a u32, &'a f32)>,
        scale: f32,
        ordinal: usize,
    ) {
        self.bests.resize(self.slots.len(), 0);
        for (index, value) in entries {
            let value = scale * value;
            let at = self.add(*index, value);
            let best = &mut self.bests[at];
            *best = pack(value, ordinal).max(*best);
        }
    }
}

/// A contribution and its trigger in one word: the upper 20 bits of a positive f32 order as it
/// does, the lower 12 hold `4095 - ordinal`, so that the earlier trigger wins a tie and one `max`
/// keeps it. 0: none.
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

    /// Lists, each with its scale.
    type Lists = Vec<(f32, Vec<(u32, f32)>)>;

    /// A range with the lists that are added to it.
    fn lists() -> impl Strategy<Value = (u32, Lists)> {
        prop_oneof![1u32..1000, 1u32..100_000].prop_flat_map(|range| {
            let list = prop::collection::vec((0..range, -2.0f32..2.0), 0..300);
            (Just(range), prop::collection::vec((-1.0f32..1.0, list), 0..8))
        })
    }

    proptest! {
        #[test]
        fn sums_are_those_of_a_map_whatever_was_in_the_table(
            rounds in prop::collection::vec(lists(), 1..4),
        ) {
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
                let totals = expected.iter().map(|(index, (total, _))| (*index, *total));
                let expected_sums: Vec<_> = totals.filter(|(_, total)| *total != 0.0).collect();
                prop_assert_eq!(sums, expected_sums);
                for (index, (_, contributions)) in expected {
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
    fn equal_entries_add_what_a_list_of_equal_values_adds() {
        let deadline = Deadline::after(Arc::new(ManualClock::at(Timestamp(0))), Duration::MAX);
        let (indices, values) =
            ((0..3000).map(|at| at * 7 % 1999).collect::<Vec<_>>(), [1.0; 3000]);
        for range in [2000, 2_000_000] {
            let [mut one, mut other] = [Scores::default(), Scores::default()];
            one.begin(range, 3000);
            other.begin(range, 3000);
            let watch = &mut Watch::new(&deadline);
            assert!(one.add_to_each(&indices, 0.3, watch));
            assert!(other.add_list((&indices, &values), 0.3, watch));
            assert!(one.sums().eq(other.sums()));
        }
    }

    #[test]
    fn an_emptied_table_has_no_old_sums() {
        let deadline = Deadline::after(Arc::new(ManualClock::at(Timestamp(0))), Duration::MAX);
        let mut scores = Scores::default();
        scores.begin(1_000_000, 10);
        assert!(scores.add_list_of_trigger((&[3], &[1.0]), 1.0, 5, &mut Watch::new(&deadline)));
        assert_eq!(scores.trigger(3), Some(5));
        scores.begin(1_000_000, 10);
        scores.add(4, 2.0);
        assert_eq!(scores.sums().collect::<Vec<_>>(), [(4, 2.0)]);
        assert_eq!((scores.trigger(3), scores.trigger(4)), (None, None));
    }

    #[test]
    fn memory_follows_the_touches_and_not_the_range() {
        let mut scores = Scores::default();
        scores.begin(5_000_000, 1000);
        assert_eq!((scores.hashed.slots.len(), scores.dense.sums.len()), (2048, 0));
        scores.begin(4000, 1000);
        assert_eq!((scores.block_count(), scores.dense.sums.len()), (63, 4000));
    }
}
