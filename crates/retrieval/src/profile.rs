//! Who asks: history, interests and sets, put together once a request.

use gannet_core::{ItemIndex, Timestamp, UserIndex};

use crate::QueryVector;

/// One event of the user.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistoryEntry {
    /// The item.
    pub item: ItemIndex,
    /// What it says of his interest: positive, negative, or 0 for consumed without a verdict.
    pub strength: f32,
    /// When.
    pub time: Option<Timestamp>,
}

/// An item of the user that a channel starts from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trigger {
    /// The item.
    pub item: ItemIndex,
    /// Its weight, by strength and age; positive.
    pub weight: f32,
}

/// The user of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct UserProfile {
    /// The user's place in the snapshot's histories, where training knew him.
    pub index: Option<UserIndex>,
    /// All known events, oldest first: user state, then the request's own.
    pub history: Vec<HistoryEntry>,
    /// How many of the history's last entries came with the request: not in any trained vector.
    pub fresh_count: usize,
    /// Vectors of the caller's own towers.
    pub vectors: Vec<QueryVector>,
    /// The moment of the request.
    pub now: Timestamp,
}
