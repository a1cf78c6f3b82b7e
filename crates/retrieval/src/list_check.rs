//! The engine's guard behind every channel: what breaks a list's promises is dropped and counted.

use rustc_hash::FxHashSet;

use crate::{ChannelList, Eligibility, Found, ListFaults};

/// A list that keeps every promise of [`crate::Channel`].
#[derive(Debug, Default)]
pub(crate) struct CheckedList {
    pub(crate) list: ChannelList,
    /// How many items the channel returned.
    pub(crate) returned: usize,
    pub(crate) faults: ListFaults,
}

/// Drops items that may not be shown, stand twice, have no finite score or come past `fetch_k`,
/// and brings rising scores into order. Runs on the channel's thread.
pub(crate) fn check(list: ChannelList, eligible: &Eligibility, fetch_k: usize) -> CheckedList {
    let ChannelList { mut found, partial, mut dropped } = list;
    let returned = found.len();
    let mut faults = ListFaults::default();
    let mut seen = FxHashSet::default();
    seen.reserve(found.len().min(fetch_k));
    found.retain(|one| {
        let fault = if !one.channel_score.is_finite() {
            &mut faults.not_finite
        } else if !eligible.contains(one.item) {
            eligible.refusal(one.item).into_iter().for_each(|refusal| dropped.add(refusal));
            &mut faults.ineligible
        } else if !seen.insert(one.item) {
            &mut faults.duplicate
        } else {
            return true;
        };
        *fault += 1;
        false
    });
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
