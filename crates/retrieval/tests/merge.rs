//! Properties of the merge: sizes, quotas, evidence, and what may not matter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gannet_core::{ChannelName, ItemIndex, PlanName};
use gannet_retrieval::{
    ChannelAnswer, ChannelList, EligibilityRule, Found, MergeKind, Normalisation, Plan,
    PlanChannel, Quota, merge,
};
use proptest::prelude::*;

fn name(at: usize) -> ChannelName {
    ChannelName::new(&format!("c{at}")).expect("a name")
}

fn answer(at: usize, items: &[u32]) -> ChannelAnswer {
    let found = items.iter().enumerate().map(|(rank, item)| Found {
        item: ItemIndex(*item),
        channel_score: 100.0 - rank as f32,
        trigger: Some(ItemIndex(at as u32)),
    });
    let list = ChannelList { found: found.collect(), ..ChannelList::default() };
    ChannelAnswer { channel: name(at), list }
}

fn plan(kind: MergeKind, handover: usize, quotas: &[(usize, usize, usize)]) -> Plan {
    let channel = |(at, (min, target, max)): (usize, &(usize, usize, usize))| PlanChannel {
        channel: name(at),
        enabled: true,
        fetch_k: 100,
        quota: Quota { min: *min, target: *target, max: *max },
        weight: 1.0 + at as f32 / 4.0,
        deadline: Duration::from_millis(50),
    };
    Plan {
        name: PlanName::new("test").expect("a name"),
        channels: quotas.iter().enumerate().map(channel).collect(),
        merge: kind,
        rrf_k: 60.0,
        handover,
        deadline: Duration::from_millis(50),
        eligibility: EligibilityRule::default(),
        normalisation: Normalisation::MinMax,
        caps: Vec::new(),
    }
}

fn items(plan: &Plan, lists: &[&[u32]]) -> Vec<u32> {
    let answers: Vec<ChannelAnswer> =
        lists.iter().enumerate().map(|(at, list)| answer(at, list)).collect();
    merge(&answers, plan).iter().map(|candidate| candidate.item.0).collect()
}

const FREE: (usize, usize, usize) = (0, 100, 100);

#[test]
fn priority_truncate_goes_channel_after_channel_then_refills() {
    let plan = plan(MergeKind::PriorityTruncate, 6, &[(0, 2, 3), (1, 1, 9)]);
    assert_eq!(items(&plan, &[&[1, 2, 3, 4], &[2, 5, 6, 7]]), [1, 2, 5, 3, 6, 7]);
}

#[test]
fn snake_goes_forth_and_back_and_skips_what_is_placed() {
    let plan = plan(MergeKind::Snake, 9, &[FREE, FREE, FREE]);
    let lists: [&[u32]; 3] = [&[1, 2, 3], &[10, 11, 12], &[20, 1, 21]];
    assert_eq!(items(&plan, &lists), [1, 10, 20, 21, 11, 2, 3, 12]);
}

#[test]
fn rrf_adds_reciprocal_ranks_and_breaks_ties_by_the_plan() {
    let mut plan = plan(MergeKind::Rrf, 9, &[FREE, FREE]);
    plan.channels[1].weight = 1.0;
    assert_eq!(items(&plan, &[&[1, 2], &[3, 2]]), [2, 1, 3]);
}

#[test]
fn a_minimum_holds_however_strong_the_others_are() {
    for kind in [MergeKind::PriorityTruncate, MergeKind::Snake, MergeKind::Rrf] {
        let mut plan = plan(kind, 3, &[FREE, (2, 2, 9)]);
        plan.channels[1].weight = 0.0;
        let kept = items(&plan, &[&[1, 2, 3, 4], &[8, 9]]);
        assert_eq!(kept.len(), 3);
        assert!(kept.contains(&8) && kept.contains(&9), "{kind:?}: {kept:?}");
    }
}

