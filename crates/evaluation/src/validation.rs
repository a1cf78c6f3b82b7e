//! Validation users' lists in a form that is merged thousands of times.

use std::cmp::Ordering;

use gannet_core::{ItemIndex, Progress};
use gannet_dataset::{TestSet, TrainSet};
use gannet_retrieval::{
    ChannelAnswer, ChannelList, Engine, Found, MergeKind, Normalisation, Plan, merge,
};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::ask::Asker;
use crate::sample::sample;
use crate::{EvaluateError, StudyOptions, hit_ranks, hits_at};

/// A validation user's lists, kept for many merges: 24 KB for six channels of 500. Items are
/// slots, numbered by first appearance in the plan's order of channels.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidationUser {
    /// Number of held-out items.
    wanted: usize,
    /// The slots of those of them that any list has, ascending.
    held_out: Vec<u32>,
    /// By channel of the plan: the slots of its list, best first.
    lists: Vec<Vec<u32>>,
    /// By channel: the scores of its list.
    scores: Vec<Vec<f32>>,
    /// Number of distinct items.
    slots: usize,
}

/// Asks the engine for the lists of at most `options.users_max` validation users, which stay in
/// memory. `validation` must be held out of `train`, the training part that the engine's snapshot
/// saw: never the test split.
pub fn validation_lists(
    engine: &Engine,
    train: &TrainSet,
    validation: &TestSet,
    options: &StudyOptions,
    progress: &dyn Progress,
) -> Result<Vec<ValidationUser>, EvaluateError> {
    let asker = Asker::new(engine, train, options.scene.as_ref(), options.plan.as_ref())?;
    let users = sample(validation.users(), options.users_max, options.seed);
    if users.is_empty() {
        return Err(EvaluateError::EmptyTestSet);
    }
    progress.begin("lists of validation users", Some(users.len() as u64), "users");
    let lists = users
        .par_iter()
        .map(|user| {
            let mut answers = asker.ask(user)?.answers;
            for (answer, channel) in answers.iter_mut().zip(&asker.plan.channels) {
                answer.list.found.truncate(channel.fetch_k);
            }
            progress.advance(1);
            Ok(ValidationUser::new(user.held_out(), &answers))
        })
        .collect();
    progress.end();
    lists
}

impl ValidationUser {
    /// Of held-out items (ascending) and the answers of the plan's channels in order.
    pub(crate) fn new(held_out: &[ItemIndex], answers: &[ChannelAnswer]) -> Self {
        let mut slot_of: FxHashMap<ItemIndex, u32> = FxHashMap::default();
        let mut slot = |found: &Found| {
            let next = slot_of.len() as u32;
            *slot_of.entry(found.item).or_insert(next)
        };
        let lists: Vec<Vec<u32>> = answers
            .iter()
            .map(|answer| answer.list.found.iter().map(&mut slot).collect())
            .collect();
        let score = |found: &Found| found.channel_score;
        let scores = |answer: &ChannelAnswer| answer.list.found.iter().map(score).collect();
        let mut found: Vec<u32> =
            held_out.iter().filter_map(|item| slot_of.get(item).copied()).collect();
        found.sort_unstable();
        Self {
            wanted: held_out.len(),
            held_out: found,
            lists,
            scores: answers.iter().map(scores).collect(),
            slots: slot_of.len(),
        }
    }

    /// Number of held-out items.
    pub(crate) fn wanted(&self) -> usize {
        self.wanted
    }

    /// The held-out items among the first `k` of the merge, for each of `ks`. What `merge` says,
    /// without making candidates where only the fused score decides. A plan's caps are left out by
    /// design: see [`crate::tune_merge_weights`].
    pub(crate) fn hits<const N: usize>(&self, plan: &Plan, ks: [usize; N]) -> [usize; N] {
        let fuses = matches!(plan.merge, MergeKind::Rrf | MergeKind::Weighted);
        let binds = plan.channels.iter().zip(&self.lists).any(|(channel, list)| {
            channel.quota.min > 0 || list.len() > channel.quota.target.min(channel.quota.max)
        });
        if !fuses || binds {
            return self.hits_of_merge(plan, ks);
        }
        let fused = self.fused(plan);
        let mut hits = [0; N];
        for slot in &self.held_out {
            let ahead = ahead_of(&fused, *slot as usize);
            for (hits, k) in hits.iter_mut().zip(ks) {
                *hits += usize::from(ahead < k.min(plan.handover));
            }
        }
        hits
    }

    /// The slow and obvious way.
    pub(crate) fn hits_of_merge<const N: usize>(&self, plan: &Plan, ks: [usize; N]) -> [usize; N] {
        let lists = self.lists.iter().zip(&self.scores).zip(&plan.channels);
        let answer = |((slots, scores), channel): ((&Vec<u32>, &Vec<f32>), _)| {
            let channel: &gannet_retrieval::PlanChannel = channel;
            let found = slots.iter().zip(scores).map(|(slot, score)| Found {
                item: ItemIndex(*slot),
                channel_score: *score,
                trigger: None,
            });
            let list = ChannelList { found: found.collect(), ..ChannelList::default() };
            ChannelAnswer { channel: channel.channel.clone(), list }
        };
        let answers: Vec<ChannelAnswer> = lists.map(answer).collect();
        let held_out: Vec<ItemIndex> = self.held_out.iter().copied().map(ItemIndex).collect();
        let merged = merge(&answers, plan);
        let ranks = hit_ranks(merged.iter().map(|candidate| candidate.item), &held_out);
        ks.map(|k| hits_at(&ranks, k))
    }

