//! Simulated users: what they like, how that drifts, and how much they do.

use gannet_core::FieldValue;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::SimulationOptions;
use super::chance::{Stream, ranked, stream, unit};
use super::item::{Items, Nature, STYLES, city, style};
use super::tree::{Interests, Leaf, Tree};
use super::words::{AGE_BANDS, CITIES};

/// Interests of one user at one time.
const INTERESTS: usize = 3;
/// How much each of them counts.
const INTEREST_WEIGHTS: [f32; INTERESTS] = [0.6, 0.3, 0.1];
/// Authors that a user follows.
pub(super) const FOLLOWED: usize = 6;
/// The share of users who come during the span; the others are there from its beginning.
const LATECOMERS: f32 = 0.3;

/// What a user is, drawn from his own stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taste {
    first: [Leaf; INTERESTS],
    last: [Leaf; INTERESTS],
    style: [f32; STYLES],
    city: u8,
    age_band: u8,
    /// How much he does, from 1 to about 190; most near 1.
    pub(super) activity: f32,
    /// The share of the span after which he comes.
    pub(super) joined: f64,
    /// Where the authors whom he follows are drawn from: an interest and a rank within it.
    pub(super) followed: [u32; FOLLOWED],
}

impl Taste {
    pub(super) fn new(items: &Items, seed: u64, user: u32) -> Self {
        let random = &mut stream(seed, Stream::User, u64::from(user));
        let leaf_count = items.tree.leaf_count();
        let leaf =
            |random: &mut Xoshiro256PlusPlus| items.tree.leaf(random.random_range(0..leaf_count));
        let first: [Leaf; INTERESTS] = std::array::from_fn(|_| leaf(random));
        // Drift: the last interest may become the first, and a new one comes in.
        let last = match unit(random) < 0.5 {
            true => [first[0], first[2], leaf(random)],
            false => [first[1], first[0], first[2]],
        };
        let joined = match unit(random) < LATECOMERS {
            true => 0.9 * f64::from(unit(random)),
            false => 0.0,
        };
        let authors = items.author_count();
        let of_interest = |interest: usize, random: &mut Xoshiro256PlusPlus| {
            let leaf = items.tree.position(first[interest]) as u32;
            let peers = authors.saturating_sub(leaf).div_ceil(leaf_count as u32);
            if peers == 0 {
                leaf % authors
            } else {
                leaf + ranked(random, peers) * leaf_count as u32
            }
        };
        let followed = std::array::from_fn(|at| of_interest([0, 0, 0, 1, 1, 2][at], random));
        Self {
            first,
            last,
            style: style(random),
            city: city(random),
            age_band: random.random_range(0..AGE_BANDS.len()) as u8,
            activity: random.random_range(0.0005f32..1.0).powf(-0.7),
            joined,
            followed,
        }
    }

    /// What is known of a user.
    pub(super) fn fields(&self) -> [(&'static str, FieldValue); 3] {
        let level = match self.activity {
            active if active > 8.0 => "high",
            active if active > 2.0 => "middle",
            _ => "low",
        };
        let text = |text: &str| FieldValue::Text(text.to_owned());
        [
            ("city", text(CITIES[usize::from(self.city)])),
            ("age_band", text(AGE_BANDS[usize::from(self.age_band)])),
            ("activity", text(level)),
        ]
    }

    /// What he likes when a share of the span is over.
    pub(super) fn at(&self, tree: Tree, share: f32) -> Liking {
        let first = self.first.iter().zip(INTEREST_WEIGHTS.map(|weight| weight * (1.0 - share)));
        let last = self.last.iter().zip(INTEREST_WEIGHTS.map(|weight| weight * share));
        let mut leaves = [(self.first[0], 0.0); 2 * INTERESTS];
        for (at, (leaf, weight)) in first.chain(last).enumerate() {
            leaves[at] = (*leaf, weight);
        }
        let interests = Interests::new(tree, &leaves);
        Liking { interests, leaves, style: self.style.map(|part| 0.2 * part), city: self.city }
    }
}

/// What one user likes at one moment.
#[derive(Debug, Clone)]
pub(super) struct Liking {
    interests: Interests,
    leaves: [(Leaf, f32); 2 * INTERESTS],
    style: [f32; STYLES],
    city: u8,
}

impl Liking {
    /// How much he likes an item: nearly always from -0.5 to 1.1.
    pub(super) fn of(&self, item: &Nature) -> f32 {
        let style: f32 = self.style.iter().zip(item.style()).map(|(own, its)| own * its).sum();
        let near = if item.city == self.city { 0.1 } else { 0.0 };
        self.interests.most(item.leaves) + style + 0.2 * item.quality() + near
    }

    /// One of his interests, the greater the likelier.
    pub(super) fn draw(&self, random: &mut Xoshiro256PlusPlus) -> Leaf {
        let mut chance = unit(random);
        let drawn = self.leaves.iter().find(|(_, weight)| {
            chance -= weight;
            chance < 0.0
        });
        drawn.unwrap_or(&self.leaves[0]).0
    }
}

/// The outside id of a user.
pub(super) fn user_id(user: u32) -> String {
    format!("user-{}", user + 1)
}

/// How many events each user has: together exactly as many as asked for. A few have many, none
/// more than `SimulationOptions::events_a_user_max`.
pub(super) fn event_counts(options: &SimulationOptions, activity: &[f32]) -> Vec<u32> {
    let count_max = options.events_a_user_max() as f64;
    let wanted = f64::from(options.event_count);
    let active: Vec<f64> = activity.iter().map(|activity| f64::from(*activity)).collect();
    let sum_at =
        |scale: f64| active.iter().map(|active| (active * scale).min(count_max)).sum::<f64>();
    // What the busiest may not have, the others get: the scale is found by halving.
    let (mut low, mut high) = (0.0, count_max);
    for _ in 0..64 {
        let middle = (low + high) / 2.0;
        if sum_at(middle) < wanted { low = middle } else { high = middle }
    }
    // Rounding the running sum loses nothing on the way.
    let (mut exact, mut given) = (0.0, 0u64);
    let mut counts: Vec<u32> = Vec::with_capacity(active.len());
    for active in &active {
        exact += (active * high).min(count_max);
        let end = (exact.round() as u64).clamp(given, given + count_max as u64);
        counts.push((end - given) as u32);
        given = end;
    }
    // The last few that rounding kept back.
    let mut missing = u64::from(options.event_count).saturating_sub(given);
    for count in counts.iter_mut().filter(|count| f64::from(**count) < count_max) {
        if missing == 0 {
            break;
        }
        *count += 1;
        missing -= 1;
    }
    counts
}