#[test]
fn a_plan_without_channels_or_answers_gives_nothing() {
    assert!(merge(&[], &plan(MergeKind::Rrf, 9, &[FREE])).is_empty());
    assert!(merge(&[answer(0, &[1])], &plan(MergeKind::Snake, 9, &[])).is_empty());
}

#[derive(Debug, Clone)]
struct Case {
    plan: Plan,
    answers: Vec<ChannelAnswer>,
}

fn cases() -> impl Strategy<Value = Case> {
    let kinds =
        prop::sample::select(vec![MergeKind::PriorityTruncate, MergeKind::Snake, MergeKind::Rrf]);
    let channel = (prop::collection::vec(0u32..40, 0..25), 0usize..4, 0usize..12, 0usize..12);
    let channels = prop::collection::vec(channel, 1..5);
    (kinds, 1usize..60, channels, any::<bool>()).prop_map(|(kind, handover, channels, free)| {
        let quotas: Vec<(usize, usize, usize)> = channels
            .iter()
            .map(|(_, min, more, most)| match free {
                true => FREE,
                false => (*min, min + more, min + more + most),
            })
            .collect();
        let distinct = |list: &[u32]| {
            let mut seen = BTreeSet::new();
            list.iter().copied().filter(|item| seen.insert(*item)).collect::<Vec<u32>>()
        };
        let answers = channels.iter().enumerate().map(|(at, one)| answer(at, &distinct(&one.0)));
        Case { answers: answers.collect(), plan: plan(kind, handover, &quotas) }
    })
}

fn listed(case: &Case) -> BTreeSet<ItemIndex> {
    case.answers.iter().flat_map(|one| one.list.found.iter().map(|found| found.item)).collect()
}

/// Whether the kept items can be shared out so that no channel has more than its maximum
/// (augmenting paths): the slow truth about attribution.
fn fits_maxima(case: &Case, kept: &[ItemIndex]) -> bool {
    fn place(
        item: ItemIndex,
        case: &Case,
        held: &mut [Vec<ItemIndex>],
        visited: &mut BTreeSet<usize>,
    ) -> bool {
        for (at, answer) in case.answers.iter().enumerate() {
            let found = answer.list.found.iter().any(|one| one.item == item);
            if !found || !visited.insert(at) {
                continue;
            }
            if held[at].len() < case.plan.channels[at].quota.max {
                held[at].push(item);
                return true;
            }
            for slot in 0..held[at].len() {
                let other = held[at][slot];
                if place(other, case, held, visited) {
                    held[at][slot] = item;
                    return true;
                }
            }
        }
        false
    }
    let mut held = vec![Vec::new(); case.answers.len()];
    kept.iter().all(|item| place(*item, case, &mut held, &mut BTreeSet::new()))
}

