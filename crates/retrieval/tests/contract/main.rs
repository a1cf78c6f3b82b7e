//! The promises that every channel keeps, over random small snapshots; and each channel against a
//! naive oracle. A new channel is one line in [`CHANNELS`] and, for the oracle, one function.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

mod dislikes;
mod draws;
mod oracles;
mod parameters;
mod world;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use gannet_core::ModelName;
use gannet_retrieval::{Ask, Channel, ChannelError, ChannelList, QueryVector};
use proptest::prelude::*;

use oracles::Parameters;
use world::*;

/// Kind, parameters as TOML, and whether an unknown user gets nothing.
const CHANNELS: &[(&str, &str, bool)] = &[
    ("popular", "", false),
    ("popular", "scene = 'home'", false),
    ("trending", "", false),
    ("recent", "", false),
    ("recent", "half_age_days = 0.001", false),
    ("recent", "floor_share = 0.4\nfloor_days = 90.0\nfloor_popularity = 3.0", false),
    ("inverted", "", true),
    ("inverted", "half_life_days = 9.0\npopularity_weight = 0.0\nhistory_max = 3", true),
    ("inverted", "postings_max = 7", true),
    ("inverted", "model = 'author'\nkeys_max = 2", true),
    ("inverted", "model = 'tags'\npostings_max = 70\npopularity_weight = 2.0", true),
    ("item_cf", "", true),
    ("item_cf", "half_life_days = 9.0\ntriggers_max = 3\nnegative_weight = 0.25", true),
    ("item_cf", "model = 'swing'\npostings_max = 3", true),
    ("u2i_vector", "", true),
    ("u2i_vector", "fold_in_max = 2\nnegative_weight = 0.5", true),
    ("u2i_vector", "model = 'brought'", true),
    ("u2i_vector", "model = 'items_only'\npooling = 'mean'", true),
    ("u2i_vector", "model = 'items_only'\npooling = 'last'\nlast_count = 1", true),
    ("i2i_vector", "", true),
    ("i2i_vector", "model = 'brought'\nqueries_max = 2", true),
    ("i2i_vector", "model = 'items_only'\nhalf_life_days = 9.0", true),
    ("user_cf", "", true),
    ("user_cf", "half_life_days = 9.0\ntriggers_max = 3\nneighbours = 100", true),
    ("user_cf", "postings_max = 5", true),
    ("explore", "", false),
    ("explore", "new_days = 60.0\nnew_share = 0.3", false),
];

fn channels(state: &Arc<gannet_retrieval::EngineState>) -> Vec<(Arc<dyn Channel>, bool)> {
    let built = CHANNELS.iter().map(|(kind, parameters, personal)| {
        (build(kind, parameters, &state.snapshot).unwrap(), *personal)
    });
    built.collect()
}

/// What holds of every list, partial or not.
fn assert_contract(world: &World, wish: &Wish, ask: &Ask, fetch_k: usize, list: &ChannelList) {
    assert!(list.found.len() <= fetch_k);
    for pair in list.found.windows(2) {
        assert!(pair[0].channel_score >= pair[1].channel_score, "best first: {pair:?}");
    }
    let mut items: Vec<_> = list.found.iter().map(|found| found.item).collect();
    items.sort();
    items.dedup();
    assert_eq!(items.len(), list.found.len(), "an item is there twice");
    for found in &list.found {
        assert!(found.channel_score.is_finite());
        assert!(world.is_eligible(wish, found.item), "{:?} may not be shown", found.item);
        if let Some(trigger) = found.trigger {
            assert!(ask.profile.history().iter().any(|entry| entry.item == trigger));
        }
    }
}

