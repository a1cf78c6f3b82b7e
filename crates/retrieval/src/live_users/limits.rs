//! How much user state keeps in memory, and what of it can be asked for.

use serde::Deserialize;

use super::SHARDS;
use crate::{HISTORY_MAX, SET_MAX};

/// How much is kept of users: of one, and of all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveLimits {
    /// Users of whom something is kept beside the snapshot.
    pub users_max: usize,
    /// Events and set entries of all users, of about 50 bytes each.
    pub entries_max: usize,
    /// Events of one user that channels may read, the newest.
    pub history_max: usize,
    /// Items of each of one user's sets (consumed, exposed ...) that are read from the snapshot,
    /// the newest.
    pub settled_max: usize,
    /// Items of each of one user's sets since the snapshot, the newest.
    pub recent_max: usize,
    /// Items, authors and tags that all users together may have blocked, of about 30 bytes each; a
    /// user who has blocked anything counts as ten more.
    pub blocks_max: usize,
    /// Items, authors and tags that one user may have blocked.
    pub user_blocks_max: usize,
}

impl Default for LiveLimits {
    /// By reckoning 1.5 to 2 gigabytes at the most, slots and built records included, and ten
    /// answers of 500 items a user.
    fn default() -> Self {
        Self {
            users_max: 500_000,
            entries_max: 20_000_000,
            history_max: HISTORY_MAX,
            settled_max: SET_MAX,
            recent_max: 5_000,
            blocks_max: 10_000_000,
            user_blocks_max: 10_000,
        }
    }
}

/// A limit under which user state could not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: expected {least} to {most}, this is {value}")]
pub struct LimitError {
    /// The limit's name.
    pub key: &'static str,
    /// Its value.
    pub value: usize,
    /// The least that it may be.
    pub least: usize,
    /// The most.
    pub most: usize,
}

impl LiveLimits {
    /// Refuses limits so low that requests would not see what they rely on, or so high that they
    /// are none.
    pub fn check(&self) -> Result<(), LimitError> {
        // Segments may ask for a hundred events; users and entries are shared out over shards.
        let ranges = [
            ("users_max", self.users_max, SHARDS, 1_000_000_000),
            ("entries_max", self.entries_max, SHARDS, 100_000_000_000),
            ("history_max", self.history_max, 100, 1_000_000),
            ("settled_max", self.settled_max, 1, 10_000_000),
            ("recent_max", self.recent_max, 1, 1_000_000),
            ("blocks_max", self.blocks_max, 0, 100_000_000_000),
            ("user_blocks_max", self.user_blocks_max, 0, 1_000_000),
        ];
        let outside =
            |&(_, value, least, most): &(_, usize, usize, usize)| !(least..=most).contains(&value);
        match ranges.into_iter().find(outside) {
            Some((key, value, least, most)) => Err(LimitError { key, value, least, most }),
            None => Ok(()),
        }
    }
}
