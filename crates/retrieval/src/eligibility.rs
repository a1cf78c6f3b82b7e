//! What may be shown, as a few cheap things that are never combined into a new bitmap: 625 KB
//! a request would be written at 5 million items.
//!
//! All of them are ready before the request comes: preparing one takes references. An author or a
//! tag is never turned into its items, of which it may have a million: the item's own columns are
//! asked instead.

use std::sync::Arc;

use gannet_core::{Catalogue, ItemIndex, Refusal, Timestamp};
use gannet_vectors::{RowMask, prefetch};

use crate::expiry::Expiry;
use crate::filter::FilterMask;
use crate::item_set::Windows;
use crate::{
    Base, EngineState, FilterExpression, ItemSet, KeySet, Plan, Request, SetEntry, SetKind,
    UserProfile,
};

/// Base mask, expiry, this user's sets under the plan's windows, and the request's rare filter.
#[derive(Debug, Clone)]
pub struct Eligibility {
    catalogue: Arc<Catalogue>,
    base: Base,
    expiry: Expiry,
    filter: Option<Arc<FilterMask>>,
    /// User state's settled and recent sets, and the request's own; empty ones are left out.
    sets: Vec<WindowedSet>,
    windows: Windows,
    authors: Vec<Arc<KeySet>>,
    tags: Vec<Arc<KeySet>>,
}

/// A set, and whether the plan's windows leave some of it out.
#[derive(Debug, Clone)]
struct WindowedSet {
    set: Arc<ItemSet>,
    is_cut: bool,
}

/// Why an item may not be shown, with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The reason: the first that holds, in the order of [`Refusal`].
    pub refusal: Refusal,
    /// When the item came into the set that refuses it; `None` where no set does, or where the
    /// set does not say.
    pub since: Option<Timestamp>,
}

/// What is known of up to 64 items, the first in the lowest bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Those that may be shown.
    pub(crate) open: u64,
    /// Those that nothing but the user's sets refuses.
    pub(crate) in_sets: u64,
}

impl Eligibility {
    /// What a request's plan may show to its user.
    pub fn of(request: &Request, plan: &Plan, profile: &UserProfile) -> Self {
        let state = &*request.state;
        let expiry = state.expiries.at(request.now, request.admitted);
        let base = state.base(&request.scene).clone();
        Self::build(plan, profile, request.filter.as_deref(), state, base, expiry)
    }

    /// The same without a request: of all available items, at the profile's moment.
    pub fn new(
        plan: &Plan,
        profile: &UserProfile,
        filter: Option<&FilterExpression>,
        state: &EngineState,
    ) -> Self {
        // No clock is known here: the shared mask of the present stays as it is.
        let expiry = state.expiries.at(profile.now, Timestamp(i64::MIN));
        Self::build(plan, profile, filter, state, state.open.clone(), expiry)
    }

    fn build(
        plan: &Plan,
        profile: &UserProfile,
        filter: Option<&FilterExpression>,
        state: &EngineState,
        base: Base,
        expiry: Expiry,
    ) -> Self {
        let catalogue = &state.snapshot.catalogue;
        let filter =
            filter.map(|filter| state.filters.mask(filter, catalogue, &base.rows, profile.now));
        let windows = windows(plan, profile.now);
        let (sets, own) = (profile.sets(), &profile.own);
        let keys = |ours: &Arc<KeySet>, theirs: &Arc<KeySet>| {
            [ours, theirs].into_iter().filter(|set| !set.is_empty()).cloned().collect()
        };
        Self {
            catalogue: catalogue.clone(),
            base,
            expiry,
            filter,
            sets: windowed([&sets.settled, &sets.recent, &own.items], &windows),
            windows,
            authors: keys(&sets.blocked_authors, &own.authors),
            tags: keys(&sets.blocked_tags, &own.tags),
        }
    }

    /// Number of items of the generation: rows past it are not eligible.
    pub fn len(&self) -> usize {
        self.base.rows.len()
    }

    /// Whether the generation has no items.
    pub fn is_empty(&self) -> bool {
        self.base.rows.is_empty()
    }

    /// Whether the item may be shown.
    #[inline]
    pub fn contains(&self, item: ItemIndex) -> bool {
        let row = item.0;
        let in_set = |one: &WindowedSet| {
            one.set.word(row / 64, &self.windows, one.is_cut) >> (row % 64) & 1 == 1
        };
        self.base.rows.contains(row)
            && self.filter.as_ref().is_none_or(|filter| filter.rows.contains(row))
            && !self.sets.iter().any(in_set)
            && !self.expiry.contains(row, &self.catalogue)
            && !self.has_blocked_author(item)
            && !self.has_blocked_tag(item)
    }

