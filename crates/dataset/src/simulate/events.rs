//! What simulated users do: mostly what they prefer, of what they happen to meet.

use std::collections::BTreeSet;

use gannet_core::{Interaction, ItemIndex, KindIndex, Progress, Timestamp, UserIndex};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::words::LEAVES;
use super::{INTEREST_WEIGHTS, SimulationOptions, Taste, TruePreference};
use crate::dataset::Events;

/// How many items a user meets before he takes the one that he likes best.
const MET: usize = 32;
/// The share of them that he meets while he looks through what he is interested in; the others are
/// what everybody meets.
const LOOKED_FOR: f64 = 0.35;
/// How often he takes the first that comes: that is where dislikes come from.
const CARELESS: f64 = 0.2;
/// How much of his liking is a mood that nobody can foretell.
const NOISE: f32 = 0.5;
/// How often he looks again where he met nothing new.
const TRIES: usize = 8;

pub(super) fn events(
    options: &SimulationOptions,
    truth: &TruePreference,
    span_ms: i64,
    random: &mut Xoshiro256PlusPlus,
    progress: &dyn Progress,
) -> Events {
    let market = Market::new(truth);
    let counts = event_counts(options, truth, random);
    progress.begin("simulating", Some(counts.len() as u64), "users");
    let mut events = Events::default();
    for (user, count) in counts.into_iter().enumerate() {
        let mut times: Vec<i64> = (0..count).map(|_| random.random_range(0..span_ms)).collect();
        times.sort_unstable();
        let mut known = BTreeSet::new();
        for time in times {
            let moment = Moment { time, share: time as f32 / span_ms as f32 };
            let chosen = (0..TRIES).find_map(|_| market.choose(user, moment, &known, random));
            let Some((item, liking)) = chosen else { continue };
            known.insert(item);
            let (kind, value) = reaction(liking, random);
            let time = Some(Timestamp(options.start.0.saturating_add(time)));
            events.users.push(UserIndex(user as u32));
            let item = ItemIndex(item as u32);
            events.interactions.push(Interaction { item, kind, value, time, scene: None });
        }
        progress.advance(1);
    }
    progress.end();
    events
}

/// How many events each user has: a few have many, and none meets more than a third of the items.
fn event_counts(
    options: &SimulationOptions,
    truth: &TruePreference,
    random: &mut Xoshiro256PlusPlus,
) -> Vec<usize> {
    let activity: Vec<f32> =
        truth.users.iter().map(|_| random.random_range(0.02f32..1.0).powf(-0.6)).collect();
    let count_max = (truth.items.len() / 3).max(1) as f32;
    let of = |activity: f32, scale: f32| (activity * scale).round().clamp(1.0, count_max) as usize;
    // What the busiest may not have, the others get: a few rounds come near enough.
    let mut scale = options.event_count as f32 / activity.iter().sum::<f32>();
    for _ in 0..8 {
        let sum: usize = activity.iter().map(|activity| of(*activity, scale)).sum();
        scale *= options.event_count as f32 / sum as f32;
    }
    activity.into_iter().map(|activity| of(activity, scale)).collect()
}

/// What a user does with an item: a kind and a value.
fn reaction(liking: f32, random: &mut Xoshiro256PlusPlus) -> (KindIndex, f32) {
    let chance: f32 = random.random();
    match liking {
        liking if liking > 0.8 && chance < 0.3 => (KindIndex(1), 1.0),
        liking if liking < 0.25 && chance < 0.3 => (KindIndex(2), 1.0),
        liking => (KindIndex(0), (0.1 + liking + 0.3 * (chance - 0.5)).clamp(0.0, 1.0)),
    }
}

#[derive(Clone, Copy)]
struct Moment {
    /// Milliseconds since the start.
    time: i64,
    /// The share of the span that is over.
    share: f32,
}

/// Everything there is to meet, by what it is about.
struct Market<'a> {
    truth: &'a TruePreference,
    whole: Shelf,
    leaves: Vec<Shelf>,
}

impl<'a> Market<'a> {
    fn new(truth: &'a TruePreference) -> Self {
        let whole = Shelf::of(truth, |_| true);
        let about = |leaf| Shelf::of(truth, move |leaves| leaves.contains(&leaf));
        Self { truth, whole, leaves: (0..LEAVES.len()).map(about).collect() }
    }

    /// The best of what a user meets, and how he likes it.
    fn choose(
        &self,
        user: usize,
        moment: Moment,
        known: &BTreeSet<usize>,
        random: &mut Xoshiro256PlusPlus,
    ) -> Option<(usize, f32)> {
        let taste = &self.truth.users[user];
        let choices = if random.random_bool(CARELESS) { 1 } else { MET };
        let mut best: Option<(usize, f32)> = None;
        for _ in 0..choices {
            let Some(item) = self.meet(taste, moment, random) else { continue };
            if self.truth.items[item].published > moment.time || known.contains(&item) {
                continue;
            }
            let liking = self.truth.at(user, item, moment.share) + random.random_range(0.0..NOISE);
            if best.is_none_or(|(_, most)| liking > most) {
                best = Some((item, liking));
            }
        }
        best
    }

    fn meet(
        &self,
        taste: &Taste,
        moment: Moment,
        random: &mut Xoshiro256PlusPlus,
    ) -> Option<usize> {
        if !random.random_bool(LOOKED_FOR) {
            return self.whole.draw(random);
        }
        let later = random.random::<f32>() < moment.share;
        let leaves = if later { &taste.last } else { &taste.first };
        let mut chance: f32 = random.random();
        let interest = INTEREST_WEIGHTS.iter().position(|weight| {
            chance -= weight;
            chance < 0.0
        });
        self.leaves[leaves[interest.unwrap_or(0)]].draw(random)
    }
}

/// Items to be met by their popularity.
struct Shelf {
    items: Vec<usize>,
    /// The sum of the popularity up to each item.
    ends: Vec<f32>,
}

impl Shelf {
    fn of(truth: &TruePreference, holds: impl Fn(&[usize]) -> bool) -> Self {
        let (mut items, mut ends, mut total) = (Vec::new(), Vec::new(), 0.0f32);
        for (at, item) in truth.items.iter().enumerate() {
            if holds(&item.leaves) {
                total += item.popularity;
                items.push(at);
                ends.push(total);
            }
        }
        Self { items, ends }
    }

    fn draw(&self, random: &mut Xoshiro256PlusPlus) -> Option<usize> {
        let point = random.random_range(0.0..*self.ends.last()?);
        let at = self.ends.partition_point(|end| *end <= point);
        self.items.get(at.min(self.items.len() - 1)).copied()
    }
}
