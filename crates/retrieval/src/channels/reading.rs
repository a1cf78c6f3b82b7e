//! Which parts of many lists a request reads where it cannot read them all: blocks in the order of
//! what their entries can add at the most, until a budget of entries is spent.
//!
//! This is score-at-a-time reading with an anytime budget (Lin and Trotman, ICTIR 2015) over blocks
//! with known maxima (Ding and Suel, SIGIR 2011). Sums are exact for what was read; an entry that
//! was not read is no heavier than the lightest block that was. Lists that fit are read whole, one
//! after the other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use gannet_vectors::prefetch;

use super::scores::List;

/// Entries of a block: a heap step costs as much as about ten additions.
pub(super) const BLOCK: usize = 64;

/// Up to so many indices the sums of a request fit a core's cache as an array, and an addition
/// costs about 1 ns; above, a hash table takes them, at 3 to 5 ns each.
const SMALL_RANGE_MAX: usize = 1 << 16;

/// What a channel reads in a catalogue too large for an array: reading twice and four times as
/// much moves no channel's recall@500 by more than 0.3 percentage points on validation data of a
/// simulated catalogue of a million (docs/measurements/2026-11-24-wide-latency.md).
pub(super) const LARGE_BUDGET: usize = 10_000;

/// The entries that a channel may read: as configured, else `small` where the sums over `range`
/// indices are cheap, else `large`, which is quick enough whatever the size.
pub(super) fn budget(configured: Option<usize>, range: usize, small: usize, large: usize) -> usize {
    let default = if range <= SMALL_RANGE_MAX { small } else { small.min(large) };
    configured.unwrap_or(default)
}

/// The items of a user's past that a channel starts from: as configured, else as many as lists
/// over `range` indices are cheap to begin with. In a large catalogue each costs some lines from
/// memory, however little is read of its list; the newest hundred find no fewer than the newest
/// five hundred on validation data of a simulated catalogue of a million.
pub(super) fn triggers(configured: Option<usize>, range: usize) -> usize {
    configured.unwrap_or(if range <= SMALL_RANGE_MAX { 500 } else { 100 })
}

