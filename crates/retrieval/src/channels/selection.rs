//! From scores to a channel's list: the best eligible items, by selection from sums, or by a walk
//! along items that a model keeps in order.

use gannet_core::{ItemIndex, RefusalCounts};
use gannet_vectors::{AllRows, Neighbour, RowMask, TopK};

use super::scores::{Scores, WORD};
use super::watch::Watch;
use crate::eligibility::Asked;
use crate::{Ask, ChannelList, Found};

/// The smallest number above zero: what is not above zero says nothing for its row.
const LEAST: f32 = f32::from_bits(1);

/// Share of eligible items from which on a list is taken first and asked about afterwards: below
/// it most of the asking would be in vain.
const ASKED_AFTERWARDS: f32 = 0.25;

/// How many times as many are selected where the first ones were not enough.
const WIDER: usize = 4;

/// Items asked about together.
const TOGETHER: usize = 64;

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
    for block in 0..scores.block_count() {
        let mut good = scores.good_in(block, top.threshold().max(LEAST));
        while good != 0 {
            let (row, sum) = scores.at(block * WORD + good.trailing_zeros() as usize);
            good &= good - 1;
            if !sum.is_finite() {
                continue;
            }
            match mask.contains(row) {
                true => top.offer(row, sum),
                false => refused(row),
            }
        }
    }
    top.into_sorted()
}

/// The best `fetch_k` eligible items. Only those that would have entered the list are counted as
/// dropped: items that were never good enough are not a loss.
///
/// A few more than wanted, and as many as the user may know of them, are selected by their sums
/// alone and asked about in their order: one question costs a few lines from memory. Where that was
/// not enough, as with a user who knows most of what is near to him, several times as many are.
pub(super) fn best_eligible(
    scores: &Scores,
    ask: &Ask,
    fetch_k: usize,
) -> (Vec<Neighbour>, RefusalCounts) {
    let share = ask.eligible.estimate();
    let mut dropped = RefusalCounts::default();
    if share < ASKED_AFTERWARDS {
        let best = best(scores, fetch_k, &*ask.eligible, |row| {
            let refusal = ask.eligible.refusal(ItemIndex(row));
            refusal.into_iter().for_each(|refusal| dropped.add(refusal));
        });
        return (best, dropped);
    }
    // What a user knows is near to what he knows.
    let known = ask.profile.history().len().min(fetch_k);
    let wanted = (fetch_k.saturating_add(known) as f32 / share) as usize;
    let mut wanted = wanted.saturating_add(wanted / 4).saturating_add(TOGETHER);
    let (mut list, mut asked) = (Vec::new(), 0);
    loop {
        let all = best(scores, wanted, &AllRows, |_| {});
        all[asked..].iter().for_each(|one| ask.eligible.fetch(ItemIndex(one.row)));
        for part in all[asked..].chunks(TOGETHER) {
            take_open(part, |one| ItemIndex(one.row), ask, fetch_k, &mut list, &mut dropped);
            if list.len() == fetch_k {
                return (list, dropped);
            }
        }
        if all.len() < wanted {
            return (list, dropped);
        }
        (asked, wanted) = (wanted, wanted.saturating_mul(WIDER));
    }
}

/// Adds those of up to [`TOGETHER`] that may be shown, in their order, until there are `fetch_k`.
fn take_open<T: Copy>(
    part: &[T],
    item: impl Fn(&T) -> ItemIndex,
    ask: &Ask,
    fetch_k: usize,
    list: &mut Vec<T>,
    dropped: &mut RefusalCounts,
) {
    let mut items = [ItemIndex(0); TOGETHER];
    items.iter_mut().zip(part).for_each(|(to, from)| *to = item(from));
    let Asked { open, in_sets } = ask.eligible.ask(&items[..part.len()]);
    for (at, one) in part.iter().enumerate() {
        if list.len() == fetch_k {
            return;
        }
        match open >> at & 1 == 1 {
            true => list.push(*one),
            false => {
                // With a heavy user this is most of what comes first: the short way is worth it.
                let refusal = match in_sets >> at & 1 == 1 {
                    true => ask.eligible.set_entry(items[at]).map(|entry| entry.kind.refusal()),
                    false => ask.eligible.refusal(items[at]),
                };
                refusal.into_iter().for_each(|refusal| dropped.add(refusal));
            }
        }
    }
}

/// The first `fetch_k` eligible of items that come with their scores, best first. Every refused
/// item on the way is counted as dropped.
pub(super) fn first_eligible(
    mut ranked: impl Iterator<Item = (ItemIndex, f32)>,
    ask: &Ask,
    fetch_k: usize,
) -> ChannelList {
    let mut list = ChannelList::default();
    let mut watch = Watch::new(&ask.deadline);
    let mut part: Vec<Found> = Vec::with_capacity(TOGETHER);
    while list.found.len() < fetch_k {
        let left = (fetch_k - list.found.len()).min(TOGETHER);
        part.clear();
        part.extend(ranked.by_ref().take(left).map(found));
        if part.is_empty() {
            break;
        }
        if watch.is_past(part.len()) {
            list.partial = true;
            break;
        }
        let ChannelList { found, dropped, .. } = &mut list;
        take_open(&part, |one| one.item, ask, fetch_k, found, dropped);
    }
    list
}

fn found((item, channel_score): (ItemIndex, f32)) -> Found {
    Found { item, channel_score, trigger: None }
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