/// All channels on one wish, at several sizes.
fn assert_contract_of_all(world: &World, wish: &Wish) {
    let state = world.state();
    let ask = world.ask(&state, wish);
    for (channel, personal) in channels(&state) {
        let all = channel.retrieve(&ask, usize::MAX).unwrap();
        for fetch_k in [0, 1, 3, 500, usize::MAX] {
            let list = channel.retrieve(&ask, fetch_k).unwrap();
            assert_contract(world, wish, &ask, fetch_k, &list);
            assert!(!list.partial);
            // A draw depends on how many are drawn.
            if channel.name().as_str() != "explore" {
                assert_eq!(list.found[..], all.found[..all.found.len().min(fetch_k)]);
            }
            assert_eq!(list, channel.retrieve(&ask, fetch_k).unwrap(), "not deterministic");
        }
        let stranger = ask.profile.index.is_none() && ask.profile.history().is_empty();
        if stranger && personal {
            assert!(all.found.is_empty(), "{} knows a stranger", channel.name());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_channel_keeps_the_contract((world, wish) in world_and_wish()) {
        assert_contract_of_all(&world, &wish);
    }

    #[test]
    fn a_fresh_thread_gives_the_same_answer((world, wish) in world_and_wish()) {
        let state = world.state();
        let ask = world.ask(&state, &wish);
        for (channel, _) in channels(&state) {
            let here = channel.retrieve(&ask, 5);
            let there = std::thread::scope(|scope| {
                scope.spawn(|| channel.retrieve(&ask, 5)).join().unwrap()
            });
            prop_assert_eq!(here, there);
        }
    }

    #[test]
    fn a_deadline_at_any_reading_leaves_a_list_in_order((world, wish) in world_and_wish()) {
        let state = world.state();
        for (channel, _) in channels(&state) {
            let whole = channel.retrieve(&world.ask(&state, &wish), 500).unwrap();
            // One reading makes the deadline.
            for readings in 1..6 {
                let clock = Arc::new(CountdownClock(AtomicU64::new(readings)));
                let ask = world.ask_due(&state, &wish, clock);
                let list = channel.retrieve(&ask, 500).unwrap();
                assert_contract(&world, &wish, &ask, 500, &list);
                if !list.partial {
                    prop_assert_eq!(&list, &whole);
                } else if readings == 1 {
                    prop_assert!(list.found.is_empty(), "{} worked past its time", channel.name());
                }
                if readings == 1 && !whole.found.is_empty() {
                    prop_assert!(list.partial, "{} saw no deadline", channel.name());
                }
            }
        }
    }

    #[test]
    fn every_channel_agrees_with_its_oracle(
        (world, wish) in world_and_wish(),
        fetch_k in prop_oneof![0usize..6, Just(500)],
        half_life_days in prop::option::of(1.0f64..50.0),
        events_max in prop_oneof![1usize..4, Just(500)],
        neighbours in prop_oneof![1usize..4, Just(100)],
    ) {
        let state = world.state();
        let ask = world.ask(&state, &wish);
        for (kind, fixed, uses) in ORACLES {
            let parameters = Parameters {
                events_max,
                half_life_days: half_life_days.filter(|_| uses.contains("half_life_days")),
                negative_weight: 0.5,
                popularity_weight: 0.75,
                neighbours,
                half_age_days: 10.0,
            };
            let text = format!("{fixed}\n{}", parameters_text(uses, &parameters));
            let channel = build(kind, &text, &state.snapshot).unwrap();
            let list = channel.retrieve(&ask, fetch_k).unwrap();
            let model = spec(kind, fixed).model;
            let model = model.as_ref().map(ModelName::as_str);
            let oracle = oracles::scores(kind, model, &state.snapshot, &ask.profile, &parameters);
            if let Some((scores, positive_only)) = oracle {
                assert_agrees(&world, &wish, fetch_k, &list, &scores, positive_only);
            }
        }
    }
}

/// Kinds, fixed parameters, and those that are drawn.
const ORACLES: [(&str, &str, &str); 13] = [
    ("popular", "", ""),
    ("trending", "", ""),
    ("recent", "", "half_age_days"),
    ("inverted", "", "history_max half_life_days negative_weight popularity_weight"),
    (
        "inverted",
        "model = 'author'",
        "history_max half_life_days negative_weight popularity_weight",
    ),
    ("item_cf", "", "triggers_max half_life_days negative_weight"),
    ("item_cf", "model = 'swing'\npostings_max = 1000000", "triggers_max negative_weight"),
    ("u2i_vector", "", "fold_in_max"),
    ("u2i_vector", "model = 'brought'", "pooled_max half_life_days negative_weight"),
    ("u2i_vector", "model = 'items_only'", "pooled_max half_life_days negative_weight"),
    ("i2i_vector", "negative_weight = 0.0\nqueries_max = 64", "triggers_max half_life_days"),
    ("i2i_vector", "model = 'brought'\nnegative_weight = 0.0\nqueries_max = 64", "triggers_max"),
    ("user_cf", "", "triggers_max half_life_days neighbours"),
];

fn parameters_text(uses: &str, parameters: &Parameters) -> String {
    let line = |name: &str| match name {
        "half_life_days" => parameters.half_life_days.map(|days| format!("{name} = {days:?}")),
        "negative_weight" => Some(format!("{name} = {:?}", parameters.negative_weight)),
        "popularity_weight" => Some(format!("{name} = {:?}", parameters.popularity_weight)),
        "neighbours" => Some(format!("{name} = {}", parameters.neighbours)),
        "half_age_days" => Some(format!("{name} = {:?}", parameters.half_age_days)),
        _ => Some(format!("{name} = {}", parameters.events_max)),
    };
    uses.split_whitespace().filter_map(line).collect::<Vec<_>>().join("\n")
}

/// The same items up to ties, with scores that are close.
fn assert_agrees(
    world: &World,
    wish: &Wish,
    fetch_k: usize,
    list: &ChannelList,
    scores: &[Option<f64>],
    positive_only: bool,
) {
    const TOLERANCE: f64 = 1e-4;
    let mut eligible: Vec<f64> =
        world.eligible(wish).iter().filter_map(|item| scores[item.at()]).collect();
    eligible.sort_by(|a, b| b.total_cmp(a));
    let above = |floor: f64| {
        let named = eligible.iter().filter(|score| !positive_only || **score > floor);
        named.count().min(fetch_k)
    };
    let (certain, possible) = (above(TOLERANCE), above(-TOLERANCE));
    assert!((certain..=possible).contains(&list.found.len()), "{list:?} against {eligible:?}");
    for (found, expected) in list.found.iter().zip(&eligible) {
        let own = scores[found.item.at()].expect("the oracle cannot name the item");
        let close = |a: f64, b: f64| (a - b).abs() <= TOLERANCE * (1.0 + a.abs());
        assert!(close(own, f64::from(found.channel_score)), "{found:?} against {own}");
        assert!(close(*expected, own), "{found:?} stands where {expected} belongs");
    }
}

fn liked(item: u32) -> EventSpec {
    EventSpec { item, kind: 0, value: 5, day: Some(1) }
}

/// Items in a ring: each has its two neighbours, tags, and a vector that is not zero.
fn ring(items: usize) -> World {
    let spec = |at: usize| ItemSpec {
        tags: vec![at % TAGS.len()],
        published_day: Some(at as i64 % 90),
        available: true,
        popularity: (at % 5) as u8,
        neighbours: [(at + 1) % items, (at + 2) % items].map(|other| (other as u32, 8)).to_vec(),
        vector: [1, (at % 3) as i8, -1],
    };
    let users = (0..4).map(|user| ((0..4).map(|at| liked((user + at) % 5)).collect(), [1, 1, 0]));
    World { items: (0..items).map(spec).collect(), users: users.collect() }
}

#[test]
fn a_user_with_one_event_gets_an_answer_from_every_channel() {
    let world = ring(12);
    let wish = Wish { fresh: vec![liked(2)], ..Wish::of_nobody() };
    assert_contract_of_all(&world, &wish);
    let state = world.state();
    for (channel, _) in channels(&state) {
        let list = channel.retrieve(&world.ask(&state, &wish), 500).unwrap();
        assert!(!list.found.is_empty(), "{} found nothing", channel.name());
    }
}

#[test]
fn a_stranger_gets_an_answer_from_the_channels_that_are_not_personal() {
    let world = ring(12);
    assert_contract_of_all(&world, &Wish::of_nobody());
    let state = world.state();
    for (channel, personal) in channels(&state) {
        let list = channel.retrieve(&world.ask(&state, &Wish::of_nobody()), 500).unwrap();
        assert_eq!(list.found.is_empty(), personal, "{}", channel.name());
    }
}

#[test]
fn who_has_consumed_everything_gets_nothing_and_no_error() {
    let world = ring(12);
    let wish = Wish { fresh: (0..12).map(liked).collect(), ..Wish::of_user(0) };
    assert_contract_of_all(&world, &wish);
    let state = world.state();
    for (channel, _) in channels(&state) {
        let list = channel.retrieve(&world.ask(&state, &wish), 500).unwrap();
        assert!(list.found.is_empty());
    }
}

#[test]
fn items_without_tags_disturb_no_channel() {
    let mut world = ring(12);
    world.items.iter_mut().for_each(|item| item.tags.clear());
    assert_contract_of_all(&world, &Wish::of_user(1));
    world.items[3].tags.push(4);
    assert_contract_of_all(&world, &Wish::of_user(1));
}

#[test]
fn catalogues_of_one_item_and_of_none_are_answered() {
    let mut single = World { items: vec![ring(3).items.remove(0)], users: Vec::new() };
    single.items[0].neighbours.clear();
    for wish in [Wish::of_nobody(), Wish { fresh: vec![liked(0)], ..Wish::of_nobody() }] {
        assert_contract_of_all(&single, &wish);
        assert_contract_of_all(&single, &Wish { refuse_consumed: false, ..wish });
    }
    assert_contract_of_all(&World::default(), &Wish::of_nobody());
}

#[test]
fn a_deadline_in_the_middle_leaves_the_best_so_far() {
    let mut world = ring(20_000);
    // Every item has a list of its own neighbours' length only: many triggers make long work.
    let history = (0..10_000u32).map(|at| EventSpec { day: None, ..liked(at) }).collect();
    world.users.push((history, [1, 1, 0]));
    let state = world.state();
    let wish = Wish { refuse_consumed: false, ..Wish::of_user(4) };
    for (kind, parameters) in [
        ("popular", ""),
        ("recent", ""),
        ("inverted", ""),
        ("item_cf", "triggers_max = 4000"),
        ("u2i_vector", ""),
        ("user_cf", "triggers_max = 10000"),
    ] {
        let channel = build(kind, parameters, &state.snapshot).unwrap();
        let whole = channel.retrieve(&world.ask(&state, &wish), 100_000).unwrap();
        let clock = Arc::new(CountdownClock(AtomicU64::new(4)));
        let cut = channel.retrieve(&world.ask_due(&state, &wish, clock), 100_000).unwrap();
        assert!(cut.partial, "{kind} took no notice");
        assert!(cut.found.len() < whole.found.len(), "{kind}");
        // This clock jumps past both halves of the time of user CF at once.
        assert_eq!(cut.found.is_empty(), kind == "user_cf", "{kind}");
    }
}

#[test]
fn neighbours_found_in_half_of_the_time_still_have_their_say() {
    let mut world = ring(20_000);
    let history: Vec<_> = (0..10_000).map(|at| EventSpec { day: None, ..liked(at) }).collect();
    world.users.extend(vec![(history, [1, 1, 0]); 2]);
    let state = world.state();
    let wish = Wish { refuse_consumed: false, ..Wish::of_user(4) };
    let channel = build("user_cf", "triggers_max = 10000", &state.snapshot).unwrap();
    let clock = Arc::new(SteppingClock(AtomicU64::new(0)));
    let cut = channel.retrieve(&world.ask_due(&state, &wish, clock), 500).unwrap();
    assert!(cut.partial);
    assert!(!cut.found.is_empty());
}

#[test]
fn refused_items_are_counted_by_reason() {
    let mut world = ring(12);
    world.items[7].available = false;
    let state = world.state();
    let wish = Wish { blocked: vec![8], ..Wish::of_user(0) };
    let ask = world.ask(&state, &wish);
    let list = build("popular", "", &state.snapshot).unwrap().retrieve(&ask, 500).unwrap();
    let counts: Vec<_> =
        list.dropped.iter().map(|(refusal, count)| (refusal.as_str(), count)).collect();
    assert_eq!(counts, [("unavailable", 1), ("blocked_item", 1), ("consumed", 4)]);
}

#[test]
fn a_trigger_is_the_liked_item_that_contributes_most() {
    let mut world = ring(12);
    world.items[0].neighbours = vec![(9, 2)];
    world.items[3].neighbours = vec![(9, 7)];
    let wish = Wish { fresh: vec![liked(3), liked(0)], ..Wish::of_nobody() };
    let state = world.state();
    let channel = build("item_cf", "", &state.snapshot).unwrap();
    let list = channel.retrieve(&world.ask(&state, &wish), 500).unwrap();
    assert_eq!(list.found[0].item.0, 9);
    assert_eq!(list.found[0].trigger.unwrap().0, 3);
}

#[test]
fn a_dislike_pushes_neighbours_and_tags_away() {
    let world = ring(12);
    let disliked = EventSpec { item: 1, kind: 1, value: 1, day: Some(1) };
    let state = world.state();
    for kind in ["item_cf", "inverted"] {
        let channel = build(kind, "", &state.snapshot).unwrap();
        let of = |fresh: Vec<EventSpec>| {
            let wish = Wish { fresh, refuse_consumed: false, ..Wish::of_nobody() };
            let list = channel.retrieve(&world.ask(&state, &wish), 500).unwrap();
            list.found.into_iter().map(|found| found.item.0).collect::<Vec<_>>()
        };
        // Items 1 and 7 have the same tag, 2 is the neighbour of 0 and of 1.
        let (before, after) = (of(vec![liked(0)]), of(vec![disliked.clone(), liked(0)]));
        let pushed = if kind == "item_cf" { 2 } else { 7 };
        assert!(
            before.contains(&pushed) && !after.contains(&pushed),
            "{kind} {before:?} {after:?}"
        );
    }
}

#[test]
fn nothing_published_after_the_request_is_recent() {
    let world = ring(12);
    let state = world.state();
    let channel = build("recent", "", &state.snapshot).unwrap();
    let wish = Wish { now_day: 5, ..Wish::of_nobody() };
    let list = channel.retrieve(&world.ask(&state, &wish), 500).unwrap();
    assert_eq!(list.found.iter().map(|found| found.item.0).collect::<Vec<_>>(), [5, 4, 3, 2, 1, 0]);
    assert_eq!(list.found[0].channel_score, 1.0);
}

#[test]
fn the_nearest_users_do_not_include_oneself() {
    let mut world = ring(12);
    world.users = vec![(vec![liked(1), liked(2)], [1, 0, 0])];
    let state = world.state();
    let channel = build("user_cf", "", &state.snapshot).unwrap();
    let wish = Wish { refuse_consumed: false, ..Wish::of_user(0) };
    assert!(channel.retrieve(&world.ask(&state, &wish), 500).unwrap().found.is_empty());
}

fn ask_with_vector(world: &World, version: &str, values: Vec<f32>) -> Ask {
    let ask = world.ask(&world.state(), &Wish::of_nobody());
    let mut profile = (*ask.profile).clone();
    let (model, version) = (ModelName::new("ials").unwrap(), version.to_owned());
    profile.vectors.push(QueryVector { model, version, values });
    Ask { profile: Arc::new(profile), ..ask }
}

#[test]
fn a_query_vector_of_the_caller_is_used_and_checked() {
    let world = ring(12);
    let channel = build("u2i_vector", "", &world.state().snapshot).unwrap();
    let given = ask_with_vector(&world, "1", vec![0.0, 1.0, 0.0]);
    let list = channel.retrieve(&given, 4).unwrap();
    assert_eq!(list.found.iter().map(|found| found.item.0).collect::<Vec<_>>(), [2, 5, 8, 11]);
    for (version, values) in [
        ("2", vec![0.0, 1.0, 0.0]),
        ("1", vec![0.0, 1.0]),
        ("1", vec![0.0, f32::NAN, 0.0]),
        ("1", vec![f32::MAX, f32::MAX, -f32::MAX]),
    ] {
        let answer = channel.retrieve(&ask_with_vector(&world, version, values.clone()), 4);
        assert!(matches!(answer, Err(ChannelError::QueryVector(_))), "{version} {values:?}");
    }
}
