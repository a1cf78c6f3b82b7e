//! Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009): an item's score is the sum
//! over the lists of weight / (k + rank).

use std::cmp::Ordering;

use super::pool::Pool;
use super::quota::{Pass, Places};
use crate::Plan;

/// An item's fused score, and the place that breaks its ties.
#[derive(Debug, Clone, Copy)]
struct Fused {
    slot: u32,
    score: f64,
    /// The plan's first channel that found it, and its rank there: no two items share both.
    first: (u32, u32),
}

fn better(a: &Fused, b: &Fused) -> Ordering {
    b.score.total_cmp(&a.score).then(a.first.cmp(&b.first))
}

/// The answer's slots with their scores, best first. Where no quota can bind, the best are
/// selected in linear time; otherwise the items are gone through in order.
pub(super) fn order(pool: &Pool<'_>, plan: &Plan) -> Vec<(u32, f32)> {
    let mut fused = fuse(pool, plan);
    let binds = plan.channels.iter().zip(&pool.lists).any(|(channel, list)| {
        channel.quota.min > 0 || list.len() > channel.quota.target.min(channel.quota.max)
    });
    let kept = if binds {
        fused.sort_unstable_by(better);
        within_quotas(&fused, pool, plan)
    } else {
        if plan.handover < fused.len() {
            fused.select_nth_unstable_by(plan.handover, better);
            fused.truncate(plan.handover);
        }
        fused.sort_unstable_by(better);
        fused
    };
    kept.into_iter().map(|one| (one.slot, one.score as f32)).collect()
}

fn part(plan: &Plan, channel: usize, rank: u32) -> f64 {
    f64::from(plan.channels[channel].weight) / (f64::from(plan.rrf_k) + f64::from(rank))
}

/// Slots are numbered by first appearance, so the first mention of a slot is the next number.
fn fuse(pool: &Pool<'_>, plan: &Plan) -> Vec<Fused> {
    let mut fused: Vec<Fused> = Vec::with_capacity(pool.len());
    for (channel, list) in pool.lists.iter().enumerate() {
        for (slot, rank) in list {
            let part = part(plan, channel, *rank);
            match fused.get_mut(*slot as usize) {
                Some(known) => known.score += part,
                None => {
                    fused.push(Fused { slot: *slot, score: part, first: (channel as u32, *rank) });
                }
            }
        }
    }
    fused
}

/// The items of `fused` (best first) that the quotas let in, in the same order.
fn within_quotas(fused: &[Fused], pool: &Pool<'_>, plan: &Plan) -> Vec<Fused> {
    let mut mentions: Vec<Vec<(f64, usize, u32)>> = vec![Vec::new(); pool.len()];
    for (channel, list) in pool.lists.iter().enumerate() {
        for (slot, rank) in list {
            mentions[*slot as usize].push((part(plan, channel, *rank), channel, *rank));
        }
    }
    for mentions in &mut mentions {
        mentions.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    }
    let mut places = Places::new(pool, plan);
    for pass in Pass::ALL {
        places.begin(pass);
        for one in fused {
            if places.is_full() {
                break;
            }
            if places.is_taken(one.slot) {
                continue;
            }
            let open = |mention: &&(f64, usize, u32)| places.is_open(mention.1);
            let mention = mentions[one.slot as usize].iter().find(open).copied();
            if let Some((_, channel, rank)) = mention {
                places.take(one.slot, channel, rank);
            }
        }
        places.take_minima();
    }
    fused.iter().filter(|one| places.is_taken(one.slot)).copied().collect()
}