    /// Which of up to 64 items may be shown, the first in the lowest bit: [`Eligibility::contains`]
    /// of each.
    pub fn open_among(&self, items: &[ItemIndex]) -> u64 {
        self.ask(items).open
    }

    /// One reason is asked of all items before the next, so that what the answers wait for comes
    /// from memory at the same time.
    pub(crate) fn ask(&self, items: &[ItemIndex]) -> Asked {
        debug_assert!(items.len() <= 64);
        let mut left = bits(items, |item| self.base.rows.contains(item.0));
        if let Some(filter) = &self.filter {
            left &= bits(items, |item| filter.rows.contains(item.0));
        }
        left &= !self.expiry.among(items, &self.catalogue);
        // The columns below end with the catalogue, the masks do not.
        let is_there = |item: ItemIndex| item.at() < self.catalogue.len();
        if !self.authors.is_empty() {
            let author = |item| if is_there(item) { self.catalogue.author(item) } else { None };
            let may_be = bits(items, |item| {
                let author = author(item).unwrap_or(u32::MAX);
                self.authors.iter().any(|set| set.may_contain(author))
            });
            let test = |item| is_there(item) && self.has_blocked_author(item);
            left &= !confirmed(items, may_be & left, test);
        }
        if !self.tags.is_empty() {
            let test = |item| is_there(item) && self.has_blocked_tag(item);
            left &= !confirmed(items, left, test);
        }
        let mut open = left;
        for one in &self.sets {
            let may_be = bits(items, |item| one.set.may_contain(item.0));
            open &= !confirmed(items, may_be & open, |item| {
                one.set.word(item.0 / 64, &self.windows, one.is_cut) >> (item.0 % 64) & 1 == 1
            });
        }
        Asked { open, in_sets: left & !open }
    }

    /// The entry of the user's sets by which an item is refused; the latest of the first kind.
    pub(crate) fn set_entry(&self, item: ItemIndex) -> Option<SetEntry> {
        let of_sets = |one: &WindowedSet| one.set.refusal(item.0, &self.windows);
        let latest = |entry: &SetEntry| std::cmp::Reverse(entry.time);
        self.sets.iter().filter_map(of_sets).min_by_key(|entry| (entry.kind, latest(entry)))
    }

    /// Asks for the lines that a question about the item will need, ahead of it.
    #[inline]
    pub(crate) fn fetch(&self, item: ItemIndex) {
        if !self.authors.is_empty() {
            prefetch(self.catalogue.authors(), item.at());
        }
    }

    #[inline]
    fn has_blocked_author(&self, item: ItemIndex) -> bool {
        !self.authors.is_empty()
            && self
                .catalogue
                .author(item)
                .is_some_and(|author| self.authors.iter().any(|set| set.contains(author)))
    }

    #[inline]
    fn has_blocked_tag(&self, item: ItemIndex) -> bool {
        let blocked = |tag: u32| self.tags.iter().any(|set| set.contains(tag));
        let lineage = |tag: &u32| self.catalogue.tag_lineage(*tag).any(blocked);
        !self.tags.is_empty() && self.catalogue.tags(item).iter().any(lineage)
    }

    /// Why the item may not be shown; `None` where it may. An index past the catalogue is
    /// unavailable.
    pub fn refusal(&self, item: ItemIndex) -> Option<Refusal> {
        self.refused(item).map(|refused| refused.refusal)
    }

    /// The same, with since when.
    pub fn refused(&self, item: ItemIndex) -> Option<Refused> {
        let refused = |refusal| Some(Refused { refusal, since: None });
        let is_there = self.catalogue.available().contains(item.0);
        if !is_there || self.expiry.contains(item.0, &self.catalogue) {
            return refused(Refusal::Unavailable);
        }
        if !self.base.rows.contains(item.0) {
            return refused(Refusal::Policy);
        }
        if self.filter.as_ref().is_some_and(|filter| !filter.rows.contains(item.0)) {
            return refused(Refusal::Filter);
        }
        let entry = self.set_entry(item);
        if let Some(entry) = entry.filter(|entry| entry.kind == SetKind::Blocked) {
            return Some(Refused { refusal: Refusal::BlockedItem, since: entry.time });
        }
        if self.has_blocked_author(item) {
            return refused(Refusal::BlockedAuthor);
        }
        if self.has_blocked_tag(item) {
            return refused(Refusal::BlockedTag);
        }
        entry.map(|entry| Refused { refusal: entry.kind.refusal(), since: entry.time })
    }

