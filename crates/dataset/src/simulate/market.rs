//! Everything there is to meet at one time, by what it is about and who made it.

use std::sync::atomic::{AtomicU32, Ordering};

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::chance::unit;
use super::item::Items;
use super::shelf::Shelf;
use super::tree::{Leaf, NO_LEAF};

/// How much more often an item may be met for being liked: bounded, so that the rich get richer
/// and never get everything.
const FEEDBACK_MAX: f32 = 3.0;
/// An item of so many times the mean number of likings has half of that.
const FEEDBACK_HALF: f32 = 4.0;
/// After this share of the span an item keeps 1/e of its freshness.
const FADING: f32 = 0.25;
/// What is left of being met when all freshness is gone.
const EVERGREEN: f32 = 0.25;
/// What was published in the newest share of the span is fresh.
const FRESH: f64 = 0.03;

/// Where items are met. Weights are those of the beginning of the current part of the span.
pub(super) struct Market<'a> {
    items: &'a Items,
    /// Items by leaf, each list in order of publication.
    by_leaf: Vec<Vec<u32>>,
    author_ends: Vec<u32>,
    by_author: Vec<u32>,
    /// How often each item was liked.
    liked: Vec<AtomicU32>,
    shelves: Vec<Shelf>,
    /// The shelves' positions by their weight.
    all_shelves: Shelf,
}

impl<'a> Market<'a> {
    pub(super) fn new(items: &'a Items) -> Self {
        let mut by_leaf = vec![Vec::new(); items.tree.leaf_count()];
        for (item, nature) in items.natures.iter().enumerate() {
            for leaf in nature.leaves.iter().filter(|leaf| **leaf != NO_LEAF) {
                by_leaf[items.tree.position(*leaf)].push(item as u32);
            }
        }
        let authors: Vec<u32> =
            (0..items.count()).into_par_iter().map(|item| items.make(item).author).collect();
        let mut slots = vec![0u32; items.author_count() as usize];
        authors.iter().for_each(|author| slots[*author as usize] += 1);
        let mut next = 0;
        slots.iter_mut().for_each(|slot| next += std::mem::replace(slot, next));
        let mut by_author = vec![0; authors.len()];
        for (item, author) in authors.iter().enumerate() {
            let slot = &mut slots[*author as usize];
            by_author[*slot as usize] = item as u32;
            *slot += 1;
        }
        let liked = items.natures.iter().map(|_| AtomicU32::new(0)).collect();
        let (shelves, all_shelves) = (Vec::new(), Shelf::default());
        Self { items, by_leaf, author_ends: slots, by_author, liked, shelves, all_shelves }
    }

    /// Weighs everything anew at the beginning of a part of the span.
    pub(super) fn open(&mut self, now_ms: i64) {
        let published = self.items.published_count(now_ms);
        let liked: u64 =
            self.liked.par_iter().map(|count| u64::from(count.load(Ordering::Relaxed))).sum();
        let half = FEEDBACK_HALF * (liked as f32 / published.max(1) as f32).max(0.25);
        self.shelves = self
            .by_leaf
            .par_iter()
            .map(|own| {
                let own = &own[..own.partition_point(|item| *item < published)];
                let weights: Vec<f32> =
                    own.iter().map(|item| self.weight(*item, now_ms, half)).collect();
                Shelf::new(own, &weights)
            })
            .collect();
        let totals: Vec<f32> = self.shelves.iter().map(|shelf| shelf.total() as f32).collect();
        let positions: Vec<u32> = (0..totals.len() as u32).collect();
        self.all_shelves = Shelf::new(&positions, &totals);
    }

    fn weight(&self, item: u32, now_ms: i64, half: f32) -> f32 {
        if self.items.expires_ms(item).is_some_and(|end| end <= now_ms) {
            return 0.0;
        }
        let age = (now_ms - self.items.slot_start(item)) as f32 / self.items.span_ms as f32;
        let freshness = EVERGREEN + (1.0 - EVERGREEN) * (-age / FADING).exp();
        let liked = self.liked[item as usize].load(Ordering::Relaxed) as f32;
        let feedback = 1.0 + FEEDBACK_MAX * liked / (liked + half);
        self.items.natures[item as usize].worth() * freshness * feedback
    }

    /// Counts a liking; weights feel it from the next opening on.
    pub(super) fn like(&self, item: u32) {
        self.liked[item as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// What everybody meets.
    pub(super) fn popular(&self, random: &mut Xoshiro256PlusPlus) -> Option<u32> {
        self.shelves[self.all_shelves.draw(random)? as usize].draw(random)
    }

    /// Something about a leaf; what everybody meets where there is nothing.
    pub(super) fn about(&self, leaf: Leaf, random: &mut Xoshiro256PlusPlus) -> Option<u32> {
        let own = self.shelves[self.items.tree.position(leaf)].draw(random);
        own.or_else(|| self.popular(random))
    }

    /// Something published a short while before a moment.
    pub(super) fn fresh(&self, moment_ms: i64, random: &mut Xoshiro256PlusPlus) -> Option<u32> {
        let window = (self.items.span_ms as f64 * FRESH) as i64;
        let newest = self.items.published_count(moment_ms);
        let oldest = self.items.published_count((moment_ms - window).max(0));
        (oldest < newest).then(|| random.random_range(oldest..newest))
    }

    /// Something by an author, published before a moment; the newest most often.
    pub(super) fn by(
        &self,
        author: u32,
        moment_ms: i64,
        random: &mut Xoshiro256PlusPlus,
    ) -> Option<u32> {
        let author = author as usize;
        let start = if author == 0 { 0 } else { self.author_ends[author - 1] as usize };
        let own = &self.by_author[start..self.author_ends[author] as usize];
        let published = self.items.published_count(moment_ms);
        let own = &own[..own.partition_point(|item| *item < published)];
        let back = unit(random) * unit(random) * own.len() as f32;
        own.len().checked_sub(1 + back as usize).map(|at| own[at])
    }
}