proptest! {
    #[test]
    fn every_answer_is_as_large_as_places_and_quotas_allow(case in cases()) {
        let merged = merge(&case.answers, &case.plan);
        let kept: Vec<ItemIndex> = merged.iter().map(|one| one.item).collect();
        let distinct: BTreeSet<ItemIndex> = kept.iter().copied().collect();
        prop_assert_eq!(distinct.len(), kept.len(), "an item stands twice");
        prop_assert!(kept.len() <= case.plan.handover);
        prop_assert!(fits_maxima(&case, &kept));
        let all = listed(&case);
        let bound = |at: usize| {
            case.answers[at].list.found.len() > case.plan.channels[at].quota.max
        };
        if !(0..case.answers.len()).any(bound) {
            prop_assert_eq!(kept.len(), all.len().min(case.plan.handover));
        }
        if kept.len() < case.plan.handover {
            // Short only where whoever found a missing item has had his maximum.
            for (at, answer) in case.answers.iter().enumerate() {
                let missing = answer.list.found.iter().any(|one| !distinct.contains(&one.item));
                let kept = answer.list.found.iter().filter(|one| distinct.contains(&one.item));
                prop_assert!(!missing || kept.count() >= case.plan.channels[at].quota.max);
            }
        }
    }

    #[test]
    fn minima_are_kept_where_they_fit(case in cases()) {
        let minima: usize = case.plan.channels.iter().map(|one| one.quota.min).sum();
        prop_assume!(minima <= case.plan.handover);
        let merged = merge(&case.answers, &case.plan);
        let kept: BTreeSet<ItemIndex> = merged.iter().map(|one| one.item).collect();
        for (at, answer) in case.answers.iter().enumerate() {
            let count = answer.list.found.iter().filter(|one| kept.contains(&one.item)).count();
            let min = case.plan.channels[at].quota.min;
            prop_assert!(count >= min.min(answer.list.found.len()), "channel {}: {}", at, count);
        }
    }

    #[test]
    fn evidence_is_complete_and_scores_do_not_rise(case in cases()) {
        let merged = merge(&case.answers, &case.plan);
        for pair in merged.windows(2) {
            prop_assert!(pair[0].merge_score >= pair[1].merge_score);
        }
        for candidate in &merged {
            let expected: Vec<(ChannelName, u32, f32)> = case.answers.iter().filter_map(|answer| {
                let at = answer.list.found.iter().position(|one| one.item == candidate.item)?;
                let score = answer.list.found[at].channel_score;
                Some((answer.channel.clone(), at as u32 + 1, score))
            }).collect();
            let got: Vec<(ChannelName, u32, f32)> = candidate.evidence.iter()
                .map(|one| (one.channel.clone(), one.channel_rank, one.channel_score)).collect();
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn order_of_answers_does_not_matter_and_a_missing_one_is_an_empty_one(
        case in cases(),
        left_out in 0usize..5,
    ) {
        let whole = merge(&case.answers, &case.plan);
        let mut turned = case.answers.clone();
        turned.reverse();
        prop_assert_eq!(&merge(&turned, &case.plan), &whole);
        prop_assert_eq!(&merge(&case.answers, &case.plan), &whole);
        let left_out = left_out % case.answers.len();
        let mut emptied = case.answers.clone();
        emptied[left_out].list = ChannelList::default();
        let mut removed = case.answers.clone();
        removed.remove(left_out);
        prop_assert_eq!(merge(&removed, &case.plan), merge(&emptied, &case.plan));
    }

    #[test]
    fn rrf_without_quotas_is_the_formula(case in cases()) {
        let free: Vec<_> = case.answers.iter().map(|_| FREE).collect();
        let plan = plan(MergeKind::Rrf, case.plan.handover, &free);
        let mut scores: BTreeMap<ItemIndex, (f64, usize, usize)> = BTreeMap::new();
        for (at, answer) in case.answers.iter().enumerate() {
            for (rank, found) in answer.list.found.iter().enumerate() {
                let part = f64::from(plan.channels[at].weight) / (60.0 + (rank + 1) as f64);
                scores.entry(found.item).or_insert((0.0, at, rank)).0 += part;
            }
        }
        let mut expected: Vec<(ItemIndex, (f64, usize, usize))> = scores.into_iter().collect();
        expected.sort_by(|(_, a), (_, b)| {
            b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2)))
        });
        expected.truncate(plan.handover);
        let merged = merge(&case.answers, &plan);
        let got: Vec<(ItemIndex, f32)> =
            merged.iter().map(|one| (one.item, one.merge_score)).collect();
        let expected: Vec<(ItemIndex, f32)> =
            expected.into_iter().map(|(item, (score, ..))| (item, score as f32)).collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn quotas_that_cannot_bind_change_nothing(case in cases()) {
        let free: Vec<_> = case.answers.iter().map(|_| FREE).collect();
        let wide = plan(MergeKind::Rrf, case.plan.handover, &free);
        let tight: Vec<_> =
            case.answers.iter().map(|one| (0, one.list.found.len() / 2, 100)).collect();
        let mut tight = plan(MergeKind::Rrf, 200, &tight);
        tight.handover = 200;
        let all = merge(&case.answers, &Plan { handover: 200, ..wide });
        prop_assert_eq!(merge(&case.answers, &tight), all);
    }
}
