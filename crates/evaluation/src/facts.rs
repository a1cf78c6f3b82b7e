//! What judging needs to know of items and users besides lists: popularity and age.

use gannet_core::{Catalogue, ItemIndex, Timestamp};
use gannet_dataset::TrainSet;
use rustc_hash::FxHashMap;

/// Self-information is summed in whole 2^-20 bits: integer sums do not depend on their order.
pub(crate) const BIT: f64 = (1u64 << 20) as f64;

/// Ages of items at the moment of the request; the last is for items of unknown age.
pub(crate) const ITEM_AGES: [&str; 7] = [
    "after the request",
    "under 1 week",
    "1 week to 1 month",
    "1 month to 1 year",
    "1 to 5 years",
    "5 years and more",
    "unknown",
];

/// Ages of users at the moment of the request: time since the first event that training, or the
/// request, has of them.
pub(crate) const USER_AGES: [&str; 7] = [
    "no history",
    "under 1 day",
    "1 day to 1 week",
    "1 week to 1 month",
    "1 month to 1 year",
    "1 year and more",
    "unknown",
];

/// Position in [`USER_AGES`].
pub(crate) fn user_age_bucket(
    has_events: bool,
    first: Option<Timestamp>,
    now: Option<Timestamp>,
) -> usize {
    match (has_events, first, now) {
        (false, ..) => 0,
        (true, Some(first), Some(now)) => {
            let days = now.days_since(first);
            1 + [1.0, 7.0, 30.0, 365.0].iter().filter(|end| days >= **end).count()
        }
        _ => USER_AGES.len() - 1,
    }
}

/// Facts of every item, by index.
pub(crate) struct Facts {
    self_information: Vec<u32>,
    born: Vec<Option<Timestamp>>,
    published: Vec<Option<Timestamp>>,
}

impl Facts {
    /// Popularity is the share of training users with an event on the item; one user is added
    /// to both sides, so that an item without events has a finite surprise.
    pub(crate) fn new(catalogue: &Catalogue, train: &TrainSet) -> Self {
        let users = train.users().len();
        let (mut counts, mut first) = (vec![0u32; catalogue.len()], FxHashMap::default());
        for user in 0..users as u32 {
            let events = train.events(user.into());
            let mut items: Vec<ItemIndex> = events.iter().map(|event| event.item).collect();
            items.sort_unstable();
            items.dedup();
            items.iter().for_each(|item| counts[item.at()] += 1);
            for event in events {
                let Some(time) = event.time else { continue };
                first
                    .entry(event.item)
                    .and_modify(|seen: &mut Timestamp| *seen = time.min(*seen))
                    .or_insert(time);
            }
        }
        let bits = |count: &u32| {
            let share = f64::from(count + 1) / (users + 1) as f64;
            (-share.log2() * BIT).round() as u32
        };
        let published: Vec<_> = catalogue.indices().map(|item| catalogue.published(item)).collect();
        let born = catalogue
            .indices()
            .map(|item| published[item.at()].or_else(|| first.get(&item).copied()))
            .collect();
        Self { self_information: counts.iter().map(bits).collect(), born, published }
    }

    /// -log2 of the item's popularity, in units of [`BIT`].
    pub(crate) fn self_information(&self, item: ItemIndex) -> u64 {
        u64::from(self.self_information[item.at()])
    }

    /// Whole days since the item was published; `None` where nobody knows.
    pub(crate) fn days_old(&self, item: ItemIndex, now: Option<Timestamp>) -> Option<i32> {
        Some(now?.days_since(self.published[item.at()]?).floor() as i32)
    }

    /// Position in [`ITEM_AGES`], by publishing time or else the first training event.
    pub(crate) fn age_bucket(&self, item: ItemIndex, now: Option<Timestamp>) -> usize {
        let (Some(now), Some(born)) = (now, self.born[item.at()]) else {
            return ITEM_AGES.len() - 1;
        };
        let days = now.days_since(born);
        if days < 0.0 {
            return 0;
        }
        1 + [7.0, 30.0, 365.0, 1826.0].iter().filter(|end| days >= **end).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_age_counts_from_his_first_event() {
        let day = |days: i64| Some(Timestamp(days * 86_400_000));
        let name = |has, first, now| USER_AGES[user_age_bucket(has, first, now)];
        assert_eq!(name(false, None, day(9)), "no history");
        assert_eq!(name(true, None, day(9)), "unknown");
        assert_eq!(name(true, day(9), day(9)), "under 1 day");
        assert_eq!(name(true, day(1), day(8)), "1 week to 1 month");
        assert_eq!(name(true, day(0), day(364)), "1 month to 1 year");
        assert_eq!(name(true, day(0), day(365)), "1 year and more");
    }
}
