//! Segments by what is known of a user, items that a scene refuses, and configurations that name
//! what is not there.

mod support;

use std::sync::Arc;

use gannet_core::{
    Column, FieldTable, ItemIndex, ManualClock, Refusal, SegmentName, StringTable, UserId,
};
use gannet_models::{Histories, Snapshot};
use gannet_retrieval::{ConfigError, Engine, Explanation, PublishError, RawRequest, Refused};
use support::{NOW, config};

const CONFIG: &str = r#"
[[channel]]
name = "ordered"
kind = "ordered"

[[plan]]
name = "home"
handover = 20
deadline_ms = 20000
[[plan.channel]]
name = "ordered"
fetch_k = 20

[[plan]]
name = "short"
handover = 5
deadline_ms = 20000
[[plan.channel]]
name = "ordered"

[[scene]]
name = "home"
plan = "home"
[[scene.rule]]
segment = "young_north"
plan = "short"

[[scene]]
name = "children"
plan = "home"
eligible = "author in [\"a1\", \"a2\"] and not tags = \"tag/t3\""

[[segment]]
name = "young_north"
when = { city = ["Oslo", "Bergen"], age = { min = 18, max = 30 } }
[[segment]]
name = "club"
when = { level = [3, 4] }
[[segment]]
name = "roman"
when = { city = "Rome", events_max = 100 }
"#;

/// Of users 0 to 5: city and age, and of the last two a level.
const USERS: [(&str, f64, f64); 6] = [
    ("Oslo", 18.0, f64::NAN),
    ("Bergen", 31.0, f64::NAN),
    ("Oslo", f64::NAN, f64::NAN),
    ("Rome", 20.0, f64::NAN),
    ("Rome", 20.0, 3.0),
    ("Bergen", 30.0, 4.0),
];

fn snapshot() -> Snapshot {
    let mut cities = StringTable::new();
    let rows = USERS.iter().map(|user| cities.intern(user.0)).collect();
    let numbers = |of: fn(&(&str, f64, f64)) -> f64| Column::Number(USERS.iter().map(of).collect());
    let fields = FieldTable::from_columns(vec![
        ("city".to_owned(), Column::Text { values: cities, rows }),
        ("age".to_owned(), numbers(|user| user.1)),
        ("level".to_owned(), numbers(|user| user.2)),
    ]);
    let snapshot = support::snapshot(300, 6);
    let histories: Histories = (*snapshot.histories).clone();
    let histories = Arc::new(histories.with(Vec::new(), fields.expect("sound columns")));
    Snapshot { histories, ..snapshot }
}

fn engine() -> Engine {
    let options = support::options(Arc::new(ManualClock::at(NOW)));
    Engine::new(options, Arc::new(snapshot()), &config(CONFIG), None).expect("an engine")
}

fn of(user: &str) -> RawRequest {
    RawRequest { user: UserId::new(user).ok(), ..RawRequest::default() }
}

/// What a changed configuration is refused for.
fn refusal(engine: &Engine, from: &str, to: &str) -> PublishError {
    assert!(CONFIG.contains(from), "{from}");
    engine.reload(&config(&CONFIG.replacen(from, to, 1))).expect_err(to)
}

#[test]
fn a_users_fields_decide_his_segment_and_its_rule_the_plan() {
    let engine = engine();
    let told = |raw: RawRequest| {
        let retrieval = engine.retrieve(engine.admit(raw).expect("a sound request"));
        let segment = retrieval.segment.as_ref().map_or("-", SegmentName::as_str).to_owned();
        (segment, retrieval.plan.to_string(), retrieval.candidates.len())
    };
    let expect = |raw: RawRequest, segment: &str, plan: &str, size: usize| {
        assert_eq!(told(raw.clone()), (segment.to_owned(), plan.to_owned(), size), "{raw:?}");
    };
    expect(of("u0"), "young_north", "short", 5);
    expect(of("u1"), "-", "home", 20);
    expect(of("u2"), "-", "home", 20);
    expect(of("u3"), "roman", "home", 20);
    // The first that holds, in the order of the configuration.
    expect(of("u4"), "club", "home", 20);
    expect(of("u5"), "young_north", "short", 5);
    // Who has no row has no fields; and what the request says wins.
    expect(of("nobody"), "-", "home", 20);
    expect(RawRequest { segment: Some("club".into()), ..of("u0") }, "club", "home", 20);
}

