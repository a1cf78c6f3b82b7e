//! One session of one user: what is shown to him in one scene, and what he does with it.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use gannet_core::watch_share;

use super::chance::{Stream, stream, unit};
use super::events::Event;
use super::item::{Items, Nature};
use super::market::Market;
use super::user::{FOLLOWED, Liking, Taste};
use super::{DISLIKE, EXPOSURE, LIKE, LONG_MS, WATCH};

/// From how many candidates each shown item is chosen.
const MET: usize = 16;
/// How much of that choice is chance: whoever fills the lists knows the users well, not fully.
const MISJUDGED: f32 = 0.3;
/// The share of places that are filled with the first that comes: that is where most skips and
/// dislikes come from.
const CARELESS: f32 = 0.2;
/// How much of a user's liking is a mood that nobody can foretell.
const MOOD: f32 = 0.5;
/// How often a place is filled again where every candidate was known.
const TRIES: usize = 8;
/// How often anything at all is tried after that, for the few who know nearly everything.
const LAST_TRIES: usize = 64;
/// Shortest and longest list.
const LIST: std::ops::RangeInclusive<u32> = 6..=14;
/// How likely a user looks at the first item of a list; at the one at place `p`, counted from 0,
/// `(1 + p)^-0.5` times as likely.
const LOOK_FIRST: f32 = 0.95;
/// Liking from which a user may say so.
const LIKE_FROM: f32 = 0.7;
/// Liking below which he may say the opposite.
const DISLIKE_BELOW: f32 = 0.1;
/// How often he says either.
const OUTSPOKEN: f32 = 0.3;
/// What scanning past one item takes.
const GLANCE_MS: i64 = 1_500;

/// The scenes, by `SceneIndex`.
pub(super) const SCENES: [&str; 4] = ["home", "discover", "follow", "detail"];
const HOME: usize = 0;
const DETAIL: usize = 3;
/// How often each is visited.
const VISITED: [f32; SCENES.len()] = [0.55, 0.15, 0.12, 0.18];
/// What is shown in each: what everybody meets, interests, new items, followed authors, and items
/// like the one that the user looked at last.
const MIXTURES: [[f32; 5]; SCENES.len()] = [
    [0.30, 0.50, 0.15, 0.05, 0.00],
    [0.20, 0.20, 0.60, 0.00, 0.00],
    [0.05, 0.10, 0.05, 0.80, 0.00],
    [0.05, 0.10, 0.05, 0.00, 0.80],
];

/// A user between two sessions.
#[derive(Debug, Clone, Default)]
pub(super) struct Visitor {
    /// Sessions that he had.
    sessions: u32,
    /// Places of their lists, of which a few stayed empty where he knew everything.
    pub(super) places: u32,
    /// When his last event was, in milliseconds since the start.
    last_ms: i64,
    /// The item that he looked at last and liked.
    anchor: Option<u32>,
}

/// What a session needs to know.
pub(super) struct Session<'a> {
    pub(super) seed: u64,
    pub(super) items: &'a Items,
    pub(super) market: &'a Market<'a>,
    pub(super) user: u32,
    pub(super) taste: &'a Taste,
    /// How many events the user has in all.
    pub(super) event_count: u32,
}

