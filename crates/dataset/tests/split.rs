//! Guards the rules of every split against a slow oracle that works on plain lists.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use gannet_core::{
    CatalogueBuilder, EventKind, EventKinds, Interaction, Item, ItemId, ItemIndex, KindIndex,
    SceneIndex, StringTable, Timestamp, UserIndex,
};
use gannet_dataset::{
    Dataset, Events, Positive, Split, SplitError, SplitKind, TrainSet, split, split_with,
};
use proptest::prelude::*;

const USERS: u32 = 6;
const ITEMS: u32 = 12;

fn kinds() -> EventKinds {
    let kind = |name: &str, weight| EventKind::new(name, weight, None);
    EventKinds::new(vec![kind("play", 1.0), kind("skip", 0.0), kind("dislike", -1.0)]).unwrap()
}

/// Rows of user, item, kind and time; an event's value is its place in the file, so that every
/// event can be told from every other.
fn dataset(rows: &[(u32, u32, u8, Option<i64>)]) -> Dataset {
    let mut catalogue = CatalogueBuilder::new();
    for item in 0..ITEMS {
        catalogue.add(&Item::bare(ItemId::new(format!("i{item}")).unwrap())).unwrap();
    }
    let mut events = Events::default();
    for (place, (user, item, kind, time)) in rows.iter().enumerate() {
        events.users.push(UserIndex(*user));
        events.interactions.push(Interaction {
            item: ItemIndex(*item),
            kind: KindIndex(*kind),
            value: place as f32,
            time: time.map(Timestamp),
            scene: None,
        });
    }
    Dataset {
        name: "small".into(),
        catalogue: Arc::new(catalogue.finish()),
        users: Arc::new((0..USERS).map(|user| format!("u{user}")).collect::<StringTable>()),
        user_fields: Arc::default(),
        scenes: Vec::new(),
        kinds: kinds(),
        events,
        test_events: None,
    }
}

fn timed() -> impl Strategy<Value = Dataset> {
    let row = (0..USERS, 0..ITEMS, 0u8..3, 0i64..9);
    prop::collection::vec(row, 0..60).prop_map(|rows| {
        let rows: Vec<_> = rows.into_iter().map(|(u, i, k, t)| (u, i, k, Some(t))).collect();
        dataset(&rows)
    })
}

fn untimed() -> impl Strategy<Value = Dataset> {
    prop::collection::vec((0..USERS, 0..ITEMS, 0u8..3, Just(None)), 0..60)
        .prop_map(|rows| dataset(&rows))
}

/// A user's events in order, by the slowest way there is.
fn ordered(dataset: &Dataset, user: u32) -> Vec<Interaction> {
    let all = dataset.events.users.iter().zip(&dataset.events.interactions);
    let mut own: Vec<Interaction> =
        all.filter(|(whose, _)| whose.0 == user).map(|(_, event)| *event).collect();
    own.sort_by_key(|event| (event.time, event.value as u32));
    own
}

fn asked(share: f64, count: usize) -> usize {
    ((share * count as f64).round() as usize).max(1).min(count.max(2) - 1)
}

/// Of all moments that leave something on both sides, the one nearest to the share asked for.
fn moment(times: &[Timestamp], share: f64) -> Option<Timestamp> {
    let before = |moment: Timestamp| times.iter().filter(|time| **time < moment).count();
    let wanted = asked(share, times.len());
    let possible = times.iter().copied().filter(|moment| before(*moment) > 0);
    possible.min_by_key(|moment| (before(*moment).abs_diff(wanted), *moment))
}

/// What must be held out of a user's test events.
fn held_out(history: &[Interaction], test: &[Interaction], positive: Positive) -> Vec<ItemIndex> {
    let known = |item| history.iter().any(|event| event.item == item);
    let counts = |event: &&Interaction| positive == Positive::Every || event.kind == KindIndex(0);
    let items: BTreeSet<ItemIndex> =
        test.iter().filter(counts).map(|event| event.item).filter(|item| !known(*item)).collect();
    items.into_iter().collect()
}