#[test]
fn a_segment_on_a_field_that_users_do_not_have_is_refused_by_its_path() {
    let engine = engine();
    for (from, to, field, why) in [
        ("level = [3, 4]", "shoe = 44", "segment.club.when.shoe", "they have city, age, level"),
        ("level = [3, 4]", "level = \"gold\"", "segment.club.when.level", "of numbers"),
        ("city = \"Rome\"", "city = 7", "segment.roman.when.city", "of text"),
        ("max = 30 }", "max = 17 }", "segment.young_north.when.age", "{ min = .., max = .. }"),
    ] {
        let PublishError::Config(ConfigError { field: at, why: said }) = refusal(&engine, from, to)
        else {
            panic!("{to} is the configuration's fault");
        };
        assert_eq!(at, field);
        assert!(said.contains(why), "{said}");
    }
    // A city that no user is from yet is none of these.
    let text = CONFIG.replace("\"Rome\"", "\"Atlantis\"");
    engine.reload(&config(&text)).expect("a sound configuration");
}

#[test]
fn a_scene_refuses_its_items_as_policy_and_other_scenes_show_them() {
    let engine = engine();
    let ask = |scene: &str, filter: Option<&str>| {
        let filter = filter.map(str::to_owned);
        let scene = Some(support::scene(scene));
        let raw = RawRequest { scene, filter, size: Some(300), ..RawRequest::default() };
        engine.admit(raw).expect("a sound request")
    };
    let rows = |scene: &str, filter: Option<&str>| -> Vec<u32> {
        let retrieval = engine.retrieve(ask(scene, filter));
        let mut rows: Vec<u32> = retrieval.candidates.iter().map(|one| one.item.0).collect();
        rows.sort_unstable();
        rows
    };
    // Authors are by the index modulo 5, tags modulo 7, and every tenth item is unavailable.
    let suits = |at: &u32| [1, 2].contains(&(at % 5)) && at % 7 != 3 && at % 10 != 9;
    let children: Vec<u32> = (0..300).filter(suits).collect();
    assert_eq!(rows("children", None), children);
    let of_two: Vec<u32> = children.iter().copied().filter(|at| at % 5 == 2).collect();
    assert_eq!(rows("children", Some("author = \"a2\"")), of_two);
    let why = |scene: &str, item: u32| engine.explain(ask(scene, None), ItemIndex(item));
    let policy = Explanation::Refused(Refused { refusal: Refusal::Policy, since: None });
    assert_eq!((why("children", 0), why("children", 31)), (policy.clone(), policy));
    let unavailable = Refused { refusal: Refusal::Unavailable, since: None };
    assert_eq!(why("children", 9), Explanation::Refused(unavailable));
    assert!(!matches!(why("home", 0), Explanation::Refused(_)));
    assert!(!matches!(why("children", 1), Explanation::Refused(_)));
}

#[test]
fn a_scene_whose_condition_is_wrong_or_passes_with_time_leaves_the_old_one_in_force() {
    let engine = engine();
    let condition = r#"author in [\"a1\", \"a2\"] and not tags = \"tag/t3\""#;
    for (to, why) in [
        ("age_days <= 7", "say it in the request's filter"),
        ("not (author = \\\"a1\\\" and age_days > 1)", "age_days changes by the hour"),
        ("shoe > 3", "shoe"),
        ("author in", "at character"),
        ("published > \\\"someday\\\"", "at character"),
    ] {
        let PublishError::Config(error) = refusal(&engine, condition, to) else {
            panic!("{to} is the configuration's fault");
        };
        assert_eq!(error.field, "scene.children.eligible");
        assert!(error.why.contains(why), "{error}");
    }
    let scene = Some(support::scene("children"));
    let raw = RawRequest { scene, ..RawRequest::default() };
    let retrieval = engine.retrieve(engine.admit(raw).expect("a sound request"));
    assert!(retrieval.candidates.iter().all(|one| [1, 2].contains(&(one.item.0 % 5))));
}

#[test]
fn what_is_unknown_or_cannot_be_met_is_refused_with_what_is_known() {
    let engine = engine();
    let said = |from: &str, to: &str| refusal(&engine, from, to).to_string();
    for (from, to, parts) in [
        ("kind = \"ordered\"", "kind = \"nearest\"", &["ordered", "nearest", "popular"][..]),
        (
            "plan = \"short\"",
            "plan = \"shrt\"",
            &["scene.home.rule[0].plan", "unknown plan shrt", "home, short"],
        ),
        (
            "plan = \"home\"\neligible",
            "plan = \"away\"\neligible",
            &["scene.children.plan", "unknown plan away", "home, short"],
        ),
        ("fetch_k = 20", "fetch_k = 50\nmin = 21\nmax = 40", &["plan.home.channel", "20", "21"]),
    ] {
        let said = said(from, to);
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    }
    let scene = Some(support::scene("attic"));
    let error = engine.admit(RawRequest { scene, ..RawRequest::default() }).err();
    let error = error.expect("there is no attic");
    assert_eq!((error.field.as_str(), error.code), ("scene", "unknown_scene"));
    assert!(error.to_string().contains("home, children"), "{error}");
}
