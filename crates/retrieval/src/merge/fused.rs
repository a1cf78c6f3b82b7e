//! Merges that add up what each list says of an item: reciprocal rank fusion (Cormack, Clarke and
//! Buettcher, SIGIR 2009) and the weighted sum of normalised scores (CombSUM, Fox and Shaw 1994).

use super::pool::Pool;
use super::quota::{Pass, Places};
use crate::{MergeKind, Normalisation, Plan};

/// An item's fused score, and the place that breaks its ties.
#[derive(Debug, Clone, Copy)]
struct Fused {
    slot: u32,
    score: f64,
    /// The plan's first channel that found it, and its rank there: no two items share both.
    first: (u32, u32),
}

impl Fused {
    /// The smaller the better: the score's bits, in an order that falls as the score rises, then
    /// the first mention. Whole numbers are selected and sorted without unpredictable branches.
    fn key(&self) -> u128 {
        let bits = self.score.to_bits();
        let rising = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
        u128::from(!rising) << 64 | u128::from(self.first.0) << 32 | u128::from(self.first.1)
    }
}

/// By channel and entry of its list: what the entry adds to its item's score. Finite, not
/// negative.
type Parts = Vec<Vec<f64>>;

/// The answer's slots with their scores, best first. Where neither quota nor cap can bind, the
/// best are selected in linear time; otherwise the items are gone through in order.
pub(super) fn order(pool: &Pool<'_>, plan: &Plan, places: Places<'_>) -> Vec<(u32, f32)> {
    let parts = match plan.merge {
        MergeKind::Weighted => score_parts(pool, plan),
        _ => rank_parts(pool, plan),
    };
    let mut fused = fuse(pool, &parts);
    let binds = places.has_caps()
        || plan.channels.iter().zip(&pool.lists).any(|(channel, list)| {
            channel.quota.min > 0 || list.len() > channel.quota.target.min(channel.quota.max)
        });
    let kept = if binds {
        let ranked = Ranked { all: fused, sorted: 0, step: plan.handover };
        within_quotas(ranked, pool, &parts, places)
    } else {
        if plan.handover < fused.len() {
            fused.select_nth_unstable_by_key(plan.handover, Fused::key);
            fused.truncate(plan.handover);
        }
        fused.sort_unstable_by_key(Fused::key);
        fused
    };
    kept.into_iter().map(|one| (one.slot, one.score as f32)).collect()
}

/// `rrf`: weight / (k + rank).
fn rank_parts(pool: &Pool<'_>, plan: &Plan) -> Parts {
    let part =
        |weight: f32, rank: u32| f64::from(weight) / (f64::from(plan.rrf_k) + f64::from(rank));
    let lists = plan.channels.iter().zip(&pool.lists);
    lists
        .map(|(channel, list)| list.iter().map(|(_, rank)| part(channel.weight, *rank)).collect())
        .collect()
}

/// `weighted`: weight x normalised score.
fn score_parts(pool: &Pool<'_>, plan: &Plan) -> Parts {
    let list = |(at, channel): (usize, &crate::PlanChannel)| {
        let scores: Vec<f64> = pool.scores(at).collect();
        let (lowest, unit) = scale(&scores, plan.normalisation);
        let normalised = |score: &f64| match unit {
            Some(unit) => (score.max(lowest) - lowest) / unit,
            None => 1.0,
        };
        scores.iter().map(|score| f64::from(channel.weight) * normalised(score)).collect()
    };
    plan.channels.iter().enumerate().map(list).collect()
}

/// A list's lowest score, and what its scores above it are counted in; `None` where all are
/// equal, and nothing says that one item is better than another.
fn scale(scores: &[f64], normalisation: Normalisation) -> (f64, Option<f64>) {
    let (mut lowest, mut highest, mut sum) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
    for score in scores {
        lowest = lowest.min(*score);
        highest = highest.max(*score);
        sum += score;
    }
    let unit = match normalisation {
        Normalisation::MinMax => highest - lowest,
        Normalisation::Z => {
            let mean = sum / scores.len() as f64;
            let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
            (squares / scores.len() as f64).sqrt()
        }
    };
    // The scores were single precision: squares and sums of them stay far within a double.
    (lowest, (highest > lowest && unit > 0.0).then_some(unit))
}

