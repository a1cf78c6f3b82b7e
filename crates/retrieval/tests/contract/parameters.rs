//! What a `[[channel]]` may say, and what is said of one that is wrong.

use gannet_core::ModelName;
use gannet_retrieval::{ChannelKinds, ChannelSpec, ChannelSpecError};

use super::world::{World, build, spec};

#[test]
fn parameters_that_are_unknown_or_out_of_range_are_refused_by_name() {
    let snapshot = World::default().snapshot();
    for (kind, parameters, named) in [
        ("popular", "half_life_days = 3.0", "half_life_days"),
        ("recent", "half_age_days = 0.0", "half_age_days"),
        ("recent", "half_age_days = inf", "half_age_days"),
        ("recent", "half_age_day = 3.0", "half_age_day"),
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

fn with_model(kind: &str, model: &str) -> ChannelSpec {
    ChannelSpec { model: Some(ModelName::new(model).unwrap()), ..spec(kind, "") }
}

#[test]
fn a_model_that_is_missing_or_of_another_kind_is_refused() {
    let snapshot = World::default().snapshot();
    let kinds = ChannelKinds::builtin();
    for kind in ["popular", "recent", "inverted", "item_cf", "u2i_vector", "user_cf"] {
        let missing = kinds.build(&with_model(kind, "nobody"), &snapshot).err();
        assert!(matches!(missing, Some(ChannelSpecError::UnknownModel { .. })), "{missing:?}");
        let other = if kind == "popular" { "recency" } else { "popularity" };
        let wrong = kinds.build(&with_model(kind, other), &snapshot).err();
        assert!(matches!(wrong, Some(ChannelSpecError::ModelKind { .. })), "{wrong:?}");
    }
    assert!(build("inverted", "popularity_model = 'nobody'", &snapshot).is_err());
    assert!(build("inverted", "popularity_model = 'tags'", &snapshot).is_err());
    let unread = "popularity_model = 'nobody'\npopularity_weight = 0.0";
    assert!(build("inverted", unread, &snapshot).is_ok());
}
