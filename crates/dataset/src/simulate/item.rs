//! Simulated items: what is hidden in them, and what everybody sees.

use gannet_core::{FieldValue, Item, ItemId, TagPath, Timestamp};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::chance::{Stream, ranked, stream, unit};
use super::tree::{Leaf, NO_LEAF, Tree, form};
use super::words::{CITIES, MOODS};
use super::{DAY_MS, SimulationOptions};

/// Number of dimensions of the taste in style.
pub(super) const STYLES: usize = 4;
/// Items an author has on average: the first of 125,000 has some ten thousand, most have ten.
const ITEMS_AN_AUTHOR: u32 = 40;
const ITEMS_A_MUSIC: u32 = 200;
/// How often an item is about what its author is about.
const SPECIALISED: f32 = 0.8;
/// How often an item that is about so many things is about one more.
const ANOTHER_LEAF: f32 = 0.33;
/// How often an item is made where its author lives.
const AT_HOME: f32 = 0.6;
/// The share of items that expire at all.
const EXPIRING: f32 = 0.15;
/// An expiring item is shown from a thirtieth to a half of the span.
const LIFE_UNITS: i64 = 1_024;
/// Popularity is kept in steps of this: a power law from 1 to 251.
const WORTH_STEP: f32 = 1.0 / 256.0;

/// What is hidden in an item, in 16 bytes: five million of them are looked at in random order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nature {
    /// One to three distinct leaves, then [`NO_LEAF`].
    pub(super) leaves: [Leaf; 3],
    style: [i8; STYLES],
    quality: i8,
    pub(super) city: u8,
    worth: u16,
    /// Life in `LIFE_UNITS`ths of the span; 0: for ever.
    life: u16,
}

impl Nature {
    /// From -1 to 1.
    pub(super) fn quality(&self) -> f32 {
        f32::from(self.quality) / 127.0
    }

    /// Of dimensions from -1 to 1.
    pub(super) fn style(&self) -> [f32; STYLES] {
        self.style.map(|part| f32::from(part) / 127.0)
    }

    /// How often it would be met before anybody has: from 1 to 251, most near 1.
    pub(super) fn worth(&self) -> f32 {
        f32::from(self.worth) * WORTH_STEP
    }
}

/// An item with all that is drawn for it.
pub(super) struct Made {
    pub(super) nature: Nature,
    pub(super) author: u32,
    music: u32,
    length_ms: u32,
    /// Within the item's own part of the time line, from 0 to 1.
    jitter: f64,
    words: u32,
}

/// All items by number; any can be made alone from the seed.
///
/// Numbers are in the order of publication: what is published at a moment is a prefix.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Items {
    seed: u64,
    count: u32,
    /// Items published before the span begins: the first ones.
    before: u32,
    pub(super) start: Timestamp,
    pub(super) span_ms: i64,
    pub(super) tree: Tree,
    pub(super) natures: Vec<Nature>,
}