/// Slots are numbered by first appearance, so the first mention of a slot is the next number.
fn fuse(pool: &Pool<'_>, parts: &Parts) -> Vec<Fused> {
    let mut fused: Vec<Fused> = Vec::with_capacity(pool.len());
    for (channel, (list, parts)) in pool.lists.iter().zip(parts).enumerate() {
        for ((slot, rank), part) in list.iter().zip(parts) {
            match fused.get_mut(*slot as usize) {
                Some(known) => known.score += part,
                None => {
                    let first = (channel as u32, *rank);
                    fused.push(Fused { slot: *slot, score: *part, first });
                }
            }
        }
    }
    fused
}

/// The items of `fused` (best first) that quotas and caps let in, in the same order.
fn within_quotas(
    mut ranked: Ranked,
    pool: &Pool<'_>,
    parts: &Parts,
    mut places: Places<'_>,
) -> Vec<Fused> {
    let mentions = Mentions::new(pool, parts);
    while let Some(pass) = places.next_pass() {
        let mut at = 0;
        while let Some(one) = if places.is_full() { None } else { ranked.get(at) } {
            at += 1;
            if places.is_taken(one.slot) || !places.fits_caps(one.slot) {
                continue;
            }
            let open = |mention: &&Mention| places.is_open(mention.channel as usize);
            let mention = mentions.of(one.slot).iter().find(open).copied();
            if let Some(Mention { channel, rank, .. }) = mention {
                places.take(one.slot, channel as usize, rank);
            }
        }
        if pass == Pass::Reserve {
            places.take_minima();
        }
    }
    let mut taken = ranked.all;
    taken.retain(|one| places.is_taken(one.slot));
    taken.sort_unstable_by_key(Fused::key);
    taken
}

/// The items in order, sorted as far as somebody looked: quotas are mostly met long before the end.
struct Ranked {
    all: Vec<Fused>,
    sorted: usize,
    /// How many more are sorted at a time.
    step: usize,
}

impl Ranked {
    fn get(&mut self, at: usize) -> Option<Fused> {
        while at >= self.sorted && self.sorted < self.all.len() {
            let rest = &mut self.all[self.sorted..];
            let step = self.step.clamp(1, rest.len());
            if step < rest.len() {
                rest.select_nth_unstable_by_key(step - 1, Fused::key);
            }
            rest[..step].sort_unstable_by_key(Fused::key);
            self.sorted += step;
        }
        self.all.get(at).copied()
    }
}

/// Who found an item.
#[derive(Debug, Clone, Copy)]
struct Mention {
    part: f64,
    channel: u32,
    rank: u32,
}

/// By slot: who found it, what adds most to its score first, and the plan's order among equals.
struct Mentions {
    all: Vec<Mention>,
    starts: Vec<u32>,
}

impl Mentions {
    fn new(pool: &Pool<'_>, parts: &Parts) -> Self {
        let mut starts: Vec<u32> = Vec::with_capacity(pool.len() + 1);
        let mut total = 0;
        for count in &pool.mentions {
            starts.push(total);
            total += count;
        }
        starts.push(total);
        let mut next = starts.clone();
        let mut all = vec![Mention { part: 0.0, channel: 0, rank: 0 }; total as usize];
        for (channel, (list, parts)) in pool.lists.iter().zip(parts).enumerate() {
            for ((slot, rank), part) in list.iter().zip(parts) {
                let at = &mut next[*slot as usize];
                let mention = Mention { part: *part, channel: channel as u32, rank: *rank };
                all[*at as usize] = mention;
                *at += 1;
            }
        }
        for slot in 0..pool.len() {
            let own = &mut all[starts[slot] as usize..starts[slot + 1] as usize];
            if own.len() > 1 {
                own.sort_by(|a, b| b.part.total_cmp(&a.part).then(a.channel.cmp(&b.channel)));
            }
        }
        Self { all, starts }
    }

    fn of(&self, slot: u32) -> &[Mention] {
        let at = slot as usize;
        &self.all[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}
