//! A catalogue and users made up from known interests, where no real data can be had.
//!
//! A user likes a few leaves of the tag tree, moves from one mixture of them to another over the
//! span (drift), and has a taste in style that no tag tells. Items are about one to three leaves,
//! have a power-law popularity and appear during the span. A user meets some items because all do
//! and some because he looks for what he likes, and mostly takes the one that he likes best. What
//! he truly prefers is known ([`TruePreference`]) and foretells him better than anything that can
//! be counted: a judge of recommendations that does not find so is at fault.

mod events;
mod words;

use std::sync::Arc;

use gannet_core::{
    Catalogue, CatalogueBuilder, EventKind, EventKinds, Item, ItemId, ItemIndex, Progress,
    StringTable, TagPath, Timestamp, UserIndex,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::dataset::Dataset;
use words::{FORMS, LEAVES, MOODS};

/// Number of dimensions of the taste in style.
const STYLES: usize = 4;
/// Interests of one user at one time.
const INTERESTS: usize = 3;
/// How much each of them counts.
const INTEREST_WEIGHTS: [f32; INTERESTS] = [0.6, 0.3, 0.1];
const DAY_MS: i64 = 86_400_000;

/// What to make. Counts and days below 1 are taken as 1.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulationOptions {
    /// Number of users.
    pub user_count: u32,
    /// Number of items.
    pub item_count: u32,
    /// Number of events aimed at; a user never meets more than a third of the items.
    pub event_count: u32,
    /// Length of the span.
    pub days: u32,
    /// Its beginning.
    pub start: Timestamp,
    /// Seed: the same options give the same data.
    pub seed: u64,
}

impl Default for SimulationOptions {
    /// A year of 2,000 users, 3,000 items and about 120,000 events.
    fn default() -> Self {
        Self {
            user_count: 2_000,
            item_count: 3_000,
            event_count: 120_000,
            days: 365,
            start: Timestamp(1_704_067_200_000),
            seed: 1,
        }
    }
}

/// A simulated data set and the truth behind it.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// What an observer sees.
    pub dataset: Dataset,
    /// What he does not.
    pub truth: TruePreference,
}

/// What every user truly prefers.
#[derive(Debug, Clone, PartialEq)]
pub struct TruePreference {
    users: Vec<Taste>,
    items: Vec<Nature>,
}

impl TruePreference {
    /// How much a user likes an item at the end of the span: higher is better, nearly all
    /// lie between -0.5 and 1.
    /// Panics for an index of another data set.
    pub fn preference(&self, user: UserIndex, item: ItemIndex) -> f32 {
        self.at(user.at(), item.at(), 1.0)
    }

