//! The engine's guard behind every channel: what breaks a list's promises is dropped and counted.

use gannet_core::ItemIndex;

use crate::slots::Slots;
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
    let mut items: Vec<ItemIndex> = found.iter().map(|one| one.item).collect();
    let open: Vec<u64> = items.chunks(64).map(|part| eligible.open_among(part)).collect();
    items.clear();
    let (mut slots, mut at) = (Slots::new(returned), 0);
    found.retain(|one| {
        let is_open = open[at / 64] >> (at % 64) & 1 == 1;
        at += 1;
        let fault = if !one.channel_score.is_finite() {
            &mut faults.not_finite
        } else if !is_open {
            eligible.refusal(one.item).into_iter().for_each(|refusal| dropped.add(refusal));
            &mut faults.ineligible
        } else if !slots.insert(one.item, &mut items) {
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
