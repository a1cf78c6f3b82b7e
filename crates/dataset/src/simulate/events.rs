//! What simulated users do: mostly what they prefer, of what they happen to meet.

use std::collections::BTreeSet;

use gannet_core::{Interaction, ItemIndex, KindIndex, Progress, Timestamp, UserIndex};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{SimulationOptions, TruePreference};
use crate::dataset::Events;

/// How many items a user mostly chooses from: met by their popularity, the best one is played.
const MET: usize = 24;

pub(super) fn events(
    options: &SimulationOptions,
    truth: &TruePreference,
    span_ms: i64,
    random: &mut Xoshiro256PlusPlus,
    progress: &dyn Progress,
) -> Events {
    let users = truth.users.len();
    let mut cumulative = Vec::with_capacity(truth.items.len());
    let mut total = 0.0f32;
    for item in &truth.items {
        total += item.popularity;
        cumulative.push(total);
    }
    let activity: Vec<f32> =
        (0..users).map(|_| random.random_range(0.02f32..1.0).powf(-0.6)).collect();
    let scale = options.event_count as f32 / activity.iter().sum::<f32>();
    progress.begin("simulating", Some(users as u64), "users");
    let mut events = Events::default();
    for (user, activity) in activity.iter().enumerate() {
        let count = ((activity * scale).round() as usize).min(truth.items.len() / 3).max(1);
        let mut times: Vec<i64> = (0..count).map(|_| random.random_range(0..span_ms)).collect();
        times.sort_unstable();
        let mut known = BTreeSet::new();
        for time in times {
            let moment = time as f32 / span_ms as f32;
            // Now and then one takes what comes: that is where dislikes come from.
            let choices = if random.random_bool(0.1) { 1 } else { MET };
            let met = (0..choices).filter_map(|_| {
                let point = random.random_range(0.0..total);
                let item =
                    cumulative.partition_point(|end| *end <= point).min(truth.items.len() - 1);
                let there = truth.items[item].published <= time && !known.contains(&item);
                there.then(|| (truth.at(user, item, moment) + random.random_range(0.0..0.3), item))
            });
            let Some((liking, item)) = met.max_by(|a, b| a.0.total_cmp(&b.0)) else { continue };
            known.insert(item);
            let chance: f32 = random.random();
            let (kind, value) = match liking {
                liking if liking > 0.7 && chance < 0.3 => (KindIndex(1), 1.0),
                liking if liking < 0.1 && chance < 0.3 => (KindIndex(2), 1.0),
                liking => (KindIndex(0), (0.3 + liking + 0.3 * (chance - 0.5)).clamp(0.0, 1.0)),
            };
            let time = Some(Timestamp(options.start.0.saturating_add(time)));
            events.users.push(UserIndex(user as u32));
            let item = ItemIndex(item as u32);
            events.interactions.push(Interaction { item, kind, value, time });
        }
        progress.advance(1);
    }
    progress.end();
    events
}
