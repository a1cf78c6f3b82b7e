//! What every user truly prefers, told from the options alone.

use std::cmp::Reverse;
use std::sync::Arc;

use gannet_core::{Catalogue, ItemIndex, Timestamp, UserIndex};
use rayon::prelude::*;

use super::SimulationOptions;
use super::error::{SimulationError, TruthMismatch};
use super::item::{Items, item_id};
use super::user::{Taste, user_id};

/// What every user truly prefers at any moment: items and users by their number in the simulation,
/// which is their index in its data set. 16 bytes an item; users are drawn anew when asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct TruePreference {
    options: SimulationOptions,
    items: Arc<Items>,
}

impl TruePreference {
    /// The truth behind what these options make; no event is simulated. Errors for options out of
    /// range.
    pub fn of(options: &SimulationOptions) -> Result<Self, SimulationError> {
        options.check()?;
        Ok(Self { options: options.clone(), items: Arc::new(Items::new(options)) })
    }

    /// What was simulated.
    pub fn options(&self) -> &SimulationOptions {
        &self.options
    }

    /// Whether this is the truth about a catalogue and these users (outside ids): as many items,
    /// of the same ids and times of publication, in any order. A simulation of another seed has
    /// the same ids, and not the same times. Some 100 ns an item, on rayon's threads.
    pub fn check<'a>(
        &self,
        catalogue: &Catalogue,
        users: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), TruthMismatch> {
        let (truth, found) = (self.options.item_count, catalogue.len());
        if truth as usize != found {
            return Err(TruthMismatch::ItemCount { truth, found });
        }
        let wrong = |item: u32| {
            let (item, id) = (ItemIndex(item), || catalogue.id(ItemIndex(item)).to_owned());
            match self.find_item(catalogue.id(item)) {
                None => Some(TruthMismatch::Item { id: id() }),
                Some(known) => (catalogue.published(item) != Some(self.items.published(known.0)))
                    .then(|| TruthMismatch::Published { id: id() }),
            }
        };
        if let Some(mismatch) = (0..truth).into_par_iter().find_map_first(wrong) {
            return Err(mismatch);
        }
        match users.into_iter().find(|id| self.find_user(id).is_none()) {
            Some(id) => Err(TruthMismatch::User { id: id.to_owned() }),
            None => Ok(()),
        }
    }

    pub(super) fn items(&self) -> &Arc<Items> {
        &self.items
    }

    /// How much a user likes an item at a moment (before and after the span: as at its ends):
    /// higher is better, nearly all lie between -0.5 and 1.1. What he is shown is chosen by this
    /// and by noise, and so is what he does with it.
    /// Panics for an index of another data set.
    pub fn preference(&self, user: UserIndex, item: ItemIndex, moment: Timestamp) -> f32 {
        self.taste_at(user, moment).preference(item)
    }

    /// A user at a moment, for asking about many items.
    /// Panics for an index of another data set.
    pub fn taste_at(&self, user: UserIndex, moment: Timestamp) -> TasteAt<'_> {
        assert!(user.0 < self.options.user_count, "user {} of another data set", user.0);
        let since_start = moment.0.saturating_sub(self.options.start.0) as f64;
        let share = (since_start / self.items.span_ms as f64).clamp(0.0, 1.0) as f32;
        let taste = Taste::new(&self.items, self.options.seed, user.0);
        TasteAt { items: &self.items, liking: taste.at(self.items.tree, share) }
    }

    /// The `k` items among these that a user likes best at a moment, best first, ties by index.
    /// Looks at each: some 10 ns an item.
    pub fn best(
        &self,
        user: UserIndex,
        moment: Timestamp,
        k: usize,
        among: impl IntoIterator<Item = ItemIndex>,
    ) -> Vec<ItemIndex> {
        let taste = self.taste_at(user, moment);
        let key = |item: ItemIndex| (Reverse(ordered(taste.preference(item))), item);
        let mut best: Vec<(Reverse<i32>, ItemIndex)> = Vec::with_capacity(2 * k);
        let mut floor = i32::MIN;
        for item in among {
            let key = key(item);
            if k == 0 || (best.len() >= k && key.0.0 < floor) {
                continue;
            }
            best.push(key);
            if best.len() >= 2 * k {
                best.select_nth_unstable(k - 1);
                best.truncate(k);
                floor = best.iter().map(|(preference, _)| preference.0).min().unwrap_or(i32::MIN);
            }
        }
        best.sort_unstable();
        best.truncate(k);
        best.into_iter().map(|(_, item)| item).collect()
    }

    /// Items published and not expired at a moment, in order.
    pub fn shown_at(&self, moment: Timestamp) -> impl Iterator<Item = ItemIndex> + '_ {
        let since_start = moment.0.saturating_sub(self.options.start.0);
        let published = self.items.published_count(since_start);
        let alive =
            move |item: &u32| self.items.expires_ms(*item).is_none_or(|end| end > since_start);
        (0..published).filter(alive).map(ItemIndex)
    }

    /// The user of an outside id.
    pub fn find_user(&self, id: &str) -> Option<UserIndex> {
        numbered(id, "user-", self.options.user_count, user_id).map(UserIndex)
    }

    /// The outside id of an item.
    pub fn item_id(&self, item: ItemIndex) -> String {
        item_id(item.0)
    }

    /// The item of an outside id.
    pub fn find_item(&self, id: &str) -> Option<ItemIndex> {
        numbered(id, "item-", self.options.item_count, item_id).map(ItemIndex)
    }
}

/// One user at one moment.
#[derive(Debug, Clone)]
pub struct TasteAt<'a> {
    items: &'a Items,
    liking: super::user::Liking,
}

impl TasteAt<'_> {
    /// As [`TruePreference::preference`].
    pub fn preference(&self, item: ItemIndex) -> f32 {
        self.liking.of(&self.items.natures[item.at()])
    }
}

fn numbered(id: &str, beginning: &str, count: u32, id_of: fn(u32) -> String) -> Option<u32> {
    let number = id.strip_prefix(beginning)?.parse::<u32>().ok()?.checked_sub(1)?;
    (number < count && id_of(number) == id).then_some(number)
}

/// An integer in the order of `f32::total_cmp`.
fn ordered(value: f32) -> i32 {
    let bits = value.to_bits() as i32;
    bits ^ ((bits >> 31) as u32 >> 1) as i32
}
