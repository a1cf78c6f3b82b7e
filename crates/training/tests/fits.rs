//! Every fit on small data sets whose answers are known by hand, and the recipe as a whole.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use std::sync::Arc;

use gannet_core::{
    Catalogue, EventKind, EventKinds, FieldValue, Interaction, Item, ItemId, ItemIndex, KindIndex,
    ModelName, SceneIndex, Silent, TagPath, Timestamp, UserIndex,
};
use gannet_dataset::{Dataset, Events, TrainSet};
use gannet_models::{KeyIndex, Model, Snapshot};
use gannet_training::{
    Bounds, FitError, IalsParams, ItemCfParams, KeysParams, ModelChoice, PopularityParams, Recipe,
    Rp3betaParams, SwingParams, TrendingParams, TuneSpace, UserCfParams, fit_ials,
    fit_item_neighbours, fit_key_indexes, fit_popularity, fit_recency, fit_rp3beta, fit_snapshot,
    fit_swing, fit_trending, fit_user_items, model_names, tune,
};

const DAY: i64 = 86_400_000;

fn kinds() -> EventKinds {
    let kind = |name: &str, weight, positive_from| EventKind::new(name, weight, positive_from);
    EventKinds::new(vec![kind("rating", 1.0, Some(4.0)), kind("dislike", -2.0, None)]).unwrap()
}

/// `(user, item, value, day)`; a negative value is a dislike.
fn train_set(items: usize, users: usize, events: &[(u32, u32, f32, Option<i64>)]) -> TrainSet {
    train_set_of(items, users, events, |_| None)
}

/// The same with the scene of the event at each position: 0 `home`, 1 `detail`.
fn train_set_of(
    items: usize,
    users: usize,
    events: &[(u32, u32, f32, Option<i64>)],
    scene: impl Fn(usize) -> Option<u8>,
) -> TrainSet {
    let tags = ["film/horror", "film", "music"];
    let items: Vec<Item> = (0..items)
        .map(|at| Item {
            tags: vec![TagPath::new(tags[at % 3]).unwrap()],
            fields: vec![("music".into(), FieldValue::Text(format!("song {}", at % 2)))],
            ..Item::bare(ItemId::new(at.to_string()).unwrap())
        })
        .collect();
    let mut columns = Events::default();
    for (at, (user, item, value, day)) in events.iter().enumerate() {
        columns.users.push(UserIndex(*user));
        columns.interactions.push(Interaction {
            item: ItemIndex(*item),
            kind: KindIndex(u8::from(*value < 0.0)),
            value: value.abs(),
            time: day.map(|day| Timestamp(day * DAY)),
            scene: scene(at).map(SceneIndex),
        });
    }
    TrainSet::whole(&Dataset {
        name: "by hand".into(),
        catalogue: Arc::new(Catalogue::from_items(&items).unwrap()),
        users: Arc::new((0..users).map(|user| format!("u{user}")).collect()),
        user_fields: Arc::default(),
        scenes: vec!["home".into(), "detail".into()],
        kinds: kinds(),
        events: columns,
        test_events: None,
    })
}

/// Two groups of users with tastes that hardly meet: 12 users, 10 items.
fn two_tastes() -> TrainSet {
    let mut events = Vec::new();
    for user in 0..12u32 {
        for step in 0..4u32 {
            let item = (user % 2) * 5 + (user / 2 + step) % 5;
            events.push((user, item, 5.0, Some(i64::from(step))));
        }
    }
    train_set(10, 12, &events)
}

fn half_life(half_life_days: f32) -> PopularityParams {
    PopularityParams { half_life_days, ..PopularityParams::default() }
}

#[test]
fn popularity_counts_positive_events_and_forgets() {
    let events = [
        (0, 0, 5.0, Some(0)),
        (1, 0, 5.0, Some(10)),
        (0, 1, 4.0, Some(10)),
        (1, 1, 3.0, Some(10)),
        (1, 2, -1.0, Some(10)),
    ];
    let fit = |half_life_days| {
        let train = train_set(4, 2, &events);
        fit_popularity(&train, &half_life(half_life_days)).unwrap().scores().to_vec()
    };
    assert_eq!(fit(0.0), [2.0, 1.0, 0.0, 0.0]);
    assert_eq!(fit(10.0), [1.5, 1.0, 0.0, 0.0]);
}

