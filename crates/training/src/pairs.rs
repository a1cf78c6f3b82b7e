//! Who liked what, both ways round: made once, read by every model of neighbours.

use gannet_core::SparseRows;
use gannet_dataset::TrainSet;

/// Positive pairs with their strengths.
#[derive(Debug, Clone)]
pub(crate) struct Pairs {
    /// Row: user; column: item.
    pub(crate) by_user: SparseRows,
    /// Row: item; column: user.
    pub(crate) by_item: SparseRows,
}

impl Pairs {
    /// Each user's newest `history_max` distinct positive items.
    pub(crate) fn newest(train: &TrainSet, history_max: usize) -> Self {
        Self::of(train.newest_positives(history_max))
    }

    pub(crate) fn of(by_user: SparseRows) -> Self {
        Self { by_item: by_user.transpose(), by_user }
    }

    pub(crate) fn item_count(&self) -> usize {
        self.by_item.height()
    }

    /// Users who like the item.
    pub(crate) fn users_of(&self, item: usize) -> usize {
        self.by_item.row(item).0.len()
    }

    /// How many other items share a user with the item, counted once a user: never fewer than
    /// there are neighbours, and the additions that finding them costs.
    pub(crate) fn meetings(&self, item: usize) -> u64 {
        let others = |user: &u32| self.by_user.row(*user as usize).0.len() as u64 - 1;
        self.by_item.row(item).0.iter().map(others).sum()
    }
}
