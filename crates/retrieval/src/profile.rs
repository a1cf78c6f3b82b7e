//! Who asks: history, interests and sets, put together once a request.

use gannet_core::{ItemIndex, Timestamp, UserIndex};
use rustc_hash::FxHashSet;

use crate::{EngineState, QueryVector, Request, UserRecord};

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

/// An item of the user that a channel starts from, or away from.
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
    /// Items never to be shown to this user: user state's and the request's.
    pub blocked: Vec<ItemIndex>,
    /// Vectors of the caller's own towers.
    pub vectors: Vec<QueryVector>,
    /// The moment of the request.
    pub now: Timestamp,
}

impl UserProfile {
    /// Puts user state and the request together. The request's events come last: they are the
    /// newest, and where both speak of one item they win.
    pub fn build(request: &Request, state: &EngineState) -> Self {
        let record = request.user.as_ref().and_then(|user| state.users.user(user));
        let UserRecord { index, mut history, mut blocked } = record.unwrap_or_default();
        history.extend_from_slice(&request.history);
        blocked.extend_from_slice(&request.blocked);
        Self {
            index,
            history,
            fresh_count: request.history.len(),
            blocked,
            vectors: request.vectors.clone(),
            now: request.now,
        }
    }

    /// The events that came with the request.
    pub fn fresh(&self) -> &[HistoryEntry] {
        &self.history[self.history.len() - self.fresh_count..]
    }

    /// The most recent positive items, each once, newest first, at most `count_max`. An item's
    /// newest verdict counts: one that was liked and then disliked is no trigger. The weight is
    /// strength x 0.5^(age in days / half life); an event without a time, or later than the
    /// request, has no age.
    pub fn triggers(&self, count_max: usize, half_life_days: Option<f32>) -> Vec<Trigger> {
        self.judged(1.0, count_max, half_life_days)
    }

    /// The mirror image of [`UserProfile::triggers`]: the most recent negative items, with
    /// |strength| in the weight.
    pub fn dislikes(&self, count_max: usize, half_life_days: Option<f32>) -> Vec<Trigger> {
        self.judged(-1.0, count_max, half_life_days)
    }

    /// Items whose newest verdict has this sign.
    fn judged(&self, sign: f32, count_max: usize, half_life_days: Option<f32>) -> Vec<Trigger> {
        let mut seen: FxHashSet<ItemIndex> = FxHashSet::default();
        seen.reserve(self.history.len());
        let verdicts = self.history.iter().rev().filter(|entry| entry.strength != 0.0);
        let newest = verdicts.filter(|entry| seen.insert(entry.item));
        let of_sign = newest.filter(|entry| entry.strength * sign > 0.0).take(count_max);
        let weigh = |entry: &HistoryEntry| Trigger {
            item: entry.item,
            weight: entry.strength.abs() * self.decay(entry.time, half_life_days),
        };
        of_sign.map(weigh).collect()
    }

    fn decay(&self, time: Option<Timestamp>, half_life_days: Option<f32>) -> f32 {
        let (Some(time), Some(half_life)) = (time, half_life_days) else {
            return 1.0;
        };
        let age_days = self.now.days_since(time).max(0.0);
        // The floor keeps a weight positive however old the event: the order stays defined.
        (0.5f64.powf(age_days / f64::from(half_life)) as f32).max(f32::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn profile(history: &[(u32, f32, Option<i64>)]) -> UserProfile {
        let entry = |(item, strength, days): &(u32, f32, Option<i64>)| HistoryEntry {
            item: ItemIndex(*item),
            strength: *strength,
            time: days.map(|days| Timestamp(days * DAY)),
        };
        UserProfile {
            index: None,
            history: history.iter().map(entry).collect(),
            fresh_count: 1,
            blocked: Vec::new(),
            vectors: Vec::new(),
            now: Timestamp(10 * DAY),
        }
    }

    fn triggers(profile: &UserProfile, count_max: usize) -> Vec<(u32, f32)> {
        let triggers = profile.triggers(count_max, Some(2.0));
        triggers.iter().map(|trigger| (trigger.item.0, trigger.weight)).collect()
    }

    #[test]
    fn triggers_are_the_newest_positive_items_once_with_decayed_weights() {
        let history = [
            (1, 2.0, Some(6)),
            (2, 1.0, Some(8)),
            (1, 1.0, Some(9)),
            (3, 0.0, Some(9)),
            (4, 3.0, None),
        ];
        let profile = profile(&history);
        let decayed = 0.5f32.powf(0.5);
        assert_eq!(triggers(&profile, 9), [(4, 3.0), (1, decayed), (2, 0.5)]);
        assert_eq!(triggers(&profile, 2), [(4, 3.0), (1, decayed)]);
        assert!(triggers(&profile, 0).is_empty());
        assert_eq!(profile.fresh(), &profile.history[4..]);
    }

    #[test]
    fn the_newest_verdict_counts_and_a_silent_event_is_none() {
        let disliked = profile(&[(1, 1.0, None), (1, -1.0, None)]);
        assert!(triggers(&disliked, 9).is_empty());
        let seen_again = profile(&[(1, 1.0, None), (1, 0.0, None)]);
        assert_eq!(triggers(&seen_again, 9), [(1, 1.0)]);
    }

    #[test]
    fn an_event_in_the_future_has_no_age_and_an_ancient_one_a_positive_weight() {
        let profile = profile(&[(1, 1.0, Some(-100_000)), (2, 1.0, Some(20))]);
        let weights = triggers(&profile, 9);
        assert_eq!(weights[0], (2, 1.0));
        assert!(weights[1].1 > 0.0);
    }
}
