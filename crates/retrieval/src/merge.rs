//! Many lists into one: a pure function of the lists and the plan.

mod pool;
mod quota;
mod rrf;

use gannet_core::ChannelName;

use crate::{Candidate, ChannelList, MergeKind, Plan};
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
/// `priority_truncate` and `snake` that is the channel whose turn it was; in `rrf` the one that
/// adds most to its score among those with room (earlier in the plan among equals). Channels
/// place up to their targets, while as many places as the others' minima need are held back for
/// them; what is held back in vain is given free; then up to their maxima while places are left.
/// So no channel ever places more than its maximum, a minimum holds while there are places at
/// all, and an answer is short only where every channel has placed its maximum or its whole list.
///
/// `merge_score` is the fused score in `rrf`, and 1 / position in the others.
pub fn merge(answers: &[ChannelAnswer], plan: &Plan) -> Vec<Candidate> {
    let pool = Pool::new(answers, plan);
    let order = match plan.merge {
        MergeKind::Rrf => rrf::order(&pool, plan),
        MergeKind::PriorityTruncate => by_position(priority_truncate(Places::new(&pool, plan))),
        MergeKind::Snake => by_position(snake(Places::new(&pool, plan))),
    };
    pool.candidates(&order)
}

/// Channel after channel, each up to its target; then again, up to its maximum.
fn priority_truncate(mut places: Places<'_>) -> Vec<u32> {
    for pass in Pass::ALL {
        places.begin(pass);
        for channel in 0..places.channel_count() {
            while places.is_open(channel) && places.take_next(channel) {}
        }
    }
    places.in_order_of(|place| (place.refill, place.channel, place.rank))
}

/// One item of each channel in turn, forth and back: 0 1 2, 2 1 0, 0 1 2.
fn snake(mut places: Places<'_>) -> Vec<u32> {
    let count = places.channel_count();
    for pass in Pass::ALL {
        places.begin(pass);
        let (mut forth, mut placed) = (true, true);
        while placed {
            placed = false;
            for turn in 0..count {
                let channel = if forth { turn } else { count - 1 - turn };
                placed |= places.is_open(channel) && places.take_next(channel);
            }
            forth = !forth;
        }
    }
    places.in_order_of(|place| place.order)
}

fn by_position(slots: Vec<u32>) -> Vec<(u32, f32)> {
    slots.into_iter().enumerate().map(|(at, slot)| (slot, 1.0 / (at + 1) as f32)).collect()
}
