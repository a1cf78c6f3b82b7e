//! Which plan a request runs, what may change while an engine serves, and the kill switch.

mod support;

use gannet_core::{ArmName, ChannelName, SceneName, SegmentName, UserId};
use gannet_retrieval::{ChannelStatus, PublishError, RawRequest, Retrieval, RetrievalConfig};
use support::{Behaviour, World, of_user};

const CHANNELS: &str = r#"
[[channel]]
name = "one"
kind = "one"
[[channel]]
name = "two"
kind = "two"
"#;

const SCENES: &str = r#"
[[plan]]
name = "home"
handover = 60
deadline_ms = 20000
[[plan.channel]]
name = "one"
fetch_k = 50
[[plan.channel]]
name = "two"
fetch_k = 50

[[plan]]
name = "first_days"
handover = 7
deadline_ms = 20000
[[plan.channel]]
name = "two"

[[plan]]
name = "home_b"
handover = 9
deadline_ms = 20000
merge = "weighted"
[[plan.channel]]
name = "one"

[[scene]]
name = "home"
plan = "home"
[[scene.rule]]
segment = "new"
plan = "first_days"

[[scene]]
name = "detail"
plan = "home_b"

[[segment]]
name = "new"
when = { events_max = 5 }
[[segment]]
name = "vip"

[[experiment]]
name = "weights"
scene = "home"
arms = [
    { name = "a", share = 0.5 },
    { name = "b", share = 0.5, plan = "home_b" },
    { name = "idle", plan = "first_days" },
]
"#;

fn config(text: &str) -> RetrievalConfig {
    support::config(&format!("{CHANNELS}{text}"))
}

fn world(text: &str) -> World {
    let world = World::new(&[("one", Behaviour::Sound), ("two", Behaviour::Sound)]);
    world.engine.reload(&config(text)).expect("a sound configuration");
    world
}

fn answer(world: &World, raw: RawRequest) -> Retrieval {
    world.engine.retrieve(world.engine.admit(raw).expect("a sound request"))
}

fn name(name: &str) -> ChannelName {
    ChannelName::new(name).expect("a name")
}

fn status(retrieval: &Retrieval, channel: &str) -> ChannelStatus {
    let report = retrieval.report.channels.iter().find(|one| one.channel.as_str() == channel);
    report.expect("every channel of the plan is reported").status.clone()
}

#[test]
fn scene_segment_and_arm_choose_the_plan_and_the_answer_says_so() {
    let world = world(SCENES);
    let told = |retrieval: &Retrieval| {
        let text = |name: Option<&str>| name.unwrap_or("-").to_owned();
        let segment = text(retrieval.segment.as_ref().map(SegmentName::as_str));
        let arm = text(retrieval.arm.as_ref().map(ArmName::as_str));
        (segment, arm, retrieval.plan.to_string(), retrieval.candidates.len())
    };
    let expect = |raw: RawRequest, segment: &str, arm: &str, plan: &str, size: usize| {
        let got = told(&answer(&world, raw));
        assert_eq!(got, (segment.to_owned(), arm.to_owned(), plan.to_owned(), size));
    };
    // A stranger has no events: he is new, and has no arm.
    expect(RawRequest { user: None, ..of_user(0) }, "new", "-", "first_days", 7);
    let state = world.engine.state();
    let home = SceneName::new("home").unwrap();
    for user in 0..20 {
        let id = UserId::new(format!("u{user}")).unwrap();
        let arm = state.plans.arm_of(&home, &id).expect("the shares add up to 1").as_str();
        let (plan, size) = if arm == "b" { ("home_b", 9) } else { ("home", 60) };
        expect(of_user(user), "-", arm, plan, size);
        let as_new = RawRequest { segment: Some("new".into()), ..of_user(user) };
        expect(as_new, "new", arm, "first_days", 7);
        let as_b = RawRequest { arm: Some("b".into()), size: Some(3), ..of_user(user) };
        expect(as_b, "-", "b", "home_b", 3);
    }
    let idle = RawRequest { arm: Some("idle".into()), segment: Some("vip".into()), ..of_user(1) };
    expect(idle, "vip", "idle", "first_days", 7);
    let detail = RawRequest { scene: Some(SceneName::new("detail").unwrap()), ..of_user(1) };
    expect(detail, "-", "-", "home_b", 9);
}

#[test]
fn what_a_request_names_must_be_there() {
    let world = world(SCENES);
    let detail = || Some(SceneName::new("detail").unwrap());
    let cases = [
        (RawRequest { segment: Some("old".into()), ..of_user(0) }, "unknown_segment"),
        (RawRequest { arm: Some("c".into()), ..of_user(0) }, "unknown_arm"),
        (RawRequest { arm: Some("a".into()), scene: detail(), ..of_user(0) }, "unknown_arm"),
        (RawRequest { scene: SceneName::new("attic").ok(), ..of_user(0) }, "unknown_scene"),
    ];
    for (raw, code) in cases {
        assert_eq!(world.engine.admit(raw).err().unwrap().code, code);
    }
}

