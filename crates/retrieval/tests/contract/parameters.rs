//! What a `[[channel]]` may say, and what is said of one that is wrong.

use gannet_core::ModelName;
use gannet_retrieval::{ChannelKinds, ChannelSpec, ChannelSpecError};

use super::world::{World, build, spec};

#[test]
fn parameters_that_are_unknown_or_out_of_range_are_refused_by_name() {
    let snapshot = World::default().snapshot();
    for (kind, parameters, named) in [
        ("popular", "half_life_days = 3.0", "half_life_days"),
        ("popular", "scene = 'nowhere'", "home"),
        ("recent", "half_age_days = 0.0", "half_age_days"),
        ("recent", "half_age_days = inf", "half_age_days"),
        ("recent", "half_age_day = 3.0", "half_age_day"),
        ("recent", "floor_share = 1.5", "floor_share"),
        ("recent", "floor_days = 0.0", "floor_days"),
        ("recent", "floor_popularity = nan", "floor_popularity"),
        ("trending", "half_life_days = 3.0", "half_life_days"),
        ("explore", "new_days = 0.0", "new_days"),
        ("explore", "new_share = -0.5", "new_share"),
        ("explore", "seed = 1", "seed"),
        ("explore", "model = 'popularity'", "model"),
        ("i2i_vector", "triggers_max = 0", "triggers_max"),
        ("i2i_vector", "queries_max = 65", "queries_max"),
        ("i2i_vector", "negative_weight = -1.0", "negative_weight"),
        ("i2i_vector", "half_life_days = 0.0", "half_life_days"),
        ("u2i_vector", "pooled_max = 0", "pooled_max"),
        ("u2i_vector", "last_count = 0", "last_count"),
        ("u2i_vector", "half_life_places = 0.0", "half_life_places"),
        ("u2i_vector", "negative_weight = nan", "negative_weight"),
        ("u2i_vector", "pooling = 'sum'", "sum"),
        ("inverted", "keys_max = 0", "keys_max"),
        ("item_cf", "postings_max = 0", "postings_max"),
        ("inverted", "history_max = 0", "history_max"),
        ("inverted", "half_life_days = -1.0", "half_life_days"),
        ("inverted", "negative_weight = -1.0", "negative_weight"),
        ("inverted", "popularity_weight = 2.5", "popularity_weight"),
        ("inverted", "postings_max = 0", "postings_max"),
        ("item_cf", "triggers_max = 0", "triggers_max"),
        ("item_cf", "triggers_max = 4096", "triggers_max"),
        ("item_cf", "half_life_days = nan", "half_life_days"),
        ("item_cf", "negative_weight = inf", "negative_weight"),
        ("u2i_vector", "fold_in_max = 0", "fold_in_max"),
        ("user_cf", "triggers_max = 0", "triggers_max"),
        ("user_cf", "neighbours = 0", "neighbours"),
        ("user_cf", "postings_max = 0", "postings_max"),
        ("user_cf", "half_life_days = 0.0", "half_life_days"),
    ] {
        match build(kind, parameters, &snapshot).err() {
            Some(ChannelSpecError::Parameters { channel, why }) => {
                assert_eq!(channel.as_str(), kind);
                assert!(why.contains(named), "{why}");
            }
            other => panic!("{kind} {parameters}: {other:?}"),
        }
    }
    for (kind, parameters) in
        [("item_cf", "triggers_max = 'many'"), ("item_cf", "triggers_max = -1")]
    {
        assert!(matches!(
            build(kind, parameters, &snapshot),
            Err(ChannelSpecError::Parameters { .. })
        ));
    }
}

#[test]
fn an_unknown_kind_is_refused_with_the_kinds_that_there_are() {
    let error = build("item_cff", "", &World::default().snapshot()).err().unwrap();
    assert_eq!(
        error.to_string(),
        "channel item_cff: unknown kind \"item_cff\"; known are explore, i2i_vector, inverted, \
         item_cf, popular, recent, trending, u2i_vector, user_cf"
    );
}

fn with_model(kind: &str, model: &str) -> ChannelSpec {
    ChannelSpec { model: Some(ModelName::new(model).unwrap()), ..spec(kind, "") }
}

#[test]
fn a_model_that_is_missing_or_of_another_kind_is_refused() {
    let snapshot = World::default().snapshot();
    let kinds = ChannelKinds::builtin();
    for kind in [
        "popular",
        "trending",
        "recent",
        "inverted",
        "item_cf",
        "u2i_vector",
        "i2i_vector",
        "user_cf",
    ] {
        let missing = kinds.build(&with_model(kind, "nobody"), &snapshot).err();
        assert!(matches!(missing, Some(ChannelSpecError::UnknownModel { .. })), "{missing:?}");
        let other = if kind == "popular" { "recency" } else { "popularity" };
        let wrong = kinds.build(&with_model(kind, other), &snapshot).err();
        assert!(matches!(wrong, Some(ChannelSpecError::ModelKind { .. })), "{wrong:?}");
    }
    assert!(build("inverted", "popularity_model = 'nobody'", &snapshot).is_err());
    assert!(build("inverted", "popularity_model = 'tags'", &snapshot).is_err());
    for (kind, parameters) in [
        ("explore", "new_days = 3.0\nrecency_model = 'nobody'"),
        ("explore", "new_days = 3.0\nrecency_model = 'popularity'"),
        ("recent", "floor_share = 0.1\npopularity_model = 'nobody'"),
    ] {
        assert!(build(kind, parameters, &snapshot).is_err(), "{kind} {parameters}");
    }
    let unread = "popularity_model = 'nobody'\npopularity_weight = 0.0";
    assert!(build("inverted", unread, &snapshot).is_ok());
}
