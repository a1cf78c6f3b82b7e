//! Properties of the merge: sizes, quotas, evidence, and what may not matter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gannet_core::{Catalogue, ChannelName, Item, ItemId, ItemIndex, PlanName, TagPath};
use gannet_retrieval::{
    Cap, ChannelAnswer, ChannelList, EligibilityRule, Found, MergeKind, Normalisation, Plan,
    PlanChannel, Quota, merge, merge_diverse,
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

const KINDS: [MergeKind; 5] = [
    MergeKind::PriorityTruncate,
    MergeKind::RoundRobin,
    MergeKind::Snake,
    MergeKind::Rrf,
    MergeKind::Weighted,
];

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
fn round_robin_always_goes_in_the_same_order() {
    let plan = plan(MergeKind::RoundRobin, 9, &[FREE, FREE, FREE]);
    let lists: [&[u32]; 3] = [&[1, 2, 3], &[10, 11, 12], &[20, 1, 21]];
    assert_eq!(items(&plan, &lists), [1, 10, 20, 2, 11, 21, 3, 12]);
}

#[test]
fn weighted_takes_a_list_of_equal_scores_as_equally_good() {
    for normalisation in [Normalisation::MinMax, Normalisation::Z] {
        let mut plan = plan(MergeKind::Weighted, 9, &[FREE, FREE]);
        plan.normalisation = normalisation;
        plan.channels[0].weight = 0.5;
        let mut equal = answer(0, &[1, 2]);
        equal.list.found.iter_mut().for_each(|found| found.channel_score = 3.5);
        let merged = merge(&[equal], &plan);
        let scores: Vec<(u32, f32)> =
            merged.iter().map(|one| (one.item.0, one.merge_score)).collect();
        assert_eq!(scores, [(1, 0.5), (2, 0.5)]);
    }
}

#[test]
fn rrf_adds_reciprocal_ranks_and_breaks_ties_by_the_plan() {
    let mut plan = plan(MergeKind::Rrf, 9, &[FREE, FREE]);
    plan.channels[1].weight = 1.0;
    assert_eq!(items(&plan, &[&[1, 2], &[3, 2]]), [2, 1, 3]);
}

#[test]
fn a_minimum_holds_however_strong_the_others_are() {
    for kind in KINDS {
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

/// Tags of items 0 to 39, by index modulo 8.
const TAGS: [&[&str]; 8] = [
    &["sports/ball/football"],
    &["sports/ball", "music"],
    &["music/jazz", "music/rock"],
    &[],
    &["sports"],
    &["film/horror/old"],
    &["music/jazz"],
    &["film", "film/horror"],
];

/// Every fifth item has no author.
fn author(item: ItemIndex) -> Option<String> {
    (item.0 % 5 != 4).then(|| format!("a{}", item.0 % 5))
}

fn catalogue() -> Catalogue {
    let item = |at: u32| Item {
        author: author(ItemIndex(at)),
        tags: TAGS[at as usize % 8].iter().map(|tag| TagPath::new(tag).expect("a tag")).collect(),
        ..Item::bare(ItemId::new(at.to_string()).expect("an id"))
    };
    let items: Vec<Item> = (0..40).map(item).collect();
    Catalogue::from_items(&items).expect("distinct ids")
}

/// The slow truth about what an item counts as.
fn keys(item: ItemIndex, cap: &Cap) -> BTreeSet<String> {
    if cap.field == "author" {
        return author(item).into_iter().collect();
    }
    let level = cap.level.unwrap_or(usize::MAX);
    let cut = |tag: &&str| tag.split('/').take(level).collect::<Vec<_>>().join("/");
    TAGS[item.at() % 8].iter().map(cut).collect()
}

#[test]
fn a_cap_lets_the_next_of_the_list_in_and_a_soft_one_gives_way_at_the_end() {
    for kind in KINDS {
        let mut plan = plan(kind, 3, &[FREE]);
        plan.caps = vec![Cap { field: "author".to_owned(), max: 1, level: None, hard: false }];
        let merged = |plan: &Plan, list: &[u32]| -> Vec<u32> {
            let merged = merge_diverse(&[answer(0, list)], plan, &catalogue());
            merged.iter().map(|one| one.item.0).collect()
        };
        // Items 0, 5 and 10 share an author.
        assert_eq!(merged(&plan, &[0, 5, 10, 1, 2, 3]), [0, 1, 2], "{kind:?}");
        assert_eq!(merged(&plan, &[0, 5, 10, 1]).len(), 3, "{kind:?}");
        plan.caps[0].hard = true;
        assert_eq!(merged(&plan, &[0, 5, 10, 1]), [0, 1], "{kind:?}");
    }
}

#[derive(Debug, Clone)]
struct Case {
    plan: Plan,
    answers: Vec<ChannelAnswer>,
}

fn cases() -> impl Strategy<Value = Case> {
    let kinds = prop::sample::select(KINDS.to_vec());
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
    fn weighted_without_quotas_is_the_formula(
        case in cases(),
        scores in prop::collection::vec(-1e30f32..1e30, 25),
        equal in any::<bool>(),
        z in any::<bool>(),
    ) {
        let mut scores = scores;
        scores.sort_by(|a, b| b.total_cmp(a));
        let free: Vec<_> = case.answers.iter().map(|_| FREE).collect();
        let mut plan = plan(MergeKind::Weighted, case.plan.handover, &free);
        plan.normalisation = if z { Normalisation::Z } else { Normalisation::MinMax };
        let mut answers = case.answers.clone();
        let mut expected: BTreeMap<ItemIndex, f64> = BTreeMap::new();
        for (at, answer) in answers.iter_mut().enumerate() {
            let found = &mut answer.list.found;
            for (one, score) in found.iter_mut().zip(&scores) {
                one.channel_score = if equal { 7.0 } else { *score };
            }
            let own: Vec<f64> = found.iter().map(|one| f64::from(one.channel_score)).collect();
            let lowest = own.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mean = own.iter().sum::<f64>() / own.len().max(1) as f64;
            let variance =
                own.iter().map(|one| (one - mean) * (one - mean)).sum::<f64>() / own.len() as f64;
            let unit = if z { variance.sqrt() } else { highest - lowest };
            for (one, score) in found.iter().zip(&own) {
                let part = if highest > lowest { (score - lowest) / unit } else { 1.0 };
                *expected.entry(one.item).or_default() +=
                    f64::from(plan.channels[at].weight) * part;
            }
        }
        let merged = merge(&answers, &plan);
        prop_assert_eq!(merged.len(), expected.len().min(plan.handover));
        let mut best: Vec<f64> = expected.values().copied().collect();
        best.sort_by(|a, b| b.total_cmp(a));
        for (candidate, best) in merged.iter().zip(best) {
            let own = expected[&candidate.item];
            prop_assert!(candidate.merge_score.is_finite());
            prop_assert!((own - f64::from(candidate.merge_score)).abs() <= 1e-5 * own.abs());
            prop_assert!((own - best).abs() <= 1e-9 * best.abs(), "{} for {}", own, best);
        }
    }

    #[test]
    fn caps_hold_unless_they_are_soft_and_the_lists_are_exhausted(
        case in cases(),
        author_max in 1usize..4,
        tag_max in 1usize..6,
        level in prop::option::of(1usize..4),
        hard in any::<(bool, bool)>(),
    ) {
        let catalogue = catalogue();
        let mut plan = case.plan.clone();
        plan.caps = vec![
            Cap { field: "author".to_owned(), max: author_max, level: None, hard: hard.0 },
            Cap { field: "tags".to_owned(), max: tag_max, level, hard: hard.1 },
        ];
        let merged = merge_diverse(&case.answers, &plan, &catalogue);
        let kept: BTreeSet<ItemIndex> = merged.iter().map(|one| one.item).collect();
        prop_assert_eq!(kept.len(), merged.len());
        prop_assert!(merged.len() <= plan.handover);
        prop_assert!(fits_maxima(&case, &merged.iter().map(|one| one.item).collect::<Vec<_>>()));
        let counts = |cap: &Cap| -> BTreeMap<String, usize> {
            let mut counts = BTreeMap::new();
            for item in &kept {
                keys(*item, cap).into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
            }
            counts
        };
        let exceeded = |cap: &Cap| counts(cap).values().any(|count| *count > cap.max);
        let hard: Vec<&Cap> = plan.caps.iter().filter(|cap| cap.hard).collect();
        prop_assert!(!hard.iter().any(|cap| exceeded(cap)), "a hard cap is exceeded");
        let fits = |item: ItemIndex, caps: &[&Cap]| caps.iter().all(|cap| {
            let counts = counts(cap);
            keys(item, cap).iter().all(|key| counts.get(key).is_none_or(|n| *n < cap.max))
        });
        // Short only where whoever found a missing item has had his maximum, or a hard cap is met.
        if merged.len() < plan.handover {
            for (at, answer) in case.answers.iter().enumerate() {
                let found = || answer.list.found.iter().map(|one| one.item);
                let missing = found().any(|item| !kept.contains(&item) && fits(item, &hard));
                let placed = found().filter(|item| kept.contains(item)).count();
                prop_assert!(!missing || placed >= plan.channels[at].quota.max);
            }
        }
        // A soft cap gives way only where nothing else is left that the caps would let in.
        let all: Vec<&Cap> = plan.caps.iter().collect();
        if plan.caps.iter().any(exceeded) {
            for (at, answer) in case.answers.iter().enumerate() {
                let found = || answer.list.found.iter().map(|one| one.item);
                let missing = found().any(|item| !kept.contains(&item) && fits(item, &all));
                let placed = found().filter(|item| kept.contains(item)).count();
                prop_assert!(!missing || placed >= plan.channels[at].quota.max);
            }
        }
    }

    #[test]
    fn caps_that_cannot_bind_change_nothing(case in cases()) {
        let mut plan = case.plan.clone();
        plan.caps =
            vec![Cap { field: "author".to_owned(), max: 100, level: None, hard: true }];
        let capped = merge_diverse(&case.answers, &plan, &catalogue());
        prop_assert_eq!(capped, merge(&case.answers, &case.plan));
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