/// Checks every user against what `is_test` says of each event.
fn check_against(
    dataset: &Dataset,
    split: &Split,
    positive: Positive,
    is_test: impl Fn(u32, usize, &Interaction) -> bool,
) {
    for user in 0..USERS {
        let all = ordered(dataset, user).into_iter().enumerate();
        let (test, train): (Vec<_>, Vec<_>) =
            all.partition(|(at, event)| is_test(user, *at, event));
        let events = |list: Vec<(usize, Interaction)>| -> Vec<Interaction> {
            list.into_iter().map(|(_, event)| event).collect()
        };
        let (train, test) = (events(train), events(test));
        assert_eq!(split.train.events(UserIndex(user)), train, "training events of user {user}");
        let expected = held_out(&train, &test, positive);
        let found = split.test.users().iter().find(|found| found.user.0 == user);
        assert_eq!(found.map_or(&[][..], |found| found.held_out()), expected, "user {user}");
        if let Some(found) = found {
            assert_eq!(found.has_history, !train.is_empty());
            assert_eq!(found.now, train.last().and_then(|event| event.time));
            assert!(found.fold_in.is_empty());
        }
    }
}

fn check_counts(dataset: &Dataset, split: &Split) {
    let counts = split.counts;
    let sides = counts.train_events + counts.fold_in_events + counts.test_events;
    assert_eq!(sides, dataset.events.users.len() as u64, "an event was lost or doubled");
    let dropped = counts.not_positive + counts.in_history + counts.repeated;
    assert_eq!(counts.held_out + dropped, counts.test_events);
    let held_out: usize = split.test.users().iter().map(|user| user.held_out().len()).sum();
    assert_eq!(counts.held_out, held_out as u64);
    assert_eq!(counts.test_users, split.test.users().len() as u64);
    assert_eq!(counts.train_events, split.train.event_count() as u64);
    assert!(split.test.users().is_sorted_by_key(|user| user.user));
}

