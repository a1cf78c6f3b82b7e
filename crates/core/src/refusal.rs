//! Why an item may not be shown: each refusal has exactly one named reason.

use serde::{Deserialize, Serialize};

/// The reasons in the order in which they are looked up: the first that holds is the one named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The item is not available at all.
    Unavailable,
    /// A rule of the scene forbids it.
    Policy,
    /// The request's filter leaves it out.
    Filter,
    /// The user blocked the item.
    BlockedItem,
    /// The user blocked its author.
    BlockedAuthor,
    /// The user blocked one of its tags.
    BlockedTag,
    /// It was answered to the user minutes ago.
    Delivered,
    /// It was on the user's screen days ago.
    Exposed,
    /// The user played or bought it.
    Consumed,
}

impl Refusal {
    /// Every reason, in order.
    pub const ALL: [Refusal; 9] = [
        Refusal::Unavailable,
        Refusal::Policy,
        Refusal::Filter,
        Refusal::BlockedItem,
        Refusal::BlockedAuthor,
        Refusal::BlockedTag,
        Refusal::Delivered,
        Refusal::Exposed,
        Refusal::Consumed,
    ];

    /// The word used in reports, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::Unavailable => "unavailable",
            Refusal::Policy => "policy",
            Refusal::Filter => "filter",
            Refusal::BlockedItem => "blocked_item",
            Refusal::BlockedAuthor => "blocked_author",
            Refusal::BlockedTag => "blocked_tag",
            Refusal::Delivered => "delivered",
            Refusal::Exposed => "exposed",
            Refusal::Consumed => "consumed",
        }
    }
}

/// How many items were refused for each reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefusalCounts([u32; Refusal::ALL.len()]);

impl RefusalCounts {
    /// Counts one refusal.
    pub fn add(&mut self, refusal: Refusal) {
        self.add_many(refusal, 1);
    }

    /// Counts several refusals of one reason.
    pub fn add_many(&mut self, refusal: Refusal, count: u32) {
        let slot = &mut self.0[refusal as usize];
        *slot = slot.saturating_add(count);
    }

    /// The count of one reason.
    pub fn of(&self, refusal: Refusal) -> u32 {
        self.0[refusal as usize]
    }

    /// The reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Refusal, u32)> + '_ {
        Refusal::ALL
            .into_iter()
            .map(|refusal| (refusal, self.of(refusal)))
            .filter(|pair| pair.1 > 0)
    }

    /// All refusals together.
    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}
