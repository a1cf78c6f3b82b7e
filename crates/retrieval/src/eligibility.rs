//! What may be shown, as three cheap things that are never combined into a new bitmap: 625 KB
//! a request would be written at 5 million items.

use std::sync::Arc;

use gannet_core::{Bitmap, ItemIndex, Refusal};
use gannet_vectors::RowMask;

use crate::filter::FilterMask;
use crate::{EngineState, Filter, Plan, UserProfile};

/// Base mask, this user's refusals, and the request's rare filter. Building it costs
/// O(n log n) of the user's refusals; a look-up costs a few nanoseconds.
#[derive(Debug, Clone)]
pub struct Eligibility {
    base: Arc<Bitmap>,
    base_count: usize,
    filter: Option<Arc<FilterMask>>,
    /// By item, each once, with the first reason in the order of [`Refusal`].
    refusals: Vec<(u32, Refusal)>,
    refused: RefusedWords,
}

impl Eligibility {
    /// What this plan may show to this user.
    pub fn new(
        plan: &Plan,
        profile: &UserProfile,
        filter: Option<&Filter>,
        state: &EngineState,
    ) -> Self {
        let blocked = profile.blocked.iter().map(|item| (*item, Refusal::BlockedItem));
        let consumed = profile.history.iter().map(|entry| (entry.item, Refusal::Consumed));
        let consumed = consumed.filter(|_| plan.refuse_consumed);
        let filter = filter
            .filter(|filter| !filter.is_empty())
            .map(|filter| state.filters.mask(filter, &state.snapshot.catalogue, &state.base));
        Self::of_parts(state.base.clone(), state.base_count, filter, blocked.chain(consumed))
    }

    fn of_parts(
        base: Arc<Bitmap>,
        base_count: usize,
        filter: Option<Arc<FilterMask>>,
        refusals: impl Iterator<Item = (ItemIndex, Refusal)>,
    ) -> Self {
        let inside = refusals.filter(|(item, _)| item.at() < base.len());
        let mut refusals: Vec<(u32, Refusal)> =
            inside.map(|(item, refusal)| (item.0, refusal)).collect();
        refusals.sort_unstable();
        refusals.dedup_by_key(|(item, _)| *item);
        let refused = RefusedWords::new(&refusals, base.len());
        Self { base, base_count, filter, refusals, refused }
    }

    /// Number of items of the generation: rows past it are not eligible.
    pub fn len(&self) -> usize {
        self.base.len()
    }

    /// Whether the generation has no items.
    pub fn is_empty(&self) -> bool {
        self.base.is_empty()
    }

    /// Whether the item may be shown.
    #[inline]
    pub fn contains(&self, item: ItemIndex) -> bool {
        self.base.contains(item.0)
            && self.filter.as_ref().is_none_or(|filter| filter.rows.contains(item.0))
            && self.refused.word(item.0 / 64) >> (item.0 % 64) & 1 == 0
    }

    /// Why the item may not be shown; `None` where it may. An index past the catalogue is
    /// unavailable.
    pub fn refusal(&self, item: ItemIndex) -> Option<Refusal> {
        if !self.base.contains(item.0) {
            return Some(Refusal::Unavailable);
        }
        if self.filter.as_ref().is_some_and(|filter| !filter.rows.contains(item.0)) {
            return Some(Refusal::Filter);
        }
        let at = self.refusals.binary_search_by_key(&item.0, |(refused, _)| *refused).ok()?;
        Some(self.refusals[at].1)
    }

    /// How many items are open to everybody: what base mask and filter leave, before this user's
    /// own refusals. Exact and free: a random draw reckons with it.
    pub fn open_count(&self) -> usize {
        self.filter.as_ref().map_or(self.base_count, |filter| filter.count)
    }

    /// The items of [`Eligibility::open_count`] among rows `64 * at ..`, the lowest bit first.
    pub fn open_word(&self, at: usize) -> u64 {
        let filter = self.filter.as_ref().map_or(u64::MAX, |filter| filter.rows.word(at));
        self.base.word(at) & filter
    }

    /// Share of the catalogue that may be shown, 0 to 1: a planner's hint. Exact but for
    /// refused items that base mask or filter leave out as well.
    pub fn estimate(&self) -> f32 {
        let open = self.filter.as_ref().map_or(self.base_count, |filter| filter.count);
        match self.base.len() {
            0 => 0.0,
            all => open.saturating_sub(self.refusals.len()) as f32 / all as f32,
        }
    }
}