/// Gives the blocks of lists to `read`, as `(ordinal of the list, part of it)`, until it says false
/// or `budget` entries have been given. `lists` are a length and a weight each (of either sign);
/// `bound(ordinal, start)` is the largest value from the entry `start` on, 0 or more.
pub(super) fn heaviest_first<'a>(
    lists: &[(List<'a>, f32)],
    budget: usize,
    bound: impl Fn(usize, usize) -> f32,
    mut read: impl FnMut(usize, List<'a>) -> bool,
) {
    if lists.iter().map(|((indices, _), _)| indices.len()).sum::<usize>() <= budget {
        let _ = lists.iter().enumerate().all(|(ordinal, (list, _))| read(ordinal, *list));
        return;
    }
    let blocks = heaviest_blocks(lists, budget, bound);
    for (at, (ordinal, start, end)) in blocks.iter().enumerate() {
        if let Some((ordinal, start, end)) = blocks.get(at + BLOCKS_AHEAD) {
            let (indices, values) = lists[*ordinal].0;
            fetch(&indices[*start..*end]);
            fetch(&values[*start..*end]);
        }
        let (indices, values) = lists[*ordinal].0;
        if !read(*ordinal, (&indices[*start..*end], &values[*start..*end])) {
            return;
        }
    }
}

/// Blocks that are on their way from memory while one is added: a block takes as long to add as a
/// line takes to come.
const BLOCKS_AHEAD: usize = 2;

/// Numbers of 4 bytes in a cache line.
const LINE: usize = 16;

/// Asks for a block's lines ahead of their use.
pub(super) fn fetch<T>(block: &[T]) {
    (0..block.len().min(BLOCK)).step_by(LINE).for_each(|at| prefetch(block, at));
}

/// The blocks to read as `(ordinal of the list, start, end)`, in their order.
fn heaviest_blocks(
    lists: &[(List<'_>, f32)],
    budget: usize,
    bound: impl Fn(usize, usize) -> f32,
) -> Vec<(usize, usize, usize)> {
    // Numbers of 0 or more are in the same order as their bits. The bound after this one will be
    // asked for when this block's turn has come.
    let weigh = |ordinal: usize, start: usize| {
        prefetch(lists[ordinal].0.1, start + BLOCK);
        (bound(ordinal, start) * lists[ordinal].1.abs()).max(0.0).to_bits()
    };
    let filled = (0..lists.len()).filter(|ordinal| !lists[*ordinal].0.0.is_empty());
    let mut heap: BinaryHeap<(u32, Reverse<u32>, u32)> =
        filled.map(|ordinal| (weigh(ordinal, 0), Reverse(ordinal as u32), 0)).collect();
    let mut blocks = Vec::with_capacity(budget.div_ceil(BLOCK).min(1 << 16) + 1);
    let mut left = budget;
    while let Some(mut top) = heap.peek_mut().filter(|_| left > 0) {
        let (ordinal, start) = (top.1.0 as usize, top.2 as usize);
        let length = lists[ordinal].0.0.len();
        let end = start + BLOCK.min(length - start).min(left);
        left -= end - start;
        blocks.push((ordinal, start, end));
        if end == length {
            PeekMut::pop(top);
        } else {
            *top = (weigh(ordinal, end), top.1, end as u32);
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_read_is_as_heavy_as_what_is_not(
            lists in prop::collection::vec(
                (prop::collection::vec(0.0f32..9.0, 0..300), -2.0f32..2.0),
                0..9,
            ),
            budget in prop_oneof![0usize..1500, Just(usize::MAX)],
        ) {
            let sorted: Vec<(Vec<u32>, Vec<f32>, f32)> = lists
                .into_iter()
                .map(|(mut values, weight)| {
                    values.sort_by(|a, b| b.total_cmp(a));
                    ((0..values.len() as u32).collect(), values, weight)
                })
                .collect();
            let lists: Vec<(List<'_>, f32)> =
                sorted.iter().map(|(i, v, weight)| ((&i[..], &v[..]), *weight)).collect();
            let mut read = vec![0; lists.len()];
            let bound = |ordinal: usize, start: usize| sorted[ordinal].1[start];
            heaviest_first(&lists, budget, bound, |ordinal, (indices, values)| {
                let next = (!indices.is_empty()).then_some(read[ordinal] as u32);
                assert_eq!(indices.first().copied(), next);
                assert_eq!(indices.len(), values.len());
                read[ordinal] += indices.len();
                true
            });
            let all: usize = lists.iter().map(|((indices, _), _)| indices.len()).sum();
            prop_assert_eq!(read.iter().sum::<usize>(), all.min(budget));
            let weight = |list: usize, at: usize| {
                let (_, values, weight) = &sorted[list];
                values[at.min(values.len() - 1)] * weight.abs()
            };
            let heaviest_left = (0..lists.len())
                .filter(|list| read[*list] < sorted[*list].1.len())
                .map(|list| weight(list, read[list].next_multiple_of(BLOCK)))
                .fold(0.0, f32::max);
            for (at, taken) in read.iter().enumerate() {
                let last_block = taken.saturating_sub(1) / BLOCK * BLOCK;
                if *taken > 0 && budget < all {
                    prop_assert!(weight(at, last_block) >= heaviest_left);
                }
            }
        }
    }

    #[test]
    fn a_reader_that_says_stop_is_not_asked_again() {
        let (indices, values) = ((0..500).collect::<Vec<u32>>(), vec![1.0; 500]);
        let lists = [((&indices[..], &values[..]), 1.0), ((&indices[..], &values[..]), 2.0)];
        for budget in [300, 5000] {
            let mut calls = 0;
            heaviest_first(
                &lists,
                budget,
                |_, _| 1.0,
                |_, _| {
                    calls += 1;
                    false
                },
            );
            assert_eq!(calls, 1);
        }
    }

    #[test]
    fn the_default_budget_follows_the_size_and_a_configured_one_stands() {
        assert_eq!(budget(None, 4_000, 400_000, 9), 400_000);
        assert_eq!(budget(None, 5_000_000, 400_000, 9), 9);
        assert_eq!(budget(Some(7), 5_000_000, 400_000, 9), 7);
        assert_eq!([4_000, 5_000_000].map(|range| triggers(None, range)), [500, 100]);
        assert_eq!([4_000, 5_000_000].map(|range| triggers(Some(7), range)), [7, 7]);
    }
}