#[test]
fn popularity_without_times_does_not_fade() {
    let train = train_set(2, 2, &[(0, 0, 5.0, None), (1, 0, 5.0, None)]);
    let popularity = fit_popularity(&train, &half_life(1.0)).unwrap();
    assert_eq!(popularity.scores(), [2.0, 0.0]);
}

#[test]
fn popularity_is_kept_for_each_scene() {
    let events = [
        (0, 0, 5.0, None),
        (1, 0, 5.0, None),
        (0, 1, 5.0, None),
        (0, 2, 5.0, None),
        (1, 3, 1.0, None),
    ];
    let train = train_set_of(5, 2, &events, |at| [None, Some(0), Some(1), Some(1), Some(1)][at]);
    let popularity = fit_popularity(&train, &half_life(0.0)).unwrap();
    assert_eq!(popularity.scores(), [2.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(popularity.of_scene("home"), Some(&[(ItemIndex(0), 1.0)][..]));
    let detail = [(ItemIndex(1), 1.0), (ItemIndex(2), 1.0)];
    assert_eq!(popularity.of_scene("detail"), Some(&detail[..]));
    assert_eq!(popularity.of_scene("search"), None);
    let few = PopularityParams { scene_items_max: 1, ..half_life(0.0) };
    let popularity = fit_popularity(&train, &few).unwrap();
    assert_eq!(popularity.of_scene("detail"), Some(&detail[..1]));
    let none = PopularityParams { scene_items_max: 0, ..half_life(0.0) };
    assert_eq!(fit_popularity(&train, &none).unwrap().scenes().len(), 0);
}

/// `count` positive events of an item on each of some days, by as many users.
fn daily(item: u32, days: std::ops::Range<i64>, count: u32) -> Vec<(u32, u32, f32, Option<i64>)> {
    days.flat_map(|day| (0..count).map(move |user| (user, item, 5.0, Some(day)))).collect()
}

#[test]
fn what_rises_is_judged_by_its_own_past_and_by_how_sure_it_is() {
    let mut events = daily(0, 0..20, 40); // as popular as ever
    events.extend(daily(1, 0..19, 10)); // four times its own past
    events.extend(daily(1, 19..20, 40));
    events.extend(daily(2, 19..20, 30)); // new
    events.extend(daily(3, 19..20, 1)); // one event is no trend beside them
    events.extend(daily(4, 0..19, 40)); // gone
    events.push((0, 5, -1.0, Some(19)));
    let params = TrendingParams { window_days: 0.5, ..TrendingParams::default() };
    let trending = fit_trending(&train_set(6, 40, &events), &params).unwrap();
    let order: Vec<u32> = trending.order().iter().map(|(item, _)| item.0).collect();
    assert_eq!(order[..2], [2, 1], "{:?}", trending.order());
    assert!(!order.contains(&4) && !order.contains(&5), "{:?}", trending.order());
    let score = |item: u32| {
        let found = trending.order().iter().find(|(other, _)| other.0 == item);
        found.map_or(0.0, |(_, score)| *score)
    };
    assert!(score(1) > 3.0 && score(3) < 1.0, "{:?}", trending.order());

    let one = TrendingParams { items_max: 1, ..params };
    let best = fit_trending(&train_set(6, 40, &events), &one).unwrap();
    assert_eq!(best.order(), &trending.order()[..1]);
}

#[test]
fn a_day_on_which_everybody_comes_raises_nothing() {
    let mut events = Vec::new();
    for item in 0..4 {
        events.extend(daily(item, 0..9, 10));
        events.extend(daily(item, 9..10, 100));
    }
    let params = TrendingParams { window_days: 0.5, ..TrendingParams::default() };
    let trending = fit_trending(&train_set(4, 100, &events), &params).unwrap();
    assert!(trending.order().iter().all(|(_, score)| *score < 0.01), "{:?}", trending.order());
}

#[test]
fn without_times_nothing_rises() {
    let train = train_set(2, 2, &[(0, 0, 5.0, None), (1, 0, 5.0, None)]);
    assert!(fit_trending(&train, &TrendingParams::default()).unwrap().order().is_empty());
}

#[test]
fn every_field_of_keys_gets_lists_with_the_most_popular_first() {
    let events = [(0, 4, 5.0, None), (1, 4, 5.0, None), (0, 2, 5.0, None), (0, 1, 5.0, None)];
    let train = train_set(6, 2, &events);
    let popularity = fit_popularity(&train, &half_life(0.0)).unwrap();
    let fit = |fields: &[&str]| {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let params = KeysParams { fields, ancestor_discount: 0.5 };
        fit_key_indexes(train.catalogue(), &params, &popularity)
    };
    let indexes = fit(&["music", "author", "tags"]).unwrap();
    let lists = |at: usize| -> Vec<Vec<u32>> {
        let rows = &indexes[at].postings;
        (0..rows.height()).map(|key| rows.row(key).0.to_vec()).collect()
    };
    assert_eq!(lists(0), [[4, 2, 0], [1, 3, 5]]);
    assert_eq!(lists(1), [[0u32; 0]; 0], "no item has an author");
    let film = train.catalogue().find_tag("film").unwrap() as usize;
    assert_eq!(lists(2)[film], [4, 1, 0, 3]);
    let error = fit(&["tags", "city"]).unwrap_err().to_string();
    assert!(error.contains("\"city\"") && error.contains("tags, author, music"), "{error}");
    assert!(fit(&["tags", "tags"]).is_err());
}

#[test]
fn recency_falls_back_to_the_first_event_and_breaks_ties_by_popularity() {
    let events = [
        (0, 0, 5.0, Some(3)),
        (1, 0, 5.0, Some(1)),
        (0, 1, 1.0, Some(2)),
        (0, 2, 5.0, Some(2)),
        (1, 3, 5.0, None),
    ];
    let train = train_set(5, 2, &events);
    let popularity = fit_popularity(&train, &half_life(0.0)).unwrap();
    let order = fit_recency(&train, &popularity);
    let order: Vec<_> = order.order().iter().map(|(item, time)| (item.0, time.0 / DAY)).collect();
    assert_eq!(order, [(2, 2), (1, 2), (0, 1)]);
}

fn tag_index(train: &TrainSet, ancestor_discount: f32) -> KeyIndex {
    let params = KeysParams { fields: vec!["tags".into()], ancestor_discount };
    let popularity = fit_popularity(train, &half_life(0.0)).unwrap();
    fit_key_indexes(train.catalogue(), &params, &popularity).unwrap().remove(0)
}

#[test]
fn tags_reach_ancestors_at_a_discount_and_vectors_have_length_one() {
    let train = train_set(6, 1, &[]);
    let index = tag_index(&train, 0.5);
    let catalogue = train.catalogue();
    let horror = index.item_vector(catalogue, ItemIndex(0));
    assert_eq!(horror.len(), 2);
    for item in catalogue.indices() {
        let vector = index.item_vector(catalogue, item);
        let length: f32 = vector.iter().map(|(_, weight)| weight * weight).sum();
        assert!((length - 1.0).abs() < 1e-5);
        for (tag, weight) in vector {
            assert!(index.postings.entries(tag as usize).any(|entry| entry == (item.0, weight)));
        }
    }
    let film = catalogue.find_tag("film").unwrap();
    let horror_tag = catalogue.find_tag("film/horror").unwrap();
    assert!(index.idf[film as usize] < index.idf[horror_tag as usize]);
    let weight = |tag| horror.iter().find(|entry| entry.0 == tag).unwrap().1;
    let expected = 0.5 * index.idf[film as usize] / index.idf[horror_tag as usize];
    assert!((weight(film) / weight(horror_tag) - expected).abs() < 1e-5);

    let flat = tag_index(&train, 0.0);
    assert_eq!(flat.item_vector(catalogue, ItemIndex(0)), [(horror_tag, 1.0)]);
}

#[test]
fn item_lists_stay_within_a_taste() {
    let (train, bounds) = (two_tastes(), Bounds::default());
    let models = [
        fit_item_neighbours(&train, &ItemCfParams::default(), &bounds).unwrap(),
        fit_swing(&train, &SwingParams::default(), &bounds).unwrap(),
        fit_rp3beta(&train, &Rp3betaParams::default(), &bounds).unwrap(),
    ];
    for model in models {
        for item in 0..10 {
            let list: Vec<u32> = model.lists.entries(item).map(|entry| entry.0).collect();
            assert_eq!(list.len(), 4);
            assert!(list.iter().all(|other| (*other < 5) == (item < 5) && *other as usize != item));
        }
    }
}

#[test]
fn a_user_of_many_items_counts_with_the_newest_and_lists_share_a_bound() {
    let events: Vec<_> = (0..10).map(|item| (0, item, 5.0, Some(i64::from(item)))).collect();
    let train = train_set(10, 1, &events);
    let params = ItemCfParams::default();
    let lists = |history_max, entries_max| {
        let bounds = Bounds { history_max, entries_max };
        let model = fit_item_neighbours(&train, &params, &bounds).unwrap();
        (0..10).map(|item| model.lists.row(item).0.len()).collect::<Vec<_>>()
    };
    assert_eq!(lists(10, 1_000), [9; 10]);
    assert_eq!(lists(3, 1_000), [0, 0, 0, 0, 0, 0, 0, 2, 2, 2]);
    assert_eq!(lists(10, 40), [4; 10]);
}

#[test]
fn user_items_hold_both_directions_and_lengths() {
    let params = UserCfParams { item_exponent: 1.0, ..Default::default() };
    let train = train_set(3, 3, &[(0, 0, 5.0, None), (0, 1, 5.0, None), (1, 1, 5.0, None)]);
    let model = fit_user_items(&train, &params, &Bounds::default()).unwrap();
    assert_eq!(model.item_weights, [1.0, 0.5, 1.0]);
    assert_eq!(model.user_norms, [1.5f32.sqrt(), 0.5f32.sqrt(), 0.0]);
    assert_eq!(model.users_of_items, model.items_of_users.transpose());
}

#[test]
fn ials_separates_tastes_and_folding_in_a_history_gives_the_trained_vector() {
    let train = two_tastes();
    let params = IalsParams { dim: 4, ..Default::default() };
    let model = fit_ials(&train, &params, "1", &Silent).unwrap();
    for user in 0..12u32 {
        let score = |item: usize| {
            let (user, item) = (model.users.row(user as usize), model.items.row(item));
            gannet_vectors::dot(user, item)
        };
        let own = (user % 2) as usize * 5;
        let worst = (own..own + 5).map(score).fold(f32::INFINITY, f32::min);
        let best_other = (5 - own..10 - own).map(score).fold(f32::NEG_INFINITY, f32::max);
        assert!(worst > best_other, "user {user}");

        let history = train.events(UserIndex(user)).iter().map(|event| (event.item, 1.0));
        let folded = model.fold_in(&history.collect::<Vec<_>>()).unwrap();
        assert_eq!(folded, model.users.row(user as usize));
    }
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let train = two_tastes();
    let refuse = |params: IalsParams| match fit_ials(&train, &params, "1", &Silent) {
        Err(FitError::Params { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let params = IalsParams::default;
    assert_eq!(refuse(IalsParams { dim: 129, ..params() }), "dim");
    assert_eq!(refuse(IalsParams { dim: 0, ..params() }), "dim");
    assert_eq!(refuse(IalsParams { iterations: 0, ..params() }), "iterations");
    assert_eq!(refuse(IalsParams { lambda: 0.0, ..params() }), "lambda");
    assert_eq!(refuse(IalsParams { alpha0: f32::NAN, ..params() }), "alpha0");
    assert_eq!(refuse(IalsParams { nu: 1.5, ..params() }), "nu");
    let mut recipe = Recipe::default();
    recipe.popularity.half_life_days = -1.0;
    let error = fit_snapshot(&train, &recipe, Timestamp(0), "1", &Silent).unwrap_err();
    assert!(error.to_string().contains("popularity.half_life_days is -1"), "{error}");
    recipe.popularity.half_life_days = f32::INFINITY;
    assert!(recipe.validate().is_err());
    assert!(ItemCfParams { neighbours: 0, ..Default::default() }.validate().is_err());
    assert!(SwingParams { users_max: 1, ..Default::default() }.validate().is_err());
    assert!(SwingParams { alpha: 0.0, ..Default::default() }.validate().is_err());
    assert!(Rp3betaParams { beta: 1.1, ..Default::default() }.validate().is_err());
    assert!(TrendingParams { window_days: 0.0, ..Default::default() }.validate().is_err());
    assert!(Recipe { history_max: 0, ..Default::default() }.validate().is_err());
    assert!(UserCfParams { shrinkage: f32::NAN, ..Default::default() }.validate().is_err());
    assert!(KeysParams { ancestor_discount: 1.1, ..Default::default() }.validate().is_err());
}

fn snapshot(train: &TrainSet) -> Snapshot {
    let mut recipe = Recipe::default();
    assert!(!recipe.has(ModelChoice::Swing));
    recipe.ials.dim = 8;
    fit_snapshot(train, &recipe, Timestamp(7), "v1", &Silent).unwrap()
}

#[test]
fn a_snapshot_holds_every_model_under_its_name_and_its_recipe() {
    let train = two_tastes();
    let snapshot = snapshot(&train);
    assert_eq!(snapshot.check(), Ok(()));
    let names = [
        model_names::AUTHOR,
        model_names::IALS,
        model_names::ITEM_CF,
        model_names::POPULARITY,
        model_names::RECENCY,
        model_names::TAGS,
        model_names::TRENDING,
        model_names::USER_ITEMS,
    ];
    assert_eq!(snapshot.models.keys().map(ModelName::as_str).collect::<Vec<_>>(), names);
    let recipe: Recipe = toml::from_str(&snapshot.recipe).unwrap();
    assert_eq!(recipe.ials.dim, 8);
    assert_eq!(snapshot.histories.events(UserIndex(3)), train.events(UserIndex(3)));
}

#[test]
fn only_the_models_of_the_recipe_are_fitted() {
    let train = two_tastes();
    let mut recipe: Recipe =
        toml::from_str("models = [\"trending\", \"swing\", \"rp3beta\"]").unwrap();
    let fit = |recipe: &Recipe| fit_snapshot(&train, recipe, Timestamp(7), "v1", &Silent);
    let snapshot = fit(&recipe).unwrap();
    assert_eq!(snapshot.check(), Ok(()));
    let names: Vec<&str> = snapshot.models.keys().map(ModelName::as_str).collect();
    assert_eq!(names, ["rp3beta", "swing", "trending"]);
    assert_eq!(toml::from_str::<Recipe>(&snapshot.recipe).unwrap(), recipe);
    recipe.models = vec![ModelChoice::Keys];
    recipe.keys.fields = vec!["music".to_owned()];
    let names: Vec<_> = fit(&recipe).unwrap().models.into_keys().collect();
    assert_eq!(names, [ModelName::new("music").unwrap()]);
    recipe.keys.fields = vec!["musik".to_owned()];
    assert!(matches!(fit(&recipe), Err(FitError::UnknownField { .. })));
    let error = toml::from_str::<Recipe>("models = [\"als\"]").unwrap_err().to_string();
    assert!(error.contains("item_cf") && error.contains("ials"), "{error}");
}

#[test]
fn data_without_users_items_or_positives_still_fits() {
    for train in [
        train_set(0, 0, &[]),
        train_set(3, 0, &[]),
        train_set(3, 2, &[]),
        train_set(3, 2, &[(0, 1, 1.0, Some(0)), (1, 2, -1.0, None)]),
    ] {
        assert_eq!(snapshot(&train).check(), Ok(()));
    }
}

#[test]
fn a_recipe_refuses_keys_that_it_does_not_know() {
    assert!(toml::from_str::<Recipe>("[ials]\ndimension = 3").is_err());
    assert!(toml::from_str::<Recipe>("[als]\ndim = 3").is_err());
    let recipe: Recipe = toml::from_str("[ials]\ndim = 3").unwrap();
    assert_eq!(recipe.ials, IalsParams { dim: 3, ..Default::default() });
}

fn small_space() -> TuneSpace {
    let mut start = Recipe::default();
    start.ials.dim = 4;
    start.ials.iterations = 2;
    TuneSpace::quick(start)
}

#[test]
fn tuning_takes_what_the_judge_likes_and_repeats_itself() {
    let train = two_tastes();
    // A judge that wants short lists of large values, few neighbours and small regularisation.
    let judge = |model: &Model| match model {
        Model::ItemNeighbours(model) => model.lists.parts().2.iter().sum::<f32>().into(),
        Model::UserItems(model) => -(model.neighbour_count as f64),
        Model::Factors(model) => -f64::from(model.fold_in.as_ref().unwrap().lambda),
        _ => f64::NAN,
    };
    let tuned = tune(&train, &small_space(), &judge, &Silent).unwrap();
    assert_eq!(tuned.recipe.item_cf.shrinkage, 0.0);
    assert_eq!(tuned.recipe.user_items.neighbours, 50);
    assert_eq!(tuned.recipe.ials.lambda, 0.0001);
    assert_eq!(tuned.recipe.ials.dim, 4);

    let again = tune(&train, &small_space(), &judge, &Silent).unwrap();
    let scores = |trials: &[gannet_training::Trial]| {
        trials.iter().map(|trial| (trial.params.clone(), trial.score)).collect::<Vec<_>>()
    };
    assert_eq!(again.recipe, tuned.recipe);
    assert_eq!(scores(&again.trials), scores(&tuned.trials));
}

#[test]
fn tuning_walks_uphill_and_stops_at_the_first_step_down() {
    let train = two_tastes();
    // Highest at alpha0 = 0.3, two steps up from the start; nothing else matters.
    let judge = |model: &Model| match model {
        Model::Factors(model) => {
            -f64::from((model.fold_in.as_ref().unwrap().alpha0 / 0.3).ln().abs())
        }
        _ => 0.0,
    };
    let tuned = tune(&train, &small_space(), &judge, &Silent).unwrap();
    assert_eq!(tuned.recipe.ials.alpha0, 0.3);
    let scores: Vec<f64> = tuned
        .trials
        .iter()
        .filter(|trial| trial.model == "ials" && trial.params.contains("lambda = 0.001\n"))
        .map(|trial| trial.score)
        .collect();
    assert_eq!(scores.len(), 4, "the start, two steps up, one too far: {scores:?}");
    assert!(scores[0] < scores[1] && scores[1] < scores[2] && scores[2] > scores[3]);
}

#[test]
fn tuning_with_a_judge_that_knows_nothing_keeps_the_start() {
    let train = two_tastes();
    let tuned = tune(&train, &small_space(), &|_| f64::NAN, &Silent).unwrap();
    assert_eq!(tuned.recipe, small_space().start);
}

#[test]
fn recency_counts_only_where_events_have_times() {
    let mut recipe = Recipe::default();
    recipe.item_cf.recency_exponent = 0.5;
    recipe.user_items.recency_exponent = 0.5;
    for (time, expected) in [(Some(0), 0.5), (None, 0.0)] {
        let train = train_set(2, 2, &[(0, 0, 1.0, time), (0, 1, 1.0, time), (1, 0, 1.0, time)]);
        let lists = fit_item_neighbours(&train, &recipe.item_cf, &recipe.bounds()).unwrap();
        let users = fit_user_items(&train, &recipe.user_items, &recipe.bounds()).unwrap();
        assert_eq!((lists.recency_exponent, users.recency_exponent), (expected, expected));
    }
}