impl RowMask for Eligibility {
    #[inline]
    fn word(&self, at: usize) -> u64 {
        let filter = self.filter.as_ref().map_or(u64::MAX, |filter| filter.rows.word(at));
        let open = self.base.word(at) & filter;
        if open == 0 { 0 } else { open & !self.refused.word(at as u32) }
    }

    #[inline]
    fn contains(&self, row: u32) -> bool {
        Eligibility::contains(self, ItemIndex(row))
    }

    fn selectivity(&self) -> f32 {
        self.estimate()
    }
}

/// The refused rows as the few words of 64 that have any, found through a coarse index of about
/// one entry a word: a scan over the whole catalogue asks for every word.
#[derive(Debug, Clone)]
struct RefusedWords {
    words: Vec<(u32, u64)>,
    /// Where the words of each bucket begin, and the end of the last.
    starts: Vec<u32>,
    shift: u32,
}

impl RefusedWords {
    fn new(refusals: &[(u32, Refusal)], rows: usize) -> Self {
        let mut words: Vec<(u32, u64)> = Vec::new();
        for (row, _) in refusals {
            let (at, bit) = (row / 64, 1u64 << (row % 64));
            match words.last_mut() {
                Some((last, bits)) if *last == at => *bits |= bit,
                _ => words.push((at, bit)),
            }
        }
        let all = rows.div_ceil(64) as u32;
        let mut shift = 0;
        while all >> shift > 2 * words.len() as u32 {
            shift += 1;
        }
        let mut starts = vec![0u32; (all >> shift) as usize + 2];
        for (at, _) in &words {
            starts[(at >> shift) as usize + 1] += 1;
        }
        for bucket in 1..starts.len() {
            starts[bucket] += starts[bucket - 1];
        }
        Self { words, starts, shift }
    }

    #[inline]
    fn word(&self, at: u32) -> u64 {
        let bucket = (at >> self.shift) as usize;
        let Some([start, end]) = self.starts.get(bucket..bucket + 2) else {
            return 0;
        };
        let words = &self.words[*start as usize..*end as usize];
        match words.binary_search_by_key(&at, |(word, _)| *word) {
            Ok(found) => words[found].1,
            Err(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reasons() -> impl Strategy<Value = Refusal> {
        prop::sample::select(vec![Refusal::BlockedItem, Refusal::Exposed, Refusal::Consumed])
    }

    proptest! {
        #[test]
        fn is_the_set_that_one_would_write_down(
            rows in prop::collection::vec((any::<bool>(), any::<bool>()), 0..700),
            filtered in any::<bool>(),
            refusals in prop::collection::vec((0u32..800, reasons()), 0..60),
        ) {
            let base = Bitmap::from_fn(rows.len(), |row| rows[row as usize].0);
            let taken = Bitmap::from_fn(rows.len(), |row| rows[row as usize] == (true, true));
            let filter = FilterMask { count: taken.count(), rows: taken };
            let eligible = Eligibility::of_parts(
                Arc::new(base.clone()),
                base.count(),
                filtered.then(|| Arc::new(filter)),
                refusals.iter().map(|(row, why)| (ItemIndex(*row), *why)),
            );
            let expected = |row: u32| match rows.get(row as usize) {
                None | Some((false, _)) => Some(Refusal::Unavailable),
                Some((_, false)) if filtered => Some(Refusal::Filter),
                Some(_) => refusals.iter().filter(|(item, _)| *item == row).map(|one| one.1).min(),
            };
            for row in 0..rows.len() as u32 + 130 {
                let item = ItemIndex(row);
                prop_assert_eq!(eligible.refusal(item), expected(row));
                prop_assert_eq!(eligible.contains(item), expected(row).is_none());
                let bit = eligible.word(row as usize / 64) >> (row % 64) & 1 == 1;
                prop_assert_eq!(bit, expected(row).is_none());
            }
            let open = (0..rows.len() as u32).filter(|row| expected(*row).is_none()).count();
            let share = open as f32 / rows.len().max(1) as f32;
            prop_assert!(eligible.estimate() <= share + 1e-6);
        }
    }

    #[test]
    fn the_index_of_refusals_stays_as_small_as_the_refusals() {
        let refusals: Vec<(u32, Refusal)> =
            (0..300).map(|at| (at * 16_001, Refusal::Consumed)).collect();
        let words = RefusedWords::new(&refusals, 5_000_000);
        assert!(words.starts.len() <= 2 * refusals.len() + 2, "{}", words.starts.len());
    }
}