    /// The merge's score of every slot.
    fn fused(&self, plan: &Plan) -> Vec<f64> {
        let mut fused = vec![0.0; self.slots];
        let mut parts: Vec<f64> = Vec::new();
        for (at, channel) in plan.channels.iter().enumerate().take(self.lists.len()) {
            let weight = f64::from(channel.weight);
            parts.clear();
            match plan.merge {
                MergeKind::Weighted => {
                    let (lowest, unit) = scale(&self.scores[at], plan.normalisation);
                    let normalised = |score: &f32| match unit {
                        Some(unit) => weight * ((f64::from(*score) - lowest) / unit),
                        None => weight,
                    };
                    parts.extend(self.scores[at].iter().map(normalised));
                }
                _ => {
                    let ranks = 1..=self.lists[at].len() as u32;
                    let k = f64::from(plan.rrf_k);
                    parts.extend(ranks.map(|rank| weight / (k + f64::from(rank))));
                }
            }
            for (slot, part) in self.lists[at].iter().zip(&parts) {
                fused[*slot as usize] += part;
            }
        }
        fused
    }
}

/// How many slots stand before this one: by score, then by first appearance.
fn ahead_of(fused: &[f64], slot: usize) -> usize {
    let own = fused[slot];
    let (before, after) = fused.split_at(slot);
    before.iter().filter(|score| score.total_cmp(&own) != Ordering::Less).count()
        + after.iter().filter(|score| score.total_cmp(&own) == Ordering::Greater).count()
}

/// A list's lowest score, and what its scores above it are counted in, as the merge does.
fn scale(scores: &[f32], normalisation: Normalisation) -> (f64, Option<f64>) {
    let (mut lowest, mut highest, mut sum) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
    for score in scores.iter().copied().map(f64::from) {
        lowest = lowest.min(score);
        highest = highest.max(score);
        sum += score;
    }
    let unit = match normalisation {
        Normalisation::MinMax => highest - lowest,
        Normalisation::Z => {
            let mean = sum / scores.len() as f64;
            let squares: f64 = scores.iter().map(|one| (f64::from(*one) - mean).powi(2)).sum();
            (squares / scores.len() as f64).sqrt()
        }
    };
    (lowest, (highest > lowest && unit > 0.0).then_some(unit))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gannet_core::{ChannelName, PlanName};
    use gannet_retrieval::{EligibilityRule, PlanChannel, Quota};
    use proptest::prelude::*;

    use super::*;

    fn name(at: usize) -> ChannelName {
        ChannelName::new(&format!("c{at}")).expect("a name")
    }

    fn answer((at, items): (usize, &Vec<u32>)) -> ChannelAnswer {
        // Steps of two: scores tie within lists, and fused scores between them.
        let found = items.iter().enumerate().map(|(rank, item)| Found {
            item: ItemIndex(*item),
            channel_score: 50.0 - (rank / 2) as f32,
            trigger: None,
        });
        let list = ChannelList { found: found.collect(), ..ChannelList::default() };
        ChannelAnswer { channel: name(at), list }
    }

    fn plan(merge: MergeKind, weights: &[f32], quota: Quota, handover: usize) -> Plan {
        let channel = |(at, weight): (usize, &f32)| PlanChannel {
            channel: name(at),
            enabled: true,
            fetch_k: 100,
            quota,
            weight: *weight,
            deadline: Duration::from_millis(50),
        };
        Plan {
            name: PlanName::new("test").expect("a name"),
            channels: weights.iter().enumerate().map(channel).collect(),
            merge,
            rrf_k: 30.0,
            normalisation: Normalisation::Z,
            handover,
            deadline: Duration::from_millis(50),
            eligibility: EligibilityRule::default(),
            caps: Vec::new(),
        }
    }

    fn list() -> impl Strategy<Value = Vec<u32>> {
        proptest::sample::subsequence((0..40).collect::<Vec<u32>>(), 0..30).prop_shuffle()
    }

    proptest! {
        #[test]
        fn the_short_way_counts_the_hits_of_the_merge(
            lists in proptest::collection::vec(list(), 3),
            held_out in proptest::sample::subsequence((0..50).collect::<Vec<u32>>(), 1..12),
            weights in proptest::collection::vec(
                prop_oneof![Just(0.25f32), Just(1.0), Just(4.0)], 3
            ),
            kind in prop_oneof![
                Just(MergeKind::Rrf), Just(MergeKind::Weighted), Just(MergeKind::Snake)
            ],
            (min, target) in prop_oneof![Just((0, 100)), Just((0, 5)), Just((3, 100))],
            handover in 1usize..60,
        ) {
            let answers: Vec<ChannelAnswer> = lists.iter().enumerate().map(answer).collect();
            let held_out: Vec<ItemIndex> = held_out.into_iter().map(ItemIndex).collect();
            let plan = plan(kind, &weights, Quota { min, target, max: 100 }, handover);
            let user = ValidationUser::new(&held_out, &answers);
            let merged = merge(&answers, &plan);
            let ranks = hit_ranks(merged.iter().map(|one| one.item), &held_out);
            let ks = [handover, 10];
            prop_assert_eq!(user.wanted(), held_out.len());
            prop_assert_eq!(user.hits(&plan, ks), ks.map(|k| hits_at(&ranks, k)));
            prop_assert_eq!(user.hits_of_merge(&plan, ks), ks.map(|k| hits_at(&ranks, k)));
        }
    }
}
