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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive_from: Option<f32>,
    /// A value below this says as much against the item as a positive one says for it (a video
    /// left after a tenth of its length); absent: no value does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_below: Option<f32>,
    /// Which of the user's sets the item enters.
    #[serde(default, skip_serializing_if = "Marks::is_consumed")]
    pub marks: Marks,
}

/// Which of a user's three sets an event puts its item into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Marks {
    /// Played, bought, rated.
    #[default]
    Consumed,
    /// It was on the user's screen.
    Exposed,
    /// It was answered to the user.
    Delivered,
    /// None of them: a dislike from a list, a search.
    Nothing,
}

impl Marks {
    fn is_consumed(&self) -> bool {
        *self == Marks::Consumed
    }
}

impl EventKind {
    /// A kind whose events are consumed and never negative by their value.
    pub fn new(name: &str, weight: f32, positive_from: Option<f32>) -> Self {
        let name = name.to_owned();
        Self { name, weight, positive_from, negative_below: None, marks: Marks::Consumed }
    }
}

/// How much of a video was watched, as the value of a `watch` event: played time as a share of the
/// shorter of the video's length and `long_ms`. 1 is what KuaiRand publishes as a long view
/// (`long_ms` = 18,000: all of a short video, 18 seconds of a longer one). At most 10, for a video
/// that runs on by itself; 0 where the length is not positive.
pub fn watch_share(played_ms: f64, length_ms: f64, long_ms: f64) -> f32 {
    let of = length_ms.min(long_ms);
    if of > 0.0 { (played_ms.max(0.0) / of).min(10.0) as f32 } else { 0.0 }
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
            if kind.negative_below.is_some_and(|below| !below.is_finite()) {
                return Err(not_finite("negative_below"));
            }
            if kinds[..position].iter().any(|earlier| earlier.name == kind.name) {
                return Err(EventKindsError::Duplicate(kind.name.clone()));
            }
        }
        Ok(Self(kinds))
    }

    /// One kind whose every event is positive with weight 1.
    pub fn implicit(name: &str) -> Self {
        Self(vec![EventKind::new(name, 1.0, None)])
    }

    /// One kind `rating` that is positive from `positive_from` on.
    pub fn rating(positive_from: f32) -> Self {
        Self(vec![EventKind::new("rating", 1.0, Some(positive_from))])
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

    /// What an event says of the user's interest: the kind's weight; minus that where the value is
    /// below `negative_below`; 0 where it is between that and the positive threshold (the item
    /// still counts as consumed).
    pub fn strength(&self, kind: KindIndex, value: f32) -> f32 {
        let kind = self.kind(kind);
        if kind.weight <= 0.0 {
            return kind.weight;
        }
        match (kind.negative_below, kind.positive_from) {
            (Some(below), _) if value < below => -kind.weight,
            (_, Some(from)) if value < from => 0.0,
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
    /// Where it happened; absent where the data does not say.
    pub scene: Option<SceneIndex>,
}

/// Position of a scene among the names that a data set or a snapshot's histories list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SceneIndex(pub u8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_below_the_threshold_says_nothing_and_a_dislike_stays_negative() {
        let kinds = EventKinds::new(vec![
            EventKind::new("rating", 1.0, Some(4.0)),
            EventKind::new("dislike", -2.0, None),
            EventKind { negative_below: Some(0.1), ..EventKind::new("watch", 0.5, Some(1.0)) },
        ])
        .unwrap();
        assert_eq!(kinds.strength(KindIndex(0), 3.5), 0.0);
        assert_eq!(kinds.strength(KindIndex(0), 4.0), 1.0);
        assert_eq!(kinds.strength(KindIndex(1), 1.0), -2.0);
        let watched = [0.05, 0.1, 0.99, 1.0].map(|share| kinds.strength(KindIndex(2), share));
        assert_eq!(watched, [-0.5, 0.0, 0.0, 0.5]);
    }

    #[test]
    fn kinds_refuse_duplicates_and_nan() {
        let kind = |name: &str, weight| EventKind::new(name, weight, None);
        assert_eq!(EventKinds::new(vec![]), Err(EventKindsError::Empty));
        assert!(EventKinds::new(vec![kind("a", 1.0), kind("a", 1.0)]).is_err());
        assert!(EventKinds::new(vec![kind("a", f32::NAN)]).is_err());
    }

    #[test]
    fn a_watch_is_judged_against_the_length_of_the_video() {
        assert_eq!(watch_share(9_000.0, 9_000.0, 18_000.0), 1.0);
        assert_eq!(watch_share(9_000.0, 60_000.0, 18_000.0), 0.5);
        assert_eq!(watch_share(1e9, 1_000.0, 18_000.0), 10.0);
        assert_eq!(watch_share(5.0, 0.0, 18_000.0), 0.0);
    }
}