    /// How many items are open to everybody: what base mask and filter leave, before expiry and
    /// this user's own refusals. Exact and free: a random draw reckons with it.
    pub fn open_count(&self) -> usize {
        self.filter.as_ref().map_or(self.base.count, |filter| filter.count)
    }

    /// The items of [`Eligibility::open_count`] among rows `64 * at ..`, the lowest bit first.
    #[inline]
    pub fn open_word(&self, at: usize) -> u64 {
        let filter = self.filter.as_ref().map_or(u64::MAX, |filter| filter.rows.word(at));
        self.base.rows.word(at) & filter
    }

    /// Share of the catalogue that may be shown, 0 to 1: a planner's hint. Not counted are the
    /// items of blocked authors and tags; counted twice is what two reasons refuse.
    pub fn estimate(&self) -> f32 {
        let open = self.open_count();
        let refused = self.sets.iter().map(|one| one.set.len()).sum::<usize>();
        match self.base.rows.len() {
            0 => 0.0,
            all => open.saturating_sub(refused + self.expiry.count()) as f32 / all as f32,
        }
    }
}

/// The items for which a test holds, the first in the lowest bit.
#[inline]
pub(crate) fn bits(items: &[ItemIndex], test: impl Fn(ItemIndex) -> bool) -> u64 {
    items.iter().enumerate().fold(0, |bits, (at, item)| bits | u64::from(test(*item)) << at)
}

/// Those among `may_be` for which a test holds.
#[inline]
pub(crate) fn confirmed(items: &[ItemIndex], may_be: u64, test: impl Fn(ItemIndex) -> bool) -> u64 {
    passing(may_be, |at| test(items[at as usize]))
}

/// The rows among `open` (of the word at `at`) for which a test holds.
#[inline]
pub(crate) fn select(at: usize, open: u64, test: impl Fn(u32) -> bool) -> u64 {
    passing(open, |bit| test(at as u32 * 64 + bit))
}

/// The bits of a word for which a test holds; of those that are not set nothing is asked.
#[inline]
fn passing(word: u64, test: impl Fn(u32) -> bool) -> u64 {
    let (mut left, mut passing) = (word, 0);
    while left != 0 {
        let bit = left.trailing_zeros();
        left &= left - 1;
        passing |= u64::from(test(bit)) << bit;
    }
    passing
}

fn windowed(sets: [&Arc<ItemSet>; 3], windows: &Windows) -> Vec<WindowedSet> {
    let filled = sets.into_iter().filter(|set| !set.is_empty());
    filled.map(|set| WindowedSet { set: set.clone(), is_cut: set.is_cut_by(windows) }).collect()
}

/// The plan's windows at a moment.
fn windows(plan: &Plan, now: Timestamp) -> Windows {
    const MINUTE_MS: f64 = 60_000.0;
    const DAY_MS: f64 = 24.0 * 60.0 * MINUTE_MS;
    let rule = &plan.eligibility;
    let window = |length: Option<f32>, unit_ms: f64| {
        length.map(|length| (f64::from(length) * unit_ms).round() as i64)
    };
    let kinds = [
        (rule.refuse_consumed, SetKind::Consumed, window(rule.consumed_days, DAY_MS)),
        (rule.refuse_exposed, SetKind::Exposed, window(rule.exposed_days, DAY_MS)),
        (rule.refuse_delivered, SetKind::Delivered, window(rule.delivered_minutes, MINUTE_MS)),
    ];
    let refused = kinds.into_iter().filter(|(refuses, ..)| *refuses);
    refused.fold(Windows::closed(), |windows, (_, kind, length)| windows.open(kind, now, length))
}

impl RowMask for Eligibility {
    #[inline]
    fn word(&self, at: usize) -> u64 {
        let mut open = self.open_word(at);
        for one in &self.sets {
            if open == 0 {
                return 0;
            }
            open &= !one.set.word(at as u32, &self.windows, one.is_cut);
        }
        if open != 0 {
            open &= !self.expiry.word(at, open, &self.catalogue);
        }
        if !self.authors.is_empty() {
            open &= !select(at, open, |row| self.has_blocked_author(ItemIndex(row)));
        }
        if !self.tags.is_empty() {
            open &= !select(at, open, |row| self.has_blocked_tag(ItemIndex(row)));
        }
        open
    }

    #[inline]
    fn contains(&self, row: u32) -> bool {
        Eligibility::contains(self, ItemIndex(row))
    }

    fn selectivity(&self) -> f32 {
        self.estimate()
    }
}
