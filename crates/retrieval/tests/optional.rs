//! Channels whose model a snapshot does not have: an error, unless the channel says optional.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_core::{Catalogue, EventKinds, Item, ItemId, ManualClock, ModelName, Timestamp};
use gannet_models::{Histories, MergeWeights, Model, Popularity, Snapshot};
use gannet_retrieval::{ChannelKinds, Engine, EngineOptions, RetrievalConfig};

fn snapshot() -> Arc<Snapshot> {
    let items = [Item::bare(ItemId::new("x").unwrap())];
    let popularity = Model::Popularity(Arc::new(Popularity::new(vec![1.0])));
    Arc::new(Snapshot {
        version: "v1".into(),
        created: Timestamp(0),
        kinds: EventKinds::implicit("view"),
        catalogue: Arc::new(Catalogue::from_items(&items).unwrap()),
        histories: Arc::new(Histories::new(Default::default(), vec![0], Vec::new())),
        models: BTreeMap::from([(ModelName::new("popularity").unwrap(), popularity)]),
        merge_weights: MergeWeights::default(),
        recipe: String::new(),
    })
}

/// A plan of `popular` and of a channel on vectors, which say what `extra` says.
fn config(extra: &str, plan: &str) -> RetrievalConfig {
    let text = format!(
        "[[channel]]\nname = \"popular\"\nkind = \"popular\"\nmodel = \"popularity\"\n\
         [[channel]]\nname = \"vectors\"\nkind = \"u2i_vector\"\n{extra}\n\
         [[plan]]\nname = \"home\"\n{plan}[[plan.channel]]\nname = \"vectors\"\n\
         [[scene]]\nname = \"home\"\nplan = \"home\"\n"
    );
    toml::from_str(&text).unwrap()
}

fn engine(config: &RetrievalConfig) -> Result<Engine, String> {
    let options = EngineOptions {
        clock: Arc::new(ManualClock::at(Timestamp(0))),
        kinds: ChannelKinds::builtin(),
        workers: 1,
        abandoned_max: 1,
    };
    Engine::new(options, snapshot(), config, None).map_err(|error| error.to_string())
}

const POPULAR: &str = "[[plan.channel]]\nname = \"popular\"\n";

#[test]
fn a_missing_model_is_an_error_unless_the_channel_is_optional() {
    let error = engine(&config("model = \"ials\"", POPULAR)).err().unwrap();
    assert!(error.contains("vectors") && error.contains("ials"), "{error}");

    let optional = config("model = \"ials\"\noptional = true", POPULAR);
    let left_out = optional.left_out(&snapshot());
    assert_eq!(left_out.len(), 1);
    assert_eq!((left_out[0].0.as_str(), left_out[0].1.as_str()), ("vectors", "ials"));
    let engine = engine(&optional).unwrap();
    let state = engine.state();
    let there = |name: &str| {
        optional
            .channels
            .iter()
            .any(|one| one.name.as_str() == name && state.channel(&one.name).is_some())
    };
    assert!(there("popular") && !there("vectors"));
}

#[test]
fn an_optional_channel_names_its_model_and_leaves_no_plan_empty() {
    let error = engine(&config("optional = true", POPULAR)).err().unwrap();
    assert!(error.contains("channel.vectors") && error.contains("names its model"), "{error}");
    let error = engine(&config("model = \"ials\"\noptional = true", "")).err().unwrap();
    assert!(error.contains("plan.home.channel"), "{error}");
}