#[test]
fn every_mistake_is_refused_by_its_path_and_leaves_the_old_plans_in_force() {
    let world = world(SCENES);
    let before = answer(&world, of_user(3));
    let cases = [
        ("segment = \"new\"", "segment = \"nwe\"", "scene.home.rule[0].segment"),
        ("segment = \"new\"", "arm = \"c\"", "scene.home.rule[0].arm"),
        ("segment = \"new\"\nplan", "plan", "scene.home.rule[0].segment"),
        ("plan = \"first_days\"", "plan = \"last_days\"", "scene.home.rule[0].plan"),
        ("events_max = 5", "events_max = 1000", "segment.new.when.events_max"),
        ("events_max = 5", "events_min = 101", "segment.new.when.events_min"),
        ("events_max = 5", "events_min = 7, events_max = 5", "segment.new.when.events_max"),
        ("{ events_max = 5 }", "{ }", "segment.new.when"),
        ("{ events_max = 5 }", "{ city = [] }", "segment.new.when.city"),
        ("{ events_max = 5 }", "{ age = { min = 5, max = 2 } }", "segment.new.when.age"),
        ("{ events_max = 5 }", "{ city = \"Oslo\" }", "segment.new.when.city"),
        ("name = \"vip\"", "name = \"new\"", "segment.new"),
        ("scene = \"home\"", "scene = \"attic\"", "experiment.weights.scene"),
        ("share = 0.5 }", "share = 0.6 }", "experiment.weights.arms"),
        ("share = 0.5 }", "share = -0.5 }", "experiment.weights.arms[0].share"),
        ("name = \"idle\"", "name = \"a\"", "experiment.weights.arms[2].name"),
        (
            "name = \"idle\", plan = \"first_days\"",
            "name = \"idle\", plan = \"x\"",
            "experiment.weights.arms[2].plan",
        ),
        ("handover = 60", "handover = 60\nconsumed_days = -1.0", "plan.home.consumed_days"),
        (
            "handover = 60",
            "handover = 60\ncap = [{ field = \"city\", max = 3 }]",
            "plan.home.cap[0].field",
        ),
        (
            "handover = 60",
            "handover = 60\ncap = [{ field = \"author\", max = 0 }]",
            "plan.home.cap[0].max",
        ),
        (
            "handover = 60",
            "handover = 60\ncap = [{ field = \"author\", max = 1, level = 1 }]",
            "plan.home.cap[0].level",
        ),
        ("fetch_k = 50", "fetch_k = 50\nmin = 61\nmax = 70", "plan.home.channel"),
    ];
    for (from, to, field) in cases {
        assert!(SCENES.contains(from), "{from}");
        match world.engine.reload(&config(&SCENES.replacen(from, to, 1))) {
            Err(PublishError::Config(error)) => assert_eq!(error.field, field, "{error}"),
            other => panic!("{to}: {other:?}"),
        }
    }
    let unmet = SCENES.replacen("fetch_k = 50", "fetch_k = 50\nmin = 61\nmax = 70", 1);
    let error = world.engine.reload(&config(&unmet)).unwrap_err().to_string();
    assert_eq!(error, "plan.home.channel: the minima add up to 61, the handover size is 60");
    let unknown_kind = RetrievalConfig {
        channels: config(SCENES)
            .channels
            .into_iter()
            .map(|one| gannet_retrieval::ChannelConfig { kind: "no_such".to_owned(), ..one })
            .collect(),
        ..config(SCENES)
    };
    assert!(matches!(world.engine.reload(&unknown_kind), Err(PublishError::Channel(_))));
    assert_eq!(answer(&world, of_user(3)).candidates, before.candidates);
}

#[test]
fn a_reload_keeps_channels_that_did_not_change_and_takes_effect_at_once() {
    let world = world(SCENES);
    let channel = |channel: &str| world.engine.state().channel(&name(channel)).cloned().unwrap();
    let (one, two) = (channel("one"), channel("two"));
    let changed = format!("{SCENES}\n[[scene]]\nname = \"new_scene\"\nplan = \"home\"\n");
    let mut changed = config(&changed);
    changed.channels[1].parameters.insert("depth".to_owned(), 3.into());
    world.engine.reload(&changed).unwrap();
    assert!(std::sync::Arc::ptr_eq(&one, &channel("one")));
    assert!(!std::sync::Arc::ptr_eq(&two, &channel("two")));
    let scene = Some(SceneName::new("new_scene").unwrap());
    let raw = RawRequest { scene, ..of_user(1) };
    assert_eq!(answer(&world, raw).plan.as_str(), "home");
}

#[test]
fn a_channel_that_is_switched_off_leaves_its_places_and_stays_off_over_a_reload() {
    let world = world(SCENES);
    let raw = || RawRequest { arm: Some("a".into()), size: Some(20), ..of_user(1) };
    world.engine.set_channel_enabled(&name("two"), false).unwrap();
    let off = |retrieval: &Retrieval| {
        assert_eq!(status(retrieval, "two"), ChannelStatus::Disabled);
        assert!(!retrieval.report.degraded);
        assert_eq!((retrieval.candidates.len(), retrieval.report.filled_from_fallback), (20, 0));
        let is_there = |one: &gannet_retrieval::Evidence| one.channel == name("two");
        assert!(!retrieval.candidates.iter().any(|one| one.evidence.iter().any(is_there)));
    };
    off(&answer(&world, raw()));
    world.engine.reload(&config(SCENES)).unwrap();
    off(&answer(&world, raw()));
    // A configuration that says otherwise wins.
    let mut on = config(SCENES);
    on.channels[1].enabled = Some(true);
    world.engine.reload(&on).unwrap();
    assert_eq!(status(&answer(&world, raw()), "two"), ChannelStatus::Complete);
    on.channels[1].enabled = Some(false);
    world.engine.reload(&on).unwrap();
    off(&answer(&world, raw()));
    world.engine.set_channel_enabled(&name("two"), true).unwrap();
    assert_eq!(status(&answer(&world, raw()), "two"), ChannelStatus::Complete);
    let mut of_plan = config(SCENES);
    of_plan.plans[0].channels[1].enabled = false;
    world.engine.reload(&of_plan).unwrap();
    off(&answer(&world, raw()));
    let unknown = world.engine.set_channel_enabled(&name("three"), false).unwrap_err();
    assert_eq!(unknown.to_string(), "unknown channel three; known are one, two");
}
