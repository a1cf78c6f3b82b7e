//! The distinct items of all lists, numbered by slots in order of first appearance.

use gannet_core::ItemIndex;

use super::ChannelAnswer;
use crate::slots::Slots;
use crate::{Candidate, Evidence, Found, Plan};

/// Lists by the plan's channels, and their items once each.
pub(super) struct Pool<'a> {
    plan: &'a Plan,
    found: Vec<&'a [Found]>,
    /// Slot and rank (from 1) of each list's items, an item that stands twice only once.
    pub(super) lists: Vec<Vec<(u32, u32)>>,
    items: Vec<ItemIndex>,
    /// By slot: how many lists name the item.
    pub(super) mentions: Vec<u32>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(answers: &'a [ChannelAnswer], plan: &'a Plan) -> Self {
        let of_channel = |at: usize| -> &'a [Found] {
            let name = &plan.channels[at].channel;
            // An answer mostly stands at its channel's place; a "what if" has gaps.
            let same = |answer: &&ChannelAnswer| answer.channel == *name;
            let answer = answers.get(at).filter(same).or_else(|| answers.iter().find(same));
            answer.map_or(&[], |answer| &answer.list.found)
        };
        let found: Vec<&[Found]> = (0..plan.channels.len()).map(of_channel).collect();
        let total = found.iter().map(|list| list.len()).sum();
        let mut slots = Slots::new(total);
        let mut items: Vec<ItemIndex> = Vec::with_capacity(total);
        // The list that named a slot last: finds duplicates within a list without a set of it.
        let mut named_by: Vec<usize> = Vec::with_capacity(total);
        let mut mentions: Vec<u32> = Vec::with_capacity(total);
        let mut lists = Vec::with_capacity(found.len());
        for (channel, list) in found.iter().enumerate() {
            let mut entries = Vec::with_capacity(list.len());
            for (at, one) in list.iter().enumerate() {
                let slot = slots.of(one.item, &mut items);
                if slot as usize == mentions.len() {
                    named_by.push(usize::MAX);
                    mentions.push(0);
                }
                if named_by[slot as usize] != channel {
                    named_by[slot as usize] = channel;
                    mentions[slot as usize] += 1;
                    entries.push((slot, at as u32 + 1));
                }
            }
            lists.push(entries);
        }
        Self { plan, found, lists, items, mentions }
    }

    /// Number of distinct items.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn item(&self, slot: u32) -> ItemIndex {
        self.items[slot as usize]
    }

    /// The channel's own scores, entry by entry of its list.
    pub(super) fn scores(&self, channel: usize) -> impl Iterator<Item = f64> + '_ {
        let score = move |at: &(u32, u32)| self.found[channel][at.1 as usize - 1].channel_score;
        self.lists[channel].iter().map(score).map(f64::from)
    }

    /// The slots with their scores as candidates, each with all its evidence.
    pub(super) fn candidates(&self, order: &[(u32, f32)]) -> Vec<Candidate> {
        const LEFT_OUT: u32 = u32::MAX;
        let mut positions = vec![LEFT_OUT; self.len()];
        let mut candidates = Vec::with_capacity(order.len());
        for (position, (slot, merge_score)) in order.iter().enumerate() {
            positions[*slot as usize] = position as u32;
            let (item, merge_score) = (self.items[*slot as usize], *merge_score);
            let evidence = Vec::with_capacity(self.mentions[*slot as usize] as usize);
            candidates.push(Candidate { item, merge_score, evidence });
        }
        for (channel, list) in self.lists.iter().enumerate() {
            for (slot, channel_rank) in list {
                let position = positions[*slot as usize];
                if position == LEFT_OUT {
                    continue;
                }
                let found = &self.found[channel][*channel_rank as usize - 1];
                candidates[position as usize].evidence.push(Evidence {
                    channel: self.plan.channels[channel].channel.clone(),
                    channel_rank: *channel_rank,
                    channel_score: found.channel_score,
                    trigger: found.trigger,
                });
            }
        }
        candidates
    }
}
