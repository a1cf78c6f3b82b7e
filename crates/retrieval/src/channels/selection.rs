//! From scores to a channel's list: the best eligible items, by selection from sums, or by a walk
//! along items that a model keeps in order.

use gannet_core::{ItemIndex, RefusalCounts};
use gannet_vectors::{Neighbour, RowMask, TopK};

use super::scores::Scores;
use super::watch::Watch;
use crate::{Ask, ChannelList, Found};

/// Rows in a word of a mask.
const WORD: usize = 64;

/// The smallest number above zero: what is not above zero says nothing for its row.
const LEAST: f32 = f32::from_bits(1);

/// The `k` rows of the highest sums, best first, the lower row among equals. Only finite sums
/// above zero count. The mask is asked only about rows that would enter the list at that moment;
/// `refused` is told of those that it keeps out.
pub(super) fn best(
    scores: &Scores,
    k: usize,
    mask: &impl RowMask,
    mut refused: impl FnMut(u32),
) -> Vec<Neighbour> {
    let mut top = TopK::new(k);
    let Some(sums) = scores.as_array() else {
        for (row, sum) in scores.sums() {
            if !(top.threshold().max(LEAST)..=f32::MAX).contains(&sum) {
                continue;
            }
            match mask.contains(row) {
                true => top.offer(row, sum),
                false => refused(row),
            }
        }
        return top.into_sorted();
    };
    for (at, block) in sums.chunks(WORD).enumerate() {
        // One pass without branches over 64 sums: which of them are good enough is no pattern
        // that a processor could guess.
        let floor = top.threshold().max(LEAST);
        let mut good = 0u64;
        for (bit, sum) in block.iter().enumerate() {
            good |= u64::from((*sum >= floor) & (*sum <= f32::MAX)) << bit;
        }
        let open = if good == 0 { 0 } else { mask.word(at) };
        while good != 0 {
            let bit = good.trailing_zeros();
            let row = (at * WORD) as u32 + bit;
            match open >> bit & 1 {
                1 => top.offer(row, block[bit as usize]),
                _ => refused(row),
            }
            good &= good - 1;
        }
    }
    top.into_sorted()
}

/// The best `fetch_k` eligible items. Only those that would have entered the list are counted as
/// dropped: items that were never good enough are not a loss.
pub(super) fn best_eligible(
    scores: &Scores,
    ask: &Ask,
    fetch_k: usize,
) -> (Vec<Neighbour>, RefusalCounts) {
    let mut dropped = RefusalCounts::default();
    let best = best(scores, fetch_k, &*ask.eligible, |row| {
        ask.eligible.refusal(ItemIndex(row)).into_iter().for_each(|refusal| dropped.add(refusal));
    });
    (best, dropped)
}

/// The first `fetch_k` eligible of items that come with their scores, best first. Every refused
/// item on the way is counted as dropped.
pub(super) fn first_eligible(
    ranked: impl Iterator<Item = (ItemIndex, f32)>,
    ask: &Ask,
    fetch_k: usize,
) -> ChannelList {
    let mut list = ChannelList::default();
    let mut watch = Watch::new(&ask.deadline);
    for (item, channel_score) in ranked {
        if list.found.len() >= fetch_k {
            break;
        }
        if watch.is_past(1) {
            list.partial = true;
            break;
        }
        match ask.eligible.refusal(item) {
            Some(refusal) => list.dropped.add(refusal),
            None => list.found.push(Found { item, channel_score, trigger: None }),
        }
    }
    list
}

/// A list whose items got there by `trigger`.
pub(super) fn list(
    (best, dropped): (Vec<Neighbour>, RefusalCounts),
    partial: bool,
    trigger: impl Fn(ItemIndex) -> Option<ItemIndex>,
) -> ChannelList {
    let found = best.into_iter().map(|Neighbour { row, score }| {
        let item = ItemIndex(row);
        Found { item, channel_score: score, trigger: trigger(item) }
    });
    ChannelList { found: found.collect(), partial, dropped }
}

#[cfg(test)]
mod tests {
    use gannet_core::Bitmap;
    use proptest::prelude::*;

    use super::*;

    struct Mask(Bitmap);

    impl RowMask for Mask {
        fn word(&self, at: usize) -> u64 {
            self.0.word(at)
        }

        fn selectivity(&self) -> f32 {
            1.0
        }
    }

    fn sum() -> impl Strategy<Value = f32> {
        let odd = vec![0.0, -0.0, LEAST, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        prop_oneof![4 => (-3i8..9).prop_map(f32::from), 1 => prop::sample::select(odd)]
    }

    proptest! {
        #[test]
        fn either_form_of_the_table_gives_what_a_full_sort_gives(
            rows in prop::collection::vec((sum(), any::<bool>()), 0..300),
            k in prop_oneof![0usize..20, Just(usize::MAX)],
        ) {
            let mask = Mask(Bitmap::from_fn(rows.len(), |row| rows[row as usize].1));
            let mut expected: Vec<(u32, f32)> = (0..)
                .zip(&rows)
                .filter(|(_, (sum, open))| *open && sum.is_finite() && *sum > 0.0)
                .map(|(row, (sum, _))| (row, *sum))
                .collect();
            expected.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            expected.truncate(k);
            for range in [rows.len(), 100_000_000] {
                let mut scores = Scores::default();
                scores.begin(range, rows.len());
                (0..).zip(&rows).for_each(|(row, (sum, _))| scores.add(row, *sum));
                let best = best(&scores, k, &mask, |row| assert!(!rows[row as usize].1));
                let best: Vec<_> = best.iter().map(|one| (one.row, one.score)).collect();
                prop_assert_eq!(&best, &expected);
            }
        }
    }
}
