//! What each user did before the snapshot, in order of time.

use gannet_core::{Interaction, StringTable, UserIndex};

/// The users of the snapshot and their events, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Histories {
    users: StringTable,
    offsets: Vec<u64>,
    events: Vec<Interaction>,
}

impl Histories {
    /// From users and their events, oldest first. Panics where the offsets do not fit: training
    /// makes them; what comes from disk goes through `Part::from_arrays`.
    pub fn new(users: StringTable, offsets: Vec<u64>, events: Vec<Interaction>) -> Self {
        assert_eq!(users.len() + 1, offsets.len());
        assert_eq!(offsets.last().copied(), Some(events.len() as u64));
        Self { users, offsets, events }
    }

    /// Number of users.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// The index of a user.
    pub fn find(&self, user: &str) -> Option<UserIndex> {
        self.users.find(user).map(UserIndex)
    }

    /// The id of a user.
    pub fn id(&self, user: UserIndex) -> &str {
        self.users.get(user.0)
    }

    /// A user's events, oldest first.
    pub fn events(&self, user: UserIndex) -> &[Interaction] {
        &self.events[self.offsets[user.at()] as usize..self.offsets[user.at() + 1] as usize]
    }
}
