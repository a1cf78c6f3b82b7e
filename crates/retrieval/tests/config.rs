//! Configurations that must be refused, each by the path of the key at fault.

use gannet_core::{ChannelName, SceneName};
use gannet_models::MergeWeights;
use gannet_retrieval::{MergeKind, Plan, RetrievalConfig};

const SOUND: &str = r#"
[[channel]]
name = "near"
kind = "u2i_vector"
model = "ials"
nprobe = 7

[[channel]]
name = "popular"
kind = "popular"

[[plan]]
name = "home"
handover = 50
[[plan.channel]]
name = "near"
weight = 2.0
[[plan.channel]]
name = "popular"
fetch_k = 30
min = 2
max = 10

[[scene]]
name = "feed"
plan = "home"
"#;

fn parse(text: &str) -> RetrievalConfig {
    toml::from_str(text).expect("TOML of the right types")
}

fn plan(config: &RetrievalConfig, learnt: &MergeWeights) -> Plan {
    let (_, plans) = config.check_with(learnt).expect("a sound configuration");
    let feed = SceneName::new("feed").expect("a name");
    plans.resolve(&feed, None, None).expect("a scene").as_ref().clone()
}

#[test]
fn a_sound_one_has_its_defaults_and_its_parameters() {
    let config = parse(SOUND);
    let (specs, _) = config.check().unwrap();
    assert_eq!(specs[0].parameters.get("nprobe").and_then(toml::Value::as_integer), Some(7));
    assert_eq!(specs[0].parameters.len(), 1);
    let plan = plan(&config, &MergeWeights::default());
    assert_eq!((plan.merge, plan.rrf_k, plan.handover), (MergeKind::Rrf, 60.0, 50));
    assert!(plan.eligibility.refuse_consumed);
    let near = &plan.channels[0];
    assert_eq!(
        (near.fetch_k, near.quota.min, near.quota.target, near.quota.max),
        (500, 0, 500, 500)
    );
    assert_eq!((near.weight, near.deadline.as_millis()), (2.0, 50));
    assert_eq!(plan.channels[1].quota.target, 10);
}

#[test]
fn learnt_weights_replace_the_plans_own_where_it_asks_for_them() {
    let name = ChannelName::new("near").unwrap();
    let learnt = MergeWeights { weights: [(name, 0.5)].into(), rrf_k: Some(20.0) };
    let weights = |config: &RetrievalConfig| -> Vec<f32> {
        plan(config, &learnt).channels.iter().map(|channel| channel.weight).collect()
    };
    assert_eq!(weights(&parse(SOUND)), [0.5, 1.0]);
    let own = SOUND.replace("handover = 50", "handover = 50\nweights = \"config\"");
    assert_eq!(weights(&parse(&own)), [2.0, 1.0]);
}

#[test]
fn every_contradiction_is_refused_by_its_path() {
    let cases = [
        ("handover = 50", "handover = 0", "plan.home.handover"),
        ("handover = 50", "handover = 100001", "plan.home.handover"),
        ("handover = 50", "handover = 1", "plan.home.channel"),
        ("handover = 50", "deadline_ms = 0", "plan.home.deadline_ms"),
        ("handover = 50", "rrf_k = nan", "plan.home.rrf_k"),
        ("weight = 2.0", "weight = inf", "plan.home.channel[0].weight"),
        ("weight = 2.0", "weight = -1.0", "plan.home.channel[0].weight"),
        ("weight = 2.0", "deadline_ms = 0", "plan.home.channel[0].deadline_ms"),
        ("fetch_k = 30", "fetch_k = 0", "plan.home.channel[1].fetch_k"),
        ("fetch_k = 30", "fetch_k = 1000000000", "plan.home.channel[1].fetch_k"),
        ("min = 2", "min = 11", "plan.home.channel[1].target"),
        ("max = 10", "target = 31", "plan.home.channel[1].target"),
        ("max = 10", "max = 1000000", "plan.home.channel[1].max"),
        ("plan = \"home\"", "plan = \"away\"", "scene.feed.plan"),
    ];
    for (from, to, field) in cases {
        let error = parse(&SOUND.replacen(from, to, 1)).check().expect_err(to);
        assert_eq!(error.field, field, "{to}: {error}");
    }
}

#[test]
fn names_are_unique_known_and_not_the_fallbacks() {
    let rename = |from: &str, to: &str, nth: usize| {
        let mut parts: Vec<&str> = SOUND.split(from).collect();
        let tail = parts.split_off(nth + 1).join(from);
        format!("{}{to}{tail}", parts.join(from))
    };
    let field = |text: &str| parse(text).check().unwrap_err().field;
    assert_eq!(field(&rename("\"popular\"", "\"near\"", 0)), "channel.near");
    assert_eq!(field(&rename("\"popular\"", "\"fallback\"", 0)), "channel.fallback");
    assert_eq!(field(&rename("\"near\"", "\"popular\"", 1)), "plan.home.channel[1].name");
    assert_eq!(field(&rename("\"near\"", "\"nobody\"", 1)), "plan.home.channel[0].name");
    let scene = "\n[[scene]]\nname = \"feed\"\nplan = \"home\"\n";
    assert_eq!(field(&format!("{SOUND}{scene}")), "scene.feed");
    assert_eq!(field(&SOUND.replace(scene, "")), "scene");
    let second = "[[plan]]\nname = \"home\"\n[[plan.channel]]\nname = \"near\"\n";
    assert_eq!(field(&format!("{SOUND}{second}")), "plan.home");
    let empty = "[[plan]]\nname = \"empty\"\n";
    assert_eq!(field(&format!("{SOUND}{empty}")), "plan.empty.channel");
}

#[test]
fn unknown_keys_and_wrong_types_do_not_parse() {
    for (from, to) in [
        ("handover = 50", "handovr = 50"),
        ("handover = 50", "handover = -1"),
        ("handover = 50", "merge = \"shuffle\""),
        ("min = 2", "minimum = 2"),
        ("plan = \"home\"", "plan = \"no such/name\""),
    ] {
        let text = SOUND.replacen(from, to, 1);
        assert!(toml::from_str::<RetrievalConfig>(&text).is_err(), "{to} was taken");
    }
}
