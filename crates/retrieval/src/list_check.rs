//! The engine's guard behind every channel: what breaks a list's promises is dropped and counted.

use std::cell::RefCell;

use gannet_core::ItemIndex;

use crate::{ChannelList, Eligibility, Found, ListFaults};

/// A list that keeps every promise of [`crate::Channel`].
#[derive(Debug, Default)]
pub(crate) struct CheckedList {
    pub(crate) list: ChannelList,
    /// How many items the channel returned.
    pub(crate) returned: usize,
    pub(crate) faults: ListFaults,
}

thread_local! {
    /// One bit an item, all clear between two lists: a set that is not built for every list.
    /// It is lent by value, so that what a panic would leave in it is lost with it.
    static SEEN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Drops items that may not be shown, stand twice, have no finite score or come past `fetch_k`,
/// and brings rising scores into order. Runs on the channel's thread.
pub(crate) fn check(list: ChannelList, eligible: &Eligibility, fetch_k: usize) -> CheckedList {
    let ChannelList { mut found, partial, mut dropped } = list;
    let returned = found.len();
    let mut faults = ListFaults::default();
    let mut seen = SEEN.take();
    seen.resize(eligible.len().div_ceil(64).max(seen.len()), 0);
    let word = |item: ItemIndex| (item.at() / 64, 1u64 << (item.0 % 64));
    found.retain(|one| {
        let (at, bit) = word(one.item);
        let fault = if !one.channel_score.is_finite() {
            &mut faults.not_finite
        } else if !eligible.contains(one.item) {
            eligible.refusal(one.item).into_iter().for_each(|refusal| dropped.add(refusal));
            &mut faults.ineligible
        } else if seen[at] & bit != 0 {
            &mut faults.duplicate
        } else {
            seen[at] |= bit;
            return true;
        };
        *fault += 1;
        false
    });
    found.iter().map(|one| word(one.item)).for_each(|(at, _)| seen[at] = 0);
    SEEN.set(seen);
    faults.rising =
        found.windows(2).filter(|pair| pair[0].channel_score < pair[1].channel_score).count()
            as u32;
    if faults.rising > 0 {
        found.sort_by(|a: &Found, b| b.channel_score.total_cmp(&a.channel_score));
    }
    faults.surplus = found.len().saturating_sub(fetch_k) as u32;
    found.truncate(fetch_k);
    CheckedList { list: ChannelList { found, partial, dropped }, returned, faults }
}
