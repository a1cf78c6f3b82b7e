//! The best neighbours of every item, all cores at once, within a bound of memory.
//!
//! Five million lists of 200 would be 8 GB. So all lists are shortened alike where they would come
//! to more than `entries_max` entries together ([`list_length`]); nothing is dropped on small data.

use gannet_core::{SparseRows, SparseRowsBuilder};
use gannet_models::ItemNeighbours;
use gannet_vectors::TopK;
use rayon::prelude::*;

use crate::pairs::Pairs;

/// Items whose lists are found before they join the result: what is held twice stays small.
const BLOCK: usize = 1 << 16;
/// Items that a thread takes at a time.
const CHUNK: usize = 64;

/// How long lists may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListLimits {
    /// The longest list asked for.
    pub(crate) neighbours: usize,
    /// The most entries of all lists together.
    pub(crate) entries_max: usize,
}

/// The longest length up to `neighbours` at which all lists together stay within `entries_max`,
/// reckoned from how many neighbours each item can have at the most; at least 1.
pub(crate) fn list_length(possible: &[u32], limits: ListLimits) -> usize {
    let total = |length: usize| -> u64 {
        possible.iter().map(|most| u64::from(*most).min(length as u64)).sum()
    };
    let (mut fits, mut too_long) = (1, limits.neighbours + 1);
    while too_long - fits > 1 {
        let middle = fits + (too_long - fits) / 2;
        if total(middle) <= limits.entries_max as u64 { fits = middle } else { too_long = middle }
    }
    fits
}

/// The lists that `score` gives: it is called once an item, with the thread's own scratch space,
/// the additions that the item takes, and a function that takes `(neighbour, similarity)` of
/// distinct neighbours in any order. What is not above zero is left out, and so is the item.
pub(crate) fn best_neighbours<S: Send>(
    pairs: &Pairs,
    limits: ListLimits,
    recency_exponent: f32,
    scratch: impl Fn() -> S + Sync + Send,
    score: impl Fn(&mut S, usize, u64, &mut dyn FnMut(u32, f32)) + Sync + Send,
) -> ItemNeighbours {
    let items = pairs.item_count();
    let meetings: Vec<u64> = (0..items).into_par_iter().map(|item| pairs.meetings(item)).collect();
    let most = |meetings: &u64| (*meetings).min(items.saturating_sub(1) as u64) as u32;
    let possible: Vec<u32> = meetings.iter().map(most).collect();
    let length = list_length(&possible, limits);
    let entries = possible.iter().map(|most| (*most as usize).min(length)).sum();
    let mut lists = SparseRowsBuilder::with_capacity(items as u32, items, entries);
    for block in (0..items).step_by(BLOCK) {
        let block_end = (block + BLOCK).min(items);
        let chunks: Vec<Vec<Vec<(u32, f32)>>> = (block..block_end)
            .into_par_iter()
            .step_by(CHUNK)
            .map_init(&scratch, |scratch, start| {
                let list = |item: usize| {
                    let mut top = TopK::new(length.min(possible[item] as usize));
                    score(scratch, item, meetings[item], &mut |other, similarity| {
                        let counts = similarity > 0.0 && similarity.is_finite();
                        if counts && other as usize != item {
                            top.offer(other, similarity);
                        }
                    });
                    top.into_sorted().iter().map(|found| (found.row, found.score)).collect()
                };
                (start..(start + CHUNK).min(block_end)).map(list).collect()
            })
            .collect();
        for list in chunks.into_iter().flatten() {
            lists.push_row(list);
        }
    }
    ItemNeighbours { lists: lists.finish(), recency_exponent }
}

/// The lists of what users lead to: the neighbours of an item are its users' items, in sums over
/// those users of `step(item, user, strength)` times the value that `by_user` has for the pair of
/// user and neighbour; `similarity(item, neighbour, sum)` is what the sum comes to. `by_user` has
/// the entries of `pairs`, perhaps with other values; all values and steps are above zero.
pub(crate) fn best_through_users(
    pairs: &Pairs,
    by_user: &SparseRows,
    limits: ListLimits,
    recency_exponent: f32,
    step: impl Fn(usize, u32, f32) -> f32 + Sync + Send,
    similarity: impl Fn(usize, u32, f32) -> f32 + Sync + Send,
) -> ItemNeighbours {
    best_neighbours(
        pairs,
        limits,
        recency_exponent,
        || Sums::new(pairs.item_count()),
        |sums, item, additions, offer| {
            // The user's row has the item itself too.
            sums.begin(additions + pairs.users_of(item) as u64);
            for (user, strength) in pairs.by_item.entries(item) {
                add_row(sums, by_user, user, step(item, user, strength));
            }
            sums.drain(|other, sum| offer(other, similarity(item, other, sum)));
        },
    )
}