impl Session<'_> {
    /// When the next session begins, the length of its list, and its random numbers. A user's
    /// events are spread evenly over his time.
    pub(super) fn begin(&self, visitor: &Visitor) -> (i64, u32, Xoshiro256PlusPlus) {
        let number = u64::from(self.user) << 32 | u64::from(visitor.sessions);
        let mut random = stream(self.seed, Stream::Session, number);
        let length = random.random_range(LIST).min(self.event_count - visitor.places);
        let done = f64::from(visitor.places) + f64::from(length) * random.random::<f64>();
        let share =
            self.taste.joined + (1.0 - self.taste.joined) * done / f64::from(self.event_count);
        let begins = (self.items.span_ms as f64 * share) as i64;
        (begins.max(visitor.last_ms + 1).min(self.items.span_ms - 1), length, random)
    }

    /// Shows a list and lets the user react. `seen` holds what he was shown before, and grows.
    pub(super) fn run(
        &self,
        (begins_ms, length, mut random): (i64, u32, Xoshiro256PlusPlus),
        visitor: &mut Visitor,
        seen: &mut Vec<u32>,
        events: &mut Vec<Event>,
    ) {
        let random = &mut random;
        let liking = self.taste.at(self.items.tree, begins_ms as f32 / self.items.span_ms as f32);
        let scene = self.scene(visitor, random);
        let mut list = [(0.0, 0); *LIST.end() as usize];
        let mut count = 0;
        for _ in 0..length {
            let shown = self.choose(scene, begins_ms, &liking, visitor, seen, random);
            let Some((score, item)) = shown else { continue };
            seen.push(item);
            list[count] = (score, item);
            count += 1;
        }
        let list = &mut list[..count];
        // The list is in the order of its maker's belief: positions favour what is good.
        list.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut time_ms = begins_ms;
        for (place, (_, item)) in list.iter().enumerate() {
            let (kind, value, played_ms) = self.react(*item, place, &liking, random);
            let event = Event {
                user: self.user,
                item: *item,
                time_ms: time_ms.min(self.items.span_ms - 1),
                kind,
                scene: scene as u8,
                value,
            };
            if kind == LIKE || (kind == WATCH && value >= super::POSITIVE_FROM) {
                visitor.anchor = Some(*item);
                self.market.like(*item);
            }
            visitor.last_ms = event.time_ms;
            events.push(event);
            time_ms += GLANCE_MS + played_ms;
        }
        visitor.sessions += 1;
        visitor.places += length;
    }

    fn scene(&self, visitor: &Visitor, random: &mut Xoshiro256PlusPlus) -> usize {
        match weighted(&VISITED, random) {
            DETAIL if visitor.anchor.is_none() => HOME,
            scene => scene,
        }
    }

    /// The best of what the scene has to show, by its maker's belief; nothing new is `None`.
    fn choose(
        &self,
        scene: usize,
        now_ms: i64,
        liking: &Liking,
        visitor: &Visitor,
        seen: &[u32],
        random: &mut Xoshiro256PlusPlus,
    ) -> Option<(f32, u32)> {
        let is_new = |item: u32| !seen.contains(&item) && self.is_shown(item, now_ms);
        let careless = unit(random) < CARELESS;
        for _ in 0..TRIES {
            // Drawn first, judged afterwards: the looks into memory overlap.
            let choices = if careless { 1 } else { MET };
            let mut met = [None; MET];
            met[..choices].fill_with(|| self.meet(scene, now_ms, liking, visitor, random));
            let mut best: Option<(f32, u32)> = None;
            for item in met.into_iter().flatten() {
                let score = liking.of(self.nature(item)) + MISJUDGED * unit(random);
                if best.is_none_or(|(most, _)| score > most) && is_new(item) {
                    best = Some((score, item));
                }
            }
            if best.is_some() {
                return best;
            }
        }
        let published = self.items.published_count(now_ms);
        let mut anything = (0..LAST_TRIES).map(|_| random.random_range(0..published));
        anything.find(|item| is_new(*item)).map(|item| (0.0, item))
    }

    fn nature(&self, item: u32) -> &Nature {
        &self.items.natures[item as usize]
    }

    fn is_shown(&self, item: u32, now_ms: i64) -> bool {
        self.items.expires_ms(item).is_none_or(|end| now_ms < end)
    }

    fn meet(
        &self,
        scene: usize,
        now_ms: i64,
        liking: &Liking,
        visitor: &Visitor,
        random: &mut Xoshiro256PlusPlus,
    ) -> Option<u32> {
        let market = self.market;
        match weighted(&MIXTURES[scene], random) {
            0 => market.popular(random),
            1 => market.about(liking.draw(random), random),
            2 => market.fresh(now_ms, random),
            3 => {
                let author = self.taste.followed[random.random_range(0..FOLLOWED)];
                market.by(author, now_ms, random)
            }
            _ => {
                let leaf = self.items.natures[visitor.anchor? as usize].leaves[0];
                market.about(leaf, random)
            }
        }
    }

    /// Kind and value of the event, and for how long the user stays.
    fn react(
        &self,
        item: u32,
        place: usize,
        liking: &Liking,
        random: &mut Xoshiro256PlusPlus,
    ) -> (u8, f32, i64) {
        if unit(random) >= LOOK_FIRST / (1.0 + place as f32).sqrt() {
            return (EXPOSURE, 1.0, 0);
        }
        let liking = liking.of(self.nature(item)) + MOOD * (unit(random) - 0.2);
        let (outspoken, luck) = (unit(random) < OUTSPOKEN, unit(random));
        let length_ms = f64::from(self.items.length_ms(item));
        let share = f64::from((0.1 + liking + 0.3 * (luck - 0.5)).max(0.0));
        let played_ms = (share * length_ms.min(LONG_MS)).round();
        match liking {
            liking if liking > LIKE_FROM && outspoken => (LIKE, 1.0, played_ms as i64),
            liking if liking < DISLIKE_BELOW && outspoken => (DISLIKE, 1.0, GLANCE_MS),
            _ => (WATCH, watch_share(played_ms, length_ms, LONG_MS), played_ms as i64),
        }
    }
}

/// A position by its share of the whole, which is 1.
fn weighted(shares: &[f32], random: &mut Xoshiro256PlusPlus) -> usize {
    let mut chance = unit(random);
    let found = shares.iter().position(|share| {
        chance -= share;
        chance < 0.0
    });
    found.unwrap_or(0)
}