proptest! {
    #[test]
    fn a_global_cut_matches_the_oracle(dataset in timed(), share in 0.05..0.95f64) {
        let kind = SplitKind::TemporalGlobal { train_share: share };
        let times: Vec<Timestamp> =
            dataset.events.interactions.iter().map(|event| event.time.unwrap()).collect();
        match moment(&times, share) {
            None => {
                let expected = SplitError::OneMoment { events: times.len() as u64 };
                prop_assert_eq!(split(&dataset, &kind).unwrap_err(), expected);
            }
            Some(cut) => {
                let split = split(&dataset, &kind).unwrap();
                check_against(&dataset, &split, Positive::Threshold, |_, _, event| {
                    event.time.unwrap() >= cut
                });
                check_counts(&dataset, &split);
            }
        }
    }

    #[test]
    fn a_cut_per_user_matches_the_oracle(dataset in timed(), share in 0.05..0.95f64) {
        let split = split(&dataset, &SplitKind::TemporalPerUser { train_share: share }).unwrap();
        let cuts: Vec<Option<Timestamp>> = (0..USERS)
            .map(|user| {
                let own = ordered(&dataset, user);
                moment(&own.iter().map(|event| event.time.unwrap()).collect::<Vec<_>>(), share)
            })
            .collect();
        check_against(&dataset, &split, Positive::Threshold, |user, _, event| {
            cuts[user as usize].is_some_and(|cut| event.time.unwrap() >= cut)
        });
        check_counts(&dataset, &split);
    }

    #[test]
    fn leave_one_out_takes_the_last_event_whatever_its_strength(
        dataset in prop_oneof![timed(), untimed()],
    ) {
        let split = split(&dataset, &SplitKind::LeaveOneOut).unwrap();
        let last = |user| ordered(&dataset, user).len() - 1;
        check_against(&dataset, &split, Positive::Every, |user, at, _| at == last(user));
        check_counts(&dataset, &split);
    }

    #[test]
    fn a_random_part_of_each_user_is_test_and_nothing_is_lost(
        dataset in prop_oneof![timed(), untimed()], share in 0.05..0.95f64, seed: u64,
    ) {
        let kind = SplitKind::RandomPerUser { train_share: share, seed };
        let split = split_with(&dataset, &kind, Positive::Every).unwrap();
        for user in 0..USERS {
            let all = ordered(&dataset, user).len();
            let expected = if all < 2 { all } else { asked(share, all) };
            prop_assert_eq!(split.train.events(UserIndex(user)).len(), expected);
        }
        check_against(&dataset, &split, Positive::Every, |user, _, event| {
            !split.train.events(UserIndex(user)).contains(event)
        });
        check_counts(&dataset, &split);
        let again = split_with(&dataset, &kind, Positive::Every).unwrap();
        prop_assert_eq!(again.train.all_events(), split.train.all_events());
        prop_assert_eq!(again.test.users(), split.test.users());
    }

    #[test]
    fn held_out_users_carry_a_history_that_training_never_sees(
        dataset in timed(), user_share in 0.05..0.95f64, fold_in_share in 0.05..0.95f64, seed: u64,
    ) {
        let kind = SplitKind::HeldOutUsers { user_share, fold_in_share, seed };
        let active = (0..USERS).filter(|user| !ordered(&dataset, *user).is_empty()).count();
        if active < 2 {
            let users = active as u64;
            prop_assert_eq!(split(&dataset, &kind).unwrap_err(), SplitError::TooFewUsers { users });
            return Ok(());
        }
        let split = split(&dataset, &kind).unwrap();
        check_counts(&dataset, &split);
        let mut trained = 0;
        for user in 0..USERS {
            let all = ordered(&dataset, user);
            let train = split.train.events(UserIndex(user));
            prop_assert!(train.is_empty() || train == all, "a user is on one side as a whole");
            trained += usize::from(!train.is_empty());
            let found = split.test.users().iter().find(|found| found.user.0 == user);
            let Some(found) = found else { continue };
            prop_assert!(train.is_empty() && !found.has_history);
            let expected = if all.len() < 2 { 0 } else { asked(fold_in_share, all.len()) };
            prop_assert_eq!(found.fold_in.len(), expected);
            let (fold_in, rest): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|event| found.fold_in.contains(event));
            prop_assert_eq!(&found.fold_in, &fold_in, "oldest first");
            let wanted = held_out(&fold_in, &rest, Positive::Threshold);
            prop_assert_eq!(found.held_out(), wanted);
            prop_assert_eq!(found.now, fold_in.last().and_then(|event| event.time));
        }
        prop_assert_eq!(active - trained, asked(user_share, active));
    }

    #[test]
    fn a_split_within_training_sees_no_event_of_the_test_side(dataset in timed(), seed: u64) {
        let outer = split(&dataset, &SplitKind::TemporalPerUser { train_share: 0.7 }).unwrap();
        let inner = outer.train.validation_split(0.7, seed).unwrap();
        for user in (0..USERS).map(UserIndex) {
            let outer_events = outer.train.events(user);
            let inner_events = inner.train.events(user);
            prop_assert_eq!(inner_events, &outer_events[..inner_events.len()]);
            let found = inner.test.users().iter().find(|found| found.user == user);
            let expected =
                held_out(inner_events, &outer_events[inner_events.len()..], Positive::Threshold);
            prop_assert_eq!(found.map_or(&[][..], |found| found.held_out()), expected);
        }
    }
}

