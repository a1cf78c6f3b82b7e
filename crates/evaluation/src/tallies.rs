//! Counts over all users. Whole numbers only: their sums do not depend on the order of threads.

use std::collections::BTreeMap;

use gannet_core::Bitmap;

use crate::facts::ITEM_AGES;

/// What one list (a channel's, or the merged one) adds up to over users.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListTally {
    /// Items returned at least once.
    pub(crate) covered: Bitmap,
    /// Items returned, over all users.
    pub(crate) returned: u64,
    /// Their self-information, in units of [`crate::facts::BIT`].
    pub(crate) self_information: u64,
    /// Returned items by days since they were published.
    pub(crate) days_old: BTreeMap<i32, u64>,
    /// Users for whom the list was empty.
    pub(crate) empty: u64,
    /// Held-out items found within the handover size, by age of the item.
    pub(crate) hits_by_age: [u64; ITEM_AGES.len()],
    /// The same by scene of the held-out event; the last are those without one.
    pub(crate) hits_by_scene: Vec<u64>,
}

/// Everything that is counted rather than kept by user.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tallies {
    /// The channels in the plan's order, then the merged list.
    pub(crate) lists: Vec<ListTally>,
    /// Items that row and column both returned for one user, lists cut at fetch_k.
    pub(crate) shared_fetch: Vec<Vec<u64>>,
    /// The same at equal K.
    pub(crate) shared_equal: Vec<Vec<u64>>,
    /// Held-out items by age of the item.
    pub(crate) held_out_by_age: [u64; ITEM_AGES.len()],
    /// Held-out items by scene of the event; the last are those without one.
    pub(crate) held_out_by_scene: Vec<u64>,
    /// Channel answers that were not complete, by channel and status word.
    pub(crate) incomplete: BTreeMap<(usize, &'static str), u64>,
    /// Requests whose answer was degraded.
    pub(crate) degraded: u64,
    /// Users whose history in the snapshot is not the split's.
    pub(crate) other_histories: u64,
}

impl Tallies {
    /// Nothing counted yet. `scenes` are those that events name.
    pub(crate) fn new(channels: usize, items: usize, scenes: usize) -> Self {
        let list = ListTally {
            covered: Bitmap::empty(items),
            returned: 0,
            self_information: 0,
            days_old: BTreeMap::new(),
            empty: 0,
            hits_by_age: Default::default(),
            hits_by_scene: vec![0; scenes + 1],
        };
        Self {
            lists: vec![list; channels + 1],
            shared_fetch: vec![vec![0; channels]; channels],
            shared_equal: vec![vec![0; channels]; channels],
            held_out_by_age: Default::default(),
            held_out_by_scene: vec![0; scenes + 1],
            incomplete: BTreeMap::new(),
            degraded: 0,
            other_histories: 0,
        }
    }

    /// Both together.
    pub(crate) fn plus(mut self, other: &Tallies) -> Self {
        for (mine, theirs) in self.lists.iter_mut().zip(&other.lists) {
            mine.add(theirs);
        }
        add_matrix(&mut self.shared_fetch, &other.shared_fetch);
        add_matrix(&mut self.shared_equal, &other.shared_equal);
        add(&mut self.held_out_by_age, &other.held_out_by_age);
        add(&mut self.held_out_by_scene, &other.held_out_by_scene);
        for (key, count) in &other.incomplete {
            *self.incomplete.entry(*key).or_default() += count;
        }
        self.degraded += other.degraded;
        self.other_histories += other.other_histories;
        self
    }
}

impl ListTally {
    fn add(&mut self, other: &ListTally) {
        for row in 0..other.covered.len().div_ceil(64) {
            let mut word = other.covered.word(row) & !self.covered.word(row);
            while word != 0 {
                self.covered.set(row as u32 * 64 + word.trailing_zeros());
                word &= word - 1;
            }
        }
        self.returned += other.returned;
        self.self_information += other.self_information;
        for (days, count) in &other.days_old {
            *self.days_old.entry(*days).or_default() += count;
        }
        self.empty += other.empty;
        add(&mut self.hits_by_age, &other.hits_by_age);
        add(&mut self.hits_by_scene, &other.hits_by_scene);
    }

    /// The middle age in days of what was returned; `None` where no publishing time is known.
    pub(crate) fn days_old_median(&self) -> Option<i32> {
        let total: u64 = self.days_old.values().sum();
        let mut below = 0;
        self.days_old
            .iter()
            .find(|(_, count)| {
                below += **count;
                below * 2 >= total
            })
            .map(|(days, _)| *days)
    }
}

fn add(sums: &mut [u64], others: &[u64]) {
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
}

fn add_matrix(sums: &mut [Vec<u64>], others: &[Vec<u64>]) {
    for (sum, other) in sums.iter_mut().zip(others) {
        add(sum, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(items: &[u32], days: &[i32]) -> Tallies {
        let mut tallies = Tallies::new(1, 200, 0);
        for item in items {
            tallies.lists[0].covered.set(*item);
        }
        for day in days {
            *tallies.lists[0].days_old.entry(*day).or_default() += 1;
        }
        tallies
    }

    #[test]
    fn sums_do_not_depend_on_the_order() {
        let (a, b) = (tally(&[1, 64, 199], &[5, 5, 9]), tally(&[1, 65], &[-1, 100]));
        let both = a.clone().plus(&b);
        assert_eq!(both, b.plus(&a));
        assert_eq!(both.lists[0].covered.count(), 4);
        assert_eq!(both.lists[0].days_old_median(), Some(5));
    }

    #[test]
    fn no_known_ages_no_median() {
        assert_eq!(tally(&[], &[]).lists[0].days_old_median(), None);
        assert_eq!(tally(&[], &[3, 7]).lists[0].days_old_median(), Some(3));
    }
}