/// Sums of many values by column. A row with few additions keeps them in a hash table that fits
/// the fastest cache; one with many has a slot for every column, which at five million items is
/// 20 MB a thread and misses the cache at every addition.
struct Sums {
    width: usize,
    /// Slots of `(column, sum)`, a power of two of them; `EMPTY` columns are free.
    table: Vec<(u32, f32)>,
    shift: u32,
    /// By column; made when the first row needs it.
    dense: Vec<f32>,
    is_dense: bool,
    /// Slots or columns in use, in order of their first addition.
    used: Vec<u32>,
}

const EMPTY: u32 = u32::MAX;

impl Sums {
    fn new(width: usize) -> Self {
        let (table, dense) = (Vec::new(), Vec::new());
        Self { width, table, shift: 31, dense, is_dense: false, used: Vec::new() }
    }

    /// Prepares for a row of at most so many additions. Call it when empty.
    fn begin(&mut self, additions: u64) {
        let most = additions.min(self.width as u64) as usize;
        let slots = (2 * most).next_power_of_two().max(2);
        self.is_dense = 2 * slots >= self.width;
        if self.is_dense {
            self.dense.resize(self.width, 0.0);
            return;
        }
        self.shift = 32 - slots.trailing_zeros();
        if self.table.len() < slots {
            self.table.resize(slots, (EMPTY, 0.0));
        }
    }

    /// Adds a value above zero: in the dense form zero means untouched.
    #[inline]
    fn add(&mut self, column: u32, value: f32) {
        if self.is_dense {
            let sum = &mut self.dense[column as usize];
            if *sum == 0.0 {
                self.used.push(column);
            }
            *sum += value;
            return;
        }
        let mask = (1usize << (32 - self.shift)) - 1;
        // Fibonacci hashing (Knuth): neighbouring ids must not share a slot.
        let mut slot = (column.wrapping_mul(0x9E37_79B1) >> self.shift) as usize;
        loop {
            let (key, sum) = &mut self.table[slot];
            if *key == column {
                *sum += value;
                return;
            }
            if *key == EMPTY {
                (*key, *sum) = (column, value);
                self.used.push(slot as u32);
                return;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Takes every sum out; empty afterwards, without a pass over what was not used.
    fn drain(&mut self, mut take: impl FnMut(u32, f32)) {
        for at in self.used.drain(..) {
            if self.is_dense {
                take(at, std::mem::take(&mut self.dense[at as usize]));
            } else {
                let (column, sum) = std::mem::replace(&mut self.table[at as usize], (EMPTY, 0.0));
                take(column, sum);
            }
        }
    }
}

/// Adds `scale * value` of every entry of a row.
#[inline]
fn add_row(sums: &mut Sums, rows: &SparseRows, row: u32, scale: f32) {
    let (columns, values) = rows.row(row as usize);
    for (column, value) in columns.iter().zip(values) {
        sums.add(*column, scale * value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn sums_are_those_of_a_map(
            rows in prop::collection::vec(prop::collection::vec((0u32..5000, 1u8..9), 0..60), 0..6),
        ) {
            let mut sums = Sums::new(5000);
            for row in rows {
                let mut expected = BTreeMap::new();
                sums.begin(row.len() as u64);
                for (column, value) in row {
                    *expected.entry(column).or_insert(0.0) += f32::from(value);
                    sums.add(column, f32::from(value));
                }
                let mut found = BTreeMap::new();
                sums.drain(|column, sum| assert!(found.insert(column, sum).is_none()));
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn lists_are_as_long_as_the_entries_allow(
            possible in prop::collection::vec(0u32..40, 1..30),
            neighbours in 1usize..40,
            entries_max in 0usize..400,
        ) {
            let length = list_length(&possible, ListLimits { neighbours, entries_max });
            let total = |length: usize| -> usize {
                possible.iter().map(|most| (*most as usize).min(length)).sum()
            };
            prop_assert!((1..=neighbours).contains(&length));
            prop_assert!(length == 1 || total(length) <= entries_max);
            prop_assert!(length == neighbours || total(length + 1) > entries_max);
        }
    }
}