#[test]
fn a_tie_moves_as_a_whole_to_the_nearer_side() {
    let at = |times: &[i64]| {
        let rows: Vec<_> =
            times.iter().enumerate().map(|(item, time)| (0, item as u32, 0, Some(*time))).collect();
        let kind = SplitKind::TemporalPerUser { train_share: 0.5 };
        let split = split(&dataset(&rows), &kind).unwrap();
        (split.train.event_count(), split.counts.cuts_moved)
    };
    assert_eq!(at(&[1, 2, 3, 4]), (2, 0));
    assert_eq!(at(&[1, 2, 2, 4]), (1, 1), "both ends as near: the earlier");
    assert_eq!(at(&[1, 2, 2, 2, 2, 3]), (1, 1), "both ends as near: the earlier");
    assert_eq!(at(&[1, 2, 2, 2, 3, 4]), (4, 1), "the later end is nearer");
    assert_eq!(at(&[2, 2, 2, 4]), (3, 1), "the earlier end would leave nothing to train on");
    assert_eq!(at(&[2, 2, 2, 2]), (4, 0), "one moment alone: the user trains and is not tested");
}

#[test]
fn a_user_who_came_after_the_cut_is_tested_without_history() {
    let rows = [(0, 0, 0, Some(1)), (0, 1, 0, Some(2)), (1, 2, 0, Some(9)), (0, 3, 0, Some(9))];
    let split = split(&dataset(&rows), &SplitKind::TemporalGlobal { train_share: 0.5 }).unwrap();
    let known: Vec<(bool, Option<Timestamp>)> =
        split.test.users().iter().map(|user| (user.has_history, user.now)).collect();
    assert_eq!(known, [(true, Some(Timestamp(2))), (false, None)]);
    assert_eq!(split.counts.users_without_history, 1);
    assert!(!split.kind.sees_other_users_future());
}

#[test]
fn temporal_splits_refuse_data_without_times_and_name_the_way_out() {
    let data = dataset(&[(0, 0, 0, Some(1)), (0, 1, 0, None)]);
    for kind in [
        SplitKind::TemporalGlobal { train_share: 0.5 },
        SplitKind::TemporalPerUser { train_share: 0.5 },
    ] {
        let error = split(&data, &kind).unwrap_err();
        assert_eq!(error, SplitError::NoTimes { kind: kind.name(), without: 1 });
        assert!(error.to_string().contains("leave_one_out"), "{error}");
    }
}

#[test]
fn shares_outside_0_and_1_are_refused() {
    let data = dataset(&[(0, 0, 0, Some(1)), (0, 1, 0, Some(2))]);
    for share in [0.0, 1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
        for kind in [
            SplitKind::TemporalGlobal { train_share: share },
            SplitKind::TemporalPerUser { train_share: share },
            SplitKind::RandomPerUser { train_share: share, seed: 1 },
            SplitKind::HeldOutUsers { user_share: share, fold_in_share: 0.5, seed: 1 },
            SplitKind::HeldOutUsers { user_share: 0.5, fold_in_share: share, seed: 1 },
        ] {
            let refused = matches!(split(&data, &kind), Err(SplitError::Share { .. }));
            assert!(refused, "{kind:?} was taken");
        }
    }
}

#[test]
fn a_fixed_split_holds_out_what_the_test_file_names() {
    let mut data = dataset(&[(0, 0, 0, None), (1, 1, 0, None)]);
    assert_eq!(split(&data, &SplitKind::Fixed).unwrap_err(), SplitError::NoTestEvents);
    let test = dataset(&[(0, 3, 0, None), (0, 0, 0, None), (0, 2, 0, None), (2, 5, 0, None)]);
    data.test_events = Some(test.events);
    let split = split(&data, &SplitKind::Fixed).unwrap();
    let found: Vec<(u32, &[ItemIndex], bool)> = split
        .test
        .users()
        .iter()
        .map(|user| (user.user.0, user.held_out(), user.has_history))
        .collect();
    let expected: [(u32, &[ItemIndex], bool); 2] =
        [(0, &[ItemIndex(2), ItemIndex(3)], true), (2, &[ItemIndex(5)], false)];
    assert_eq!(found, expected);
    assert_eq!((split.counts.in_history, split.train.event_count()), (1, 2));
}

