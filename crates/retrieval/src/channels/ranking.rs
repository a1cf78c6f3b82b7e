//! The first eligible items of an order that is the same for everybody, whichever way is shorter:
//! along the order, or through the mask.

use gannet_core::ItemIndex;
use gannet_vectors::RowMask;

use super::selection;
use super::watch::Watch;
use crate::{Ask, ChannelList, Found};

/// Walking past one item costs about as much as looking at so many words of the mask, or as
/// taking one row of it.
const WORDS_A_STEP: f32 = 2.0;

/// Where each item stands in an order.
pub(super) struct Ranking {
    /// By item; `NOWHERE` where the order leaves it out.
    positions: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

impl Ranking {
    /// Of an order over a catalogue of `items`.
    pub(super) fn of(order: impl Iterator<Item = ItemIndex>, items: usize) -> Self {
        let mut positions = vec![NOWHERE; items];
        for (at, item) in order.enumerate() {
            positions[item.at()] = at as u32;
        }
        Self { positions }
    }

    /// The first `fetch_k` eligible items of the order from `start` to `end`; `at` gives the item
    /// and the score of a position. Refused items are counted only where the order is walked: a
    /// mask is not asked for reasons.
    pub(super) fn first_eligible(
        &self,
        (start, end): (usize, usize),
        at: impl Fn(usize) -> (ItemIndex, f32),
        ask: &Ask,
        fetch_k: usize,
    ) -> ChannelList {
        let share = ask.eligible.estimate();
        let rows = ask.eligible.len() as f32;
        let walk =
            ((fetch_k as f32 + 1.0) / share.max(f32::MIN_POSITIVE)).min((end - start) as f32);
        let scan = rows / 64.0 / WORDS_A_STEP + rows * share;
        if walk <= scan.max(4096.0) {
            return selection::first_eligible((start..end).map(at), ask, fetch_k);
        }
        let mut list = ChannelList::default();
        let mut watch = Watch::new(&ask.deadline);
        let mut found: Vec<u32> = Vec::new();
        for word_at in 0..ask.eligible.len().div_ceil(64) {
            let mut word = ask.eligible.word(word_at);
            if watch.is_past(4 + word.count_ones() as usize) {
                list.partial = true;
                break;
            }
            while word != 0 {
                let position = self.positions[word_at * 64 + word.trailing_zeros() as usize];
                if (start..end).contains(&(position as usize)) {
                    found.push(position);
                }
                word &= word - 1;
            }
        }
        if found.len() > fetch_k {
            found.select_nth_unstable(fetch_k);
            found.truncate(fetch_k);
        }
        found.sort_unstable();
        list.found.extend(found.into_iter().map(|position| {
            let (item, channel_score) = at(position as usize);
            Found { item, channel_score, trigger: None }
        }));
        list
    }
}