impl Items {
    pub(super) fn new(options: &SimulationOptions) -> Self {
        let count = options.item_count;
        let mut items = Self {
            seed: options.seed,
            count,
            before: (u64::from(count) * 3).div_ceil(5) as u32,
            start: options.start,
            span_ms: i64::from(options.days) * DAY_MS,
            tree: Tree::of(count),
            natures: Vec::new(),
        };
        items.natures = (0..count).into_par_iter().map(|item| items.make(item).nature).collect();
        items
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn author_count(&self) -> u32 {
        (self.count / ITEMS_AN_AUTHOR).max(1)
    }

    fn music_count(&self) -> u32 {
        (self.count / ITEMS_A_MUSIC).max(1)
    }

    /// What an author is about.
    pub(super) fn author_leaf(&self, author: u32) -> Leaf {
        self.tree.leaf(author as usize % self.tree.leaf_count())
    }

    /// An item's latent values, drawn from its own stream.
    pub(super) fn make(&self, item: u32) -> Made {
        let random = &mut stream(self.seed, Stream::Item, u64::from(item));
        let author = ranked(random, self.author_count());
        let author_random = &mut stream(self.seed, Stream::Author, u64::from(author));
        let (author_quality, author_city) = (signed(author_random), city(author_random));
        let music = ranked(random, self.music_count());
        let music_style = style(&mut stream(self.seed, Stream::Music, u64::from(music)));
        let own_style = style(random);
        let at_home = unit(random) < AT_HOME;
        let own_city = city(random);
        let nature = Nature {
            leaves: self.leaves(author, random),
            style: std::array::from_fn(|at| byte(0.8 * music_style[at] + 0.6 * own_style[at])),
            quality: byte(0.7 * author_quality + 0.7 * signed(random)),
            city: if at_home { author_city } else { own_city },
            worth: (random.random_range(0.001f32..1.0).powf(-0.8) / WORTH_STEP).round() as u16,
            life: life(random),
        };
        let length_ms = random.random_range(8.5f32..12.3).exp() as u32;
        let (jitter, words) = (random.random(), random.random());
        Made { nature, author, music, length_ms, jitter, words }
    }

    fn leaves(&self, author: u32, random: &mut Xoshiro256PlusPlus) -> [Leaf; 3] {
        let any = |random: &mut Xoshiro256PlusPlus| {
            self.tree.leaf(random.random_range(0..self.tree.leaf_count()))
        };
        let own = unit(random) < SPECIALISED;
        let first = if own { self.author_leaf(author) } else { any(random) };
        let mut leaves = [first, NO_LEAF, NO_LEAF];
        for at in 1..leaves.len() {
            if unit(random) >= ANOTHER_LEAF {
                break;
            }
            let more = any(random);
            if leaves.contains(&more) {
                break;
            }
            leaves[at] = more;
        }
        leaves
    }

    /// When an item's part of the time line begins, in milliseconds since the start.
    pub(super) fn slot_start(&self, item: u32) -> i64 {
        let share = |part: u32, of: u32| f64::from(part) / f64::from(of.max(1));
        let (before, span) = (self.before, self.span_ms as f64);
        if item < before {
            (span * (share(item, before) - 1.0)) as i64
        } else {
            (span * share(item - before, self.count - before)).ceil() as i64
        }
    }

    fn slot_end(&self, item: u32) -> i64 {
        let last = item + 1 >= self.count;
        if last { self.span_ms } else { self.slot_start(item + 1) }
    }

    fn published_ms(&self, item: u32, jitter: f64) -> i64 {
        let (start, end) = (self.slot_start(item), self.slot_end(item));
        start + ((end - start) as f64 * jitter) as i64
    }

    /// When an item is published.
    pub(super) fn published(&self, item: u32) -> Timestamp {
        self.moment(self.published_ms(item, self.make(item).jitter))
    }

    /// So many items, counted from the first, are published for sure at a moment.
    pub(super) fn published_count(&self, moment_ms: i64) -> u32 {
        let after = self.count - self.before;
        let share = (moment_ms as f64 / self.span_ms as f64).clamp(0.0, 1.0);
        let mut count = self.before + (f64::from(after) * share) as u32;
        // What floating-point rounding may have added.
        while count > self.before && self.slot_end(count - 1) > moment_ms {
            count -= 1;
        }
        count
    }

    /// When an item expires, in milliseconds since the start.
    pub(super) fn expires_ms(&self, item: u32) -> Option<i64> {
        let life = i64::from(self.natures[item as usize].life);
        (life > 0).then(|| self.slot_end(item) + life * self.span_ms / LIFE_UNITS)
    }

    fn moment(&self, since_start_ms: i64) -> Timestamp {
        Timestamp(self.start.0.saturating_add(since_start_ms))
    }

    /// What everybody sees of an item.
    pub(super) fn item(&self, item: u32) -> Item {
        let made = self.make(item);
        let own = made.nature.leaves.iter().filter(|leaf| **leaf != NO_LEAF);
        let tags = own.map(|leaf| TagPath::new(&self.tree.path(*leaf)).expect("words are tags"));
        let subject = self.tree.subject(made.nature.leaves[0]);
        let mood = MOODS[(made.words >> 16) as usize % MOODS.len()];
        let text = |text: &str| FieldValue::Text(text.to_owned());
        Item {
            id: ItemId::new(item_id(item)).expect("a short id"),
            title: format!("{mood} {subject} {} {}", form(made.words), item + 1),
            tags: tags.collect(),
            author: Some(format!("studio-{}", made.author + 1)),
            published: Some(self.moment(self.published_ms(item, made.jitter))),
            available: true,
            expires: self.expires_ms(item).map(|moment| self.moment(moment)),
            fields: vec![
                ("music".to_owned(), text(&format!("tune-{}", made.music + 1))),
                ("city".to_owned(), text(CITIES[usize::from(made.nature.city)])),
                ("length_ms".to_owned(), FieldValue::Number(f64::from(made.length_ms))),
            ],
        }
    }

    /// Length of a video: 5 seconds to 3.5 minutes, half of them under 33 seconds.
    pub(super) fn length_ms(&self, item: u32) -> u32 {
        self.make(item).length_ms
    }
}

/// The outside id of an item.
pub(super) fn item_id(item: u32) -> String {
    format!("item-{}", item + 1)
}

pub(super) fn style(random: &mut Xoshiro256PlusPlus) -> [f32; STYLES] {
    std::array::from_fn(|_| signed(random))
}

/// A city by a power law.
pub(super) fn city(random: &mut Xoshiro256PlusPlus) -> u8 {
    ranked(random, CITIES.len() as u32) as u8
}

fn signed(random: &mut Xoshiro256PlusPlus) -> f32 {
    2.0 * unit(random) - 1.0
}

fn byte(value: f32) -> i8 {
    (value.clamp(-1.0, 1.0) * 127.0).round() as i8
}

fn life(random: &mut Xoshiro256PlusPlus) -> u16 {
    let life = random.random_range(LIFE_UNITS as u16 / 30..LIFE_UNITS as u16 / 2);
    if unit(random) < EXPIRING { life } else { 0 }
}