#[test]
fn a_held_out_item_has_the_scene_of_its_first_held_out_event() {
    let mut data = dataset(&[(0, 0, 0, Some(1)), (0, 4, 0, Some(9)), (0, 4, 0, Some(8))]);
    data.events.interactions.extend(dataset(&[(0, 3, 0, Some(7))]).events.interactions);
    data.events.users.push(UserIndex(0));
    data.scenes = ["home", "feed"].map(str::to_owned).to_vec();
    let scenes = [Some(0), Some(0), Some(1), None].map(|scene| scene.map(SceneIndex));
    for (event, scene) in data.events.interactions.iter_mut().zip(scenes) {
        event.scene = scene;
    }
    let split = split(&data, &SplitKind::TemporalPerUser { train_share: 0.25 }).unwrap();
    let user = &split.test.users()[0];
    assert_eq!(user.held_out(), [ItemIndex(3), ItemIndex(4)]);
    assert_eq!(user.held_out_scenes(), [None, Some(SceneIndex(1))], "of item 4 the earlier one");
}

#[test]
fn a_tie_that_leave_one_out_cuts_is_counted() {
    let rows = [(0, 0, 0, Some(5)), (0, 1, 0, Some(5)), (1, 0, 0, None), (1, 1, 0, None)];
    let split = split(&dataset(&rows), &SplitKind::LeaveOneOut).unwrap();
    assert_eq!((split.counts.ties_cut, split.counts.held_out), (1, 2));
}

#[test]
fn training_on_everything_keeps_every_event_and_every_user() {
    let data = dataset(&[(3, 0, 0, Some(9)), (0, 1, 0, Some(5)), (3, 2, 2, Some(1))]);
    let whole = TrainSet::whole(&data);
    assert_eq!((whole.user_count(), whole.item_count(), whole.event_count()), (6, 12, 3));
    let items: Vec<u32> = whole.events(UserIndex(3)).iter().map(|event| event.item.0).collect();
    assert_eq!(items, [2, 0], "oldest first");
}

#[test]
fn a_validation_split_is_made_as_the_test_split_was() {
    let rows: Vec<_> =
        (0..24).map(|at| (at % USERS, at / 2 % ITEMS, 0, Some(i64::from(at)))).collect();
    let whole = TrainSet::whole(&dataset(&rows));
    let like = |kind: SplitKind| whole.validation_split_like(&kind, 0.75, 3).unwrap();
    let global = like(SplitKind::TemporalGlobal { train_share: 0.9 });
    assert_eq!(global.kind, SplitKind::TemporalGlobal { train_share: 0.75 });
    let newest = global.train.all_events().iter().map(|event| event.time).max().unwrap();
    assert_eq!(newest, Some(Timestamp(17)), "everything trains that came before one moment");
    let strangers = SplitKind::HeldOutUsers { user_share: 0.2, fold_in_share: 0.5, seed: 9 };
    let strangers = like(strangers);
    assert!(strangers.test.users().iter().all(|user| !user.has_history));
    assert_eq!(like(SplitKind::LeaveOneOut).kind, SplitKind::LeaveOneOut);
    let usual = SplitKind::TemporalPerUser { train_share: 0.75 };
    assert_eq!(like(SplitKind::Fixed).kind, usual);
    let rows: Vec<_> = (0..12).map(|at| (at % USERS, at, 0, Some(5))).collect();
    let moment = TrainSet::whole(&dataset(&rows));
    let global = SplitKind::TemporalGlobal { train_share: 0.9 };
    assert_eq!(moment.validation_split_like(&global, 0.75, 3).unwrap().kind, usual);
}

#[test]
fn without_times_the_validation_split_is_drawn_at_random() {
    let rows: Vec<_> = (0..10).map(|item| (0, item, 0, None)).collect();
    let whole = TrainSet::whole(&dataset(&rows));
    let split = whole.validation_split(0.8, 7).unwrap();
    assert_eq!(split.kind, SplitKind::RandomPerUser { train_share: 0.8, seed: 7 });
    assert_eq!((split.train.event_count(), split.counts.held_out), (8, 2));
}
