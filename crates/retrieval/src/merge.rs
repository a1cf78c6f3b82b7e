//! Many lists into one: a pure function of the lists and the plan.

mod caps;
mod fused;
mod pool;
mod quota;

use gannet_core::{Catalogue, ChannelName};

use crate::{Candidate, ChannelList, MergeKind, Plan};
pub(crate) use caps::Caps;
use pool::Pool;
use quota::{Pass, Places};

/// A channel's list as the merge takes it. Its position is the channel's place in the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelAnswer {
    /// The channel.
    pub channel: ChannelName,
    /// Its list; empty where it failed or came late.
    pub list: ChannelList,
}

/// Merges lists in the plan's channel order, with quotas and refill. At most `plan.handover`
/// candidates, each item once with every channel's evidence; ties go to the channel that comes
/// first in the plan, then to the lower rank: the same lists give the same answer, always.
/// A plan's channel without an answer here counts as empty, so leaving one out asks "what if".
///
/// A candidate counts against the quota of one channel: the one that placed it. In
/// `priority_truncate`, `round_robin` and `snake` that is the channel whose turn it was; in `rrf`
/// and `weighted` the one that adds most to its score among those with room (earlier in the plan
/// among equals). Channels place up to their targets, while as many places as the others' minima
/// need are held back for them; what is held back in vain is given free; then up to their maxima
/// while places are left. So no channel ever places more than its maximum, a minimum holds while
/// there are places at all, and an answer is short only where every channel has placed its
/// maximum or its whole list.
///
/// `merge_score` is the fused score in `rrf` and `weighted`, and 1 / position in the others.
///
/// The plan's caps are left out here, as they need the items' fields: see [`merge_diverse`].
pub fn merge(answers: &[ChannelAnswer], plan: &Plan) -> Vec<Candidate> {
    merge_within(answers, plan, Caps::default())
}

/// [`merge`] within the plan's caps. An item that a cap keeps out is passed over, and the next of
/// its list takes its place. Where the lists have nothing else and places are left, soft caps
/// give way and the items passed over are placed after all, in the merge's own order; hard caps
/// never do. Caps go before minima and maxima before both.
pub fn merge_diverse(
    answers: &[ChannelAnswer],
    plan: &Plan,
    catalogue: &Catalogue,
) -> Vec<Candidate> {
    merge_within(answers, plan, Caps::new(plan, catalogue))
}

fn merge_within(answers: &[ChannelAnswer], plan: &Plan, caps: Caps<'_>) -> Vec<Candidate> {
    let pool = Pool::new(answers, plan);
    let places = Places::new(&pool, plan, caps);
    let order = match plan.merge {
        MergeKind::Rrf | MergeKind::Weighted => fused::order(&pool, plan, places),
        MergeKind::PriorityTruncate => by_position(priority_truncate(places)),
        MergeKind::RoundRobin => by_position(in_turn(places, false)),
        MergeKind::Snake => by_position(in_turn(places, true)),
    };
    pool.candidates(&order)
}

/// Channel after channel, each up to its target; then again, up to its maximum.
fn priority_truncate(mut places: Places<'_>) -> Vec<u32> {
    while places.next_pass().is_some() {
        for channel in 0..places.channel_count() {
            while places.is_open(channel) && places.take_next(channel) {}
        }
    }
    // The second pass fills what the first held back in vain: it is not a refill.
    places.in_order_of(|place| (place.pass.max(Pass::Target), place.channel, place.rank))
}

/// One item of each channel in turn: 0 1 2, 0 1 2, or forth and back: 0 1 2, 2 1 0, 0 1 2.
fn in_turn(mut places: Places<'_>, turns_back: bool) -> Vec<u32> {
    let count = places.channel_count();
    while places.next_pass().is_some() {
        let (mut forth, mut placed) = (true, true);
        while placed {
            placed = false;
            for turn in 0..count {
                let channel = if forth { turn } else { count - 1 - turn };
                placed |= places.is_open(channel) && places.take_next(channel);
            }
            forth = !(forth && turns_back);
        }
    }
    places.in_order_of(|place| place.order)
}

fn by_position(slots: Vec<u32>) -> Vec<(u32, f32)> {
    slots.into_iter().enumerate().map(|(at, slot)| (slot, 1.0 / (at + 1) as f32)).collect()
}
