//! What users did: kinds of events with signed weights, and single interactions.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::ItemIndex;

/// Position of a kind in [`EventKinds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindIndex(pub u8);

/// One kind of event, such as `rating` or `dislike`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventKind {
    /// The name that the events carry.
    pub name: String,
    /// What one such event says of the user's interest; negative for a dislike.
    pub weight: f32,
    /// The least value that counts as positive (a rating of 4); absent: every value does.
    #[serde(default)]
    pub positive_from: Option<f32>,
}

/// Why a table of kinds was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EventKindsError {
    /// There is no kind at all.
    #[error("at least one event kind is needed")]
    Empty,
    /// More kinds than a [`KindIndex`] can name.
    #[error("at most 255 event kinds are possible, these are {0}")]
    TooMany(usize),
    /// Two kinds of the same name.
    #[error("event kind {0:?} is given twice")]
    Duplicate(String),
    /// A weight or threshold that is not a number.
    #[error("event kind {kind:?}: {field} must be a finite number")]
    NotFinite {
        /// The kind.
        kind: String,
        /// The field at fault.
        field: &'static str,
    },
}

/// The table of all kinds that a data set or a server knows.
#[derive(Debug, Clone, PartialEq)]
pub struct EventKinds(Vec<EventKind>);

impl EventKinds {
    /// Checks the kinds: 1 to 255, unique names, finite weights.
    pub fn new(kinds: Vec<EventKind>) -> Result<Self, EventKindsError> {
        if kinds.is_empty() {
            return Err(EventKindsError::Empty);
        }
        if kinds.len() > 255 {
            return Err(EventKindsError::TooMany(kinds.len()));
        }
        for (position, kind) in kinds.iter().enumerate() {
            let not_finite = |field| EventKindsError::NotFinite { kind: kind.name.clone(), field };
            if !kind.weight.is_finite() {
                return Err(not_finite("weight"));
            }
            if kind.positive_from.is_some_and(|from| !from.is_finite()) {
                return Err(not_finite("positive_from"));
            }
            if kinds[..position].iter().any(|earlier| earlier.name == kind.name) {
                return Err(EventKindsError::Duplicate(kind.name.clone()));
            }
        }
        Ok(Self(kinds))
    }

    /// One kind whose every event is positive with weight 1.
    pub fn implicit(name: &str) -> Self {
        Self(vec![EventKind { name: name.to_owned(), weight: 1.0, positive_from: None }])
    }

    /// One kind `rating` that is positive from `positive_from` on.
    pub fn rating(positive_from: f32) -> Self {
        let positive_from = Some(positive_from);
        Self(vec![EventKind { name: "rating".to_owned(), weight: 1.0, positive_from }])
    }

    /// The kinds in order of their index.
    pub fn all(&self) -> &[EventKind] {
        &self.0
    }

    /// The index of a name.
    pub fn index(&self, name: &str) -> Option<KindIndex> {
        self.0.iter().position(|kind| kind.name == name).map(|at| KindIndex(at as u8))
    }

    /// The kind at an index. Panics where the index is of another table.
    pub fn kind(&self, index: KindIndex) -> &EventKind {
        &self.0[usize::from(index.0)]
    }

    /// What an event says of the user's interest: the kind's weight; 0 where the value is below
    /// the kind's positive threshold (the item still counts as consumed).
    pub fn strength(&self, kind: KindIndex, value: f32) -> f32 {
        let kind = self.kind(kind);
        match kind.positive_from {
            Some(from) if kind.weight > 0.0 && value < from => 0.0,
            _ => kind.weight,
        }
    }
}

/// One event of a user whose identity the surrounding structure knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interaction {
    /// The item.
    pub item: ItemIndex,
    /// The kind of event.
    pub kind: KindIndex,
    /// The event's own value (a rating, seconds watched); 1 where the data has none.
    pub value: f32,
    /// When; absent where the data has no times.
    pub time: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_below_the_threshold_says_nothing_and_a_dislike_stays_negative() {
        let kinds = EventKinds::new(vec![
            EventKind { name: "rating".into(), weight: 1.0, positive_from: Some(4.0) },
            EventKind { name: "dislike".into(), weight: -2.0, positive_from: None },
        ])
        .unwrap();
        assert_eq!(kinds.strength(KindIndex(0), 3.5), 0.0);
        assert_eq!(kinds.strength(KindIndex(0), 4.0), 1.0);
        assert_eq!(kinds.strength(KindIndex(1), 1.0), -2.0);
    }

    #[test]
    fn kinds_refuse_duplicates_and_nan() {
        let kind =
            |name: &str, weight| EventKind { name: name.into(), weight, positive_from: None };
        assert_eq!(EventKinds::new(vec![]), Err(EventKindsError::Empty));
        assert!(EventKinds::new(vec![kind("a", 1.0), kind("a", 1.0)]).is_err());
        assert!(EventKinds::new(vec![kind("a", f32::NAN)]).is_err());
    }
}
