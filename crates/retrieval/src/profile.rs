//! Who asks: history, interests and sets, put together once a request.

use std::sync::{Arc, OnceLock};

use gannet_core::{ItemIndex, Timestamp, UserId, UserIndex};
use rustc_hash::FxHashSet;

use crate::request::OwnSets;
use crate::{EngineState, QueryVector, Request, UserRecord, UserSets};

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

/// The newest verdict on each item of a history, newest first: what triggers and dislikes read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Verdicts {
    liked: Vec<HistoryEntry>,
    disliked: Vec<HistoryEntry>,
}

impl Verdicts {
    /// Of a history, oldest first, and of what came before it.
    pub(crate) fn of(history: &[HistoryEntry], before: Option<&Verdicts>) -> Self {
        let mut seen: FxHashSet<ItemIndex> = FxHashSet::default();
        seen.reserve(history.len());
        let mut verdicts = Self::default();
        for entry in history.iter().rev().filter(|entry| entry.strength != 0.0) {
            if seen.insert(entry.item) {
                let of_sign = match entry.strength > 0.0 {
                    true => &mut verdicts.liked,
                    false => &mut verdicts.disliked,
                };
                of_sign.push(*entry);
            }
        }
        if let Some(before) = before {
            let unheard = |entry: &&HistoryEntry| !seen.contains(&entry.item);
            verdicts.liked.extend(before.liked.iter().filter(unheard));
            verdicts.disliked.extend(before.disliked.iter().filter(unheard));
        }
        verdicts
    }
}

/// The user of one request.
#[derive(Debug, Clone)]
pub struct UserProfile {
    /// The user's place in the snapshot's histories, where training knew him.
    pub index: Option<UserIndex>,
    /// How many of the history's last entries are newer than the snapshot, be it that user state
    /// has heard of them or that they came with the request: not in any trained vector.
    pub fresh_count: usize,
    /// Vectors of the caller's own towers.
    pub vectors: Vec<QueryVector>,
    /// The moment of the request.
    pub now: Timestamp,
    /// What random draws of this request start from: of the user and the minute, so that the same
    /// request draws the same and the next minute's draws anew.
    pub seed: u64,
    pub(crate) record: Arc<UserRecord>,
    pub(crate) own: OwnSets,
    history: Arc<[HistoryEntry]>,
    /// Of both together; only where the request has events of its own.
    verdicts: OnceLock<Verdicts>,
}

impl UserProfile {
    /// Puts user state and the request together. The request's events come last: they are the
    /// newest, and where both speak of one item they win.
    pub fn build(request: &Request, state: &EngineState) -> Self {
        let user = request.user.as_ref();
        let record = user.and_then(|user| state.users.user(user, request.now));
        let profile = Self::new(record.unwrap_or_default(), request.now);
        let vectors = request.vectors.clone();
        let seed = seed_of(user.map_or("", UserId::as_str), request.now);
        Self { vectors, seed, own: request.own.clone(), ..profile.with_events(&request.history) }
    }

    /// The profile of a record, without anything of a request but its moment.
    pub fn new(record: Arc<UserRecord>, now: Timestamp) -> Self {
        Self {
            index: record.index,
            fresh_count: record.fresh_count,
            vectors: Vec::new(),
            now,
            seed: seed_of("", now),
            own: OwnSets::default(),
            history: record.history.clone(),
            verdicts: OnceLock::new(),
            record,
        }
    }

    /// The same with events that are newer than the record's, oldest first. They are in no set.
    pub fn with_events(self, events: &[HistoryEntry]) -> Self {
        if events.is_empty() {
            return self;
        }
        let history = [&*self.history, events].concat().into();
        let fresh_count = self.fresh_count + events.len();
        Self { history, fresh_count, verdicts: OnceLock::new(), ..self }
    }

    /// The newest known events, oldest first: user state, then the request's own.
    pub fn history(&self) -> &[HistoryEntry] {
        &self.history
    }

    /// The events that are newer than the snapshot, the request's own last.
    pub fn fresh(&self) -> &[HistoryEntry] {
        &self.history[self.history.len() - self.fresh_count..]
    }

    /// What user state says that he may not see again.
    pub fn sets(&self) -> &UserSets {
        &self.record.sets
    }

    /// The most recent positive items, each once, newest first, at most `count_max`. An item's
    /// newest verdict counts: one that was liked and then disliked is no trigger. The weight is
    /// strength x 0.5^(age in days / half life); an event without a time, or later than the
    /// request, has no age.
    pub fn triggers(&self, count_max: usize, half_life_days: Option<f32>) -> Vec<Trigger> {
        self.weighed(&self.verdicts().liked, count_max, half_life_days)
    }

    /// The mirror image of [`UserProfile::triggers`]: the most recent negative items, with
    /// |strength| in the weight.
    pub fn dislikes(&self, count_max: usize, half_life_days: Option<f32>) -> Vec<Trigger> {
        self.weighed(&self.verdicts().disliked, count_max, half_life_days)
    }

    /// Looked through once a record, and once more a request that brings events.
    fn verdicts(&self) -> &Verdicts {
        let own = &self.history[self.record.history.len()..];
        if own.is_empty() {
            return self.record.verdicts();
        }
        self.verdicts.get_or_init(|| Verdicts::of(own, Some(self.record.verdicts())))
    }

    fn weighed(
        &self,
        verdicts: &[HistoryEntry],
        count_max: usize,
        half_life_days: Option<f32>,
    ) -> Vec<Trigger> {
        let weigh = |entry: &HistoryEntry| Trigger {
            item: entry.item,
            weight: entry.strength.abs() * self.decay(entry.time, half_life_days),
        };
        verdicts.iter().take(count_max).map(weigh).collect()
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

/// FNV-1a of the user's id and the minute: the same on every machine and in every version.
fn seed_of(user: &str, now: Timestamp) -> u64 {
    let minute = now.0.div_euclid(60_000).to_le_bytes();
    user.bytes().chain(minute).fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    })
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
        let history: Vec<HistoryEntry> = history.iter().map(entry).collect();
        let (fresh, known) = history.split_last().expect("some");
        let record = UserRecord::new(None, known, UserSets::default());
        UserProfile::new(Arc::new(record), Timestamp(10 * DAY)).with_events(&[*fresh])
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
        assert_eq!(profile.fresh(), &profile.history()[4..]);
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
