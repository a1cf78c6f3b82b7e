//! From sums to a channel's list: the best eligible ones, by selection.

use gannet_core::{ItemIndex, RefusalCounts};
use gannet_vectors::{Neighbour, TopK};

use crate::{Ask, ChannelList, Found};

/// The best `fetch_k` eligible items of a stream of scores, in any order. Only finite scores above
/// zero count: the others say nothing for the item. Eligibility is asked only of an item that
/// would enter the list at that moment, and only those are counted as dropped: items that were
/// never good enough are not a loss.
pub(super) fn best_eligible(
    scored: impl Iterator<Item = (u32, f32)>,
    ask: &Ask,
    fetch_k: usize,
) -> (Vec<Neighbour>, RefusalCounts) {
    let mut dropped = RefusalCounts::default();
    let mut top = TopK::new(fetch_k);
    // Inside the iterator's own loop: a chain asked item by item costs twice as much.
    scored.for_each(|(item, score)| {
        if score > 0.0 && score.is_finite() && score >= top.threshold() {
            if ask.eligible.contains(ItemIndex(item)) {
                top.offer(item, score);
            } else if let Some(refusal) = ask.eligible.refusal(ItemIndex(item)) {
                dropped.add(refusal);
            }
        }
    });
    (top.into_sorted(), dropped)
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
