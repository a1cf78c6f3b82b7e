//! Train and test as two types that cannot be confused.

use std::sync::Arc;

use gannet_core::{
    Catalogue, EventKinds, Interaction, ItemIndex, SparseRows, StringTable, Timestamp, UserIndex,
};

/// How events were divided.
#[derive(Debug, Clone, PartialEq)]
pub enum SplitKind {
    /// Everything from one moment on is test: the honest one.
    TemporalGlobal {
        /// Share of events that come before the cut.
        train_share: f64,
    },
    /// The last part of each user's own events is test. Sees other users' future.
    TemporalPerUser {
        /// Share of each user's events that train.
        train_share: f64,
    },
    /// Each user's last event is test.
    LeaveOneOut,
    /// A random part of each user's events is test.
    RandomPerUser {
        /// Share of each user's events that train.
        train_share: f64,
        /// Seed of the draw.
        seed: u64,
    },
    /// Train and test came as files.
    Fixed,
}

/// What training may see: each user's events, oldest first (file order among equal times).
#[derive(Debug, Clone)]
pub struct TrainSet {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) users: Arc<StringTable>,
    pub(crate) kinds: EventKinds,
    pub(crate) offsets: Vec<u64>,
    pub(crate) events: Vec<Interaction>,
}

impl TrainSet {
    /// The items.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The users' ids, by index; some may have no events here.
    pub fn users(&self) -> &Arc<StringTable> {
        &self.users
    }

    /// The kinds of events.
    pub fn kinds(&self) -> &EventKinds {
        &self.kinds
    }

    /// A user's events, oldest first.
    pub fn events(&self, user: UserIndex) -> &[Interaction] {
        &self.events[self.offsets[user.at()] as usize..self.offsets[user.at() + 1] as usize]
    }

    /// All events, user by user.
    pub fn all_events(&self) -> &[Interaction] {
        &self.events
    }

    /// Where each user's events begin in [`TrainSet::all_events`], and the end of the last.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// Users by items, the value the strongest positive strength of any of the pair's events;
    /// columns ascending. Pairs without a positive event are left out.
    pub fn positives(&self) -> SparseRows {
        let rows = (0..self.users.len() as u32).map(|user| {
            let mut row: Vec<(u32, f32)> = self
                .events(UserIndex(user))
                .iter()
                .map(|event| (event.item.0, self.kinds.strength(event.kind, event.value)))
                .filter(|(_, strength)| *strength > 0.0)
                .collect();
            row.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
            row.dedup_by_key(|entry| entry.0);
            row
        });
        SparseRows::from_rows(self.catalogue.len() as u32, rows)
    }
}

/// A user with held-out items.
#[derive(Debug, Clone, PartialEq)]
pub struct TestUser {
    /// The user.
    pub user: UserIndex,
    /// The distinct held-out positive items, ascending.
    pub(crate) items: Vec<ItemIndex>,
    /// The time at which the request is made: the user's last training event.
    pub now: Option<Timestamp>,
    /// Whether training saw anything of this user: reported apart.
    pub has_history: bool,
}

impl TestUser {
    /// The held-out positive items, ascending. For judging alone.
    pub fn held_out(&self) -> &[ItemIndex] {
        &self.items
    }
}

/// What judging may see. There is deliberately no way from here to a [`TrainSet`].
#[derive(Debug, Clone)]
pub struct TestSet {
    pub(crate) users: Vec<TestUser>,
}

impl TestSet {
    /// The users with held-out positive items, ascending.
    pub fn users(&self) -> &[TestUser] {
        &self.users
    }
}

/// A division of one data set.
#[derive(Debug, Clone)]
pub struct Split {
    /// How it was made.
    pub kind: SplitKind,
    /// For training.
    pub train: TrainSet,
    /// For judging.
    pub test: TestSet,
}