    fn at(&self, user: usize, item: usize, moment: f32) -> f32 {
        let (user, item) = (&self.users[user], &self.items[item]);
        let interest = |leaves: &[usize; INTERESTS]| {
            let near = leaves.iter().map(|leaf| item.kinship(*leaf));
            near.zip(INTEREST_WEIGHTS).map(|(near, weight)| near * weight).sum::<f32>()
        };
        let style: f32 = user.style.iter().zip(item.style).map(|(a, b)| a * b).sum();
        let tagged = (1.0 - moment) * interest(&user.first) + moment * interest(&user.last);
        tagged + 0.2 * style + 0.2 * item.quality
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Taste {
    first: [usize; INTERESTS],
    last: [usize; INTERESTS],
    style: [f32; STYLES],
}

#[derive(Debug, Clone, PartialEq)]
struct Nature {
    /// One to three leaves, distinct.
    leaves: Vec<usize>,
    style: [f32; STYLES],
    quality: f32,
    popularity: f32,
    published: i64,
}

impl Nature {
    /// How near an item is to a leaf: as near as the nearest of its own.
    fn kinship(&self, leaf: usize) -> f32 {
        self.leaves.iter().map(|own| kinship(*own, leaf)).fold(0.0, f32::max)
    }
}

/// How near two leaves of the tag tree are.
fn kinship(left: usize, right: usize) -> f32 {
    match (left == right, left / 3 == right / 3, left / 6 == right / 6) {
        (true, ..) => 1.0,
        (_, true, _) => 0.4,
        (_, _, true) => 0.15,
        _ => 0.0,
    }
}

/// Makes a data set of the kinds `watch` (value: share watched, positive from 0.5), `like` and
/// `dislike`, with events in order of user and time.
pub fn simulate(options: &SimulationOptions, progress: &dyn Progress) -> Simulation {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(options.seed);
    let span_ms = i64::from(options.days.max(1)) * DAY_MS;
    let users = (0..options.user_count.max(1)).map(|_| taste(&mut random)).collect();
    let count = options.item_count.max(1);
    let items = (0..count).map(|_| nature(&mut random, span_ms)).collect();
    let truth = TruePreference { users, items };
    let catalogue = catalogue(&truth.items, options.start, &mut random);
    let events = events::events(options, &truth, span_ms, &mut random, progress);
    let users: StringTable = (1..=truth.users.len()).map(|user| format!("user-{user}")).collect();
    let kind = |name: &str, weight, positive_from| EventKind::new(name, weight, positive_from);
    let kinds =
        vec![kind("watch", 1.0, Some(0.5)), kind("like", 2.0, None), kind("dislike", -1.0, None)];
    let dataset = Dataset {
        name: "simulated".to_owned(),
        catalogue: Arc::new(catalogue),
        users: Arc::new(users),
        user_fields: Arc::default(),
        scenes: Vec::new(),
        kinds: EventKinds::new(kinds).expect("three kinds of different names"),
        events,
        test_events: None,
    };
    Simulation { dataset, truth }
}

fn taste(random: &mut Xoshiro256PlusPlus) -> Taste {
    let first: [usize; INTERESTS] = std::array::from_fn(|_| random.random_range(0..LEAVES.len()));
    // Drift: the last interest may become the first, and a new one comes in.
    let last = if random.random_bool(0.5) {
        [first[0], first[2], random.random_range(0..LEAVES.len())]
    } else {
        [first[1], first[0], first[2]]
    };
    Taste { first, last, style: style(random) }
}

fn nature(random: &mut Xoshiro256PlusPlus, span_ms: i64) -> Nature {
    // Three quarters of the catalogue are there from the beginning.
    let published = if random.random_bool(0.75) { 0 } else { random.random_range(0..span_ms) };
    let luck: f32 = random.random_range(0.001..1.0);
    let quality: f32 = random.random_range(-1.0..1.0);
    let mut leaves = vec![random.random_range(0..LEAVES.len())];
    // Every third item is about a second thing, every ninth about a third.
    while leaves.len() < 3 && random.random_bool(0.33) {
        let leaf = random.random_range(0..LEAVES.len());
        if !leaves.contains(&leaf) {
            leaves.push(leaf);
        }
    }
    Nature { leaves, style: style(random), quality, popularity: luck.powf(-0.8), published }
}

fn style(random: &mut Xoshiro256PlusPlus) -> [f32; STYLES] {
    std::array::from_fn(|_| random.random_range(-1.0..1.0))
}

fn tag_of(leaf: usize) -> TagPath {
    TagPath::new(LEAVES[leaf]).expect("the words are tags")
}

fn catalogue(items: &[Nature], start: Timestamp, random: &mut Xoshiro256PlusPlus) -> Catalogue {
    let mut builder = CatalogueBuilder::new();
    for (at, nature) in items.iter().enumerate() {
        let tag = LEAVES[nature.leaves[0]];
        let subject = tag.rsplit('/').next().unwrap_or(tag);
        let mood = MOODS[random.random_range(0..MOODS.len())];
        let form = FORMS[random.random_range(0..FORMS.len())];
        let author = format!("studio-{}-{}", nature.leaves[0] / 3 + 1, random.random_range(1..9));
        let item = Item {
            title: format!("{mood} {subject} {form} {}", at + 1),
            tags: nature.leaves.iter().map(|leaf| tag_of(*leaf)).collect(),
            author: Some(author),
            published: Some(Timestamp(start.0.saturating_add(nature.published))),
            ..Item::bare(ItemId::new(format!("item-{}", at + 1)).expect("a short id"))
        };
        builder.add(&item).expect("ids are numbered");
    }
    builder.finish()
}
