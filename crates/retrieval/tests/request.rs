//! Requests that must be refused, each by field and code, and what a sound one means.

mod support;

use gannet_core::{ItemId, ItemIndex, ModelName, Refusal, Timestamp};
use gannet_retrieval::{
    Eligibility, QueryVector, RawHistoryEntry, RawRequest, Request, RequestError, UserProfile,
};
use support::{Behaviour, NOW, World, of_user, scene};

fn world() -> World {
    World::new(&[("one", Behaviour::Sound)])
}

fn check(raw: RawRequest) -> Result<Request, RequestError> {
    world().engine.admit(raw)
}

fn entry(item: &str) -> RawHistoryEntry {
    RawHistoryEntry { item: ItemId::new(item).expect("an id"), kind: None, value: None, time: None }
}

fn vector(model: &str, version: &str, values: &[f32]) -> QueryVector {
    let model = ModelName::new(model).expect("a name");
    QueryVector { model, version: version.to_owned(), values: values.to_vec() }
}

#[test]
fn every_bad_field_is_refused_by_path_and_code() {
    let empty = RawRequest::default;
    let history = |entry: RawHistoryEntry| RawRequest { history: vec![entry], ..empty() };
    let vectors = |vector: QueryVector| RawRequest { vectors: vec![vector], ..empty() };
    let ok = [1.0, 0.0, 0.0, 0.0];
    let cases = [
        (RawRequest { scene: Some(scene("nowhere")), ..empty() }, "scene", "unknown_scene"),
        (RawRequest { size: Some(0), ..empty() }, "size", "out_of_range"),
        (RawRequest { size: Some(usize::MAX), ..empty() }, "size", "out_of_range"),
        (RawRequest { now: Some(Timestamp(-1)), ..empty() }, "now", "out_of_range"),
        (RawRequest { now: Some(Timestamp(i64::MAX)), ..empty() }, "now", "out_of_range"),
        (RawRequest { history: vec![entry("i1"); 10_001], ..empty() }, "history", "too_many"),
        (
            RawRequest { blocked: vec![ItemId::new("i1").unwrap(); 10_001], ..empty() },
            "blocked",
            "too_many",
        ),
        (
            history(RawHistoryEntry { kind: Some("stare".into()), ..entry("i1") }),
            "history[0].kind",
            "unknown_kind",
        ),
        (
            history(RawHistoryEntry { value: Some(f32::NAN), ..entry("unknown") }),
            "history[0].value",
            "not_finite",
        ),
        (
            history(RawHistoryEntry { time: Some(Timestamp(i64::MIN)), ..entry("i1") }),
            "history[0].time",
            "out_of_range",
        ),
        (vectors(vector("bert", "v1", &ok)), "vectors[0].model", "unknown_model"),
        (vectors(vector("popularity", "v1", &ok)), "vectors[0].model", "wrong_model_kind"),
        (vectors(vector("ials", "v0", &ok)), "vectors[0].version", "wrong_version"),
        (vectors(vector("ials", "v1", &ok[..3])), "vectors[0].values", "wrong_dimension"),
        (vectors(vector("ials", "v1", &[])), "vectors[0].values", "wrong_dimension"),
        (vectors(vector("ials", "v1", &[0.0; 4])), "vectors[0].values", "zero_vector"),
        (
            vectors(vector("ials", "v1", &[1.0, f32::NAN, 0.0, 0.0])),
            "vectors[0].values[1]",
            "not_finite",
        ),
        (
            RawRequest { vectors: vec![vector("ials", "v1", &ok); 2], ..empty() },
            "vectors[1].model",
            "duplicate_model",
        ),
        (
            RawRequest { filter: Some("author = \"a\" and color = 1".to_owned()), ..empty() },
            "filter",
            "bad_filter",
        ),
    ];
    for (raw, field, code) in cases {
        let error = check(raw).err().unwrap_or_else(|| panic!("{field} was taken"));
        assert_eq!((error.field.as_str(), error.code), (field, code), "{error}");
    }
}

#[test]
fn refusals_say_what_stands_there_and_what_was_expected() {
    let scene = RawRequest { scene: Some(scene("nowhere")), ..RawRequest::default() };
    let vector = |model: &str, version: &str, values: &[f32]| RawRequest {
        vectors: vec![vector(model, version, values)],
        ..RawRequest::default()
    };
    let filter = |text: &str| RawRequest { filter: Some(text.into()), ..RawRequest::default() };
    let deep = "not ".repeat(33) + "author = \"a\"";
    let (three, nan) = ([1.0; 3], [1.0, f32::NAN, 0.0, 0.0]);
    for (raw, expected) in [
        (scene, "scene: unknown scene nowhere; known are home"),
        (vector("bert", "v1", &three), "vectors[0].model: the snapshot has no model bert"),
        (
            vector("popularity", "v1", &three),
            "vectors[0].model: popularity is a popularity: it has no vectors",
        ),
        (vector("ials", "v0", &three), "vectors[0].version: expected version v1"),
        (vector("ials", "v1", &three), "vectors[0].values: expected 4 values, these are 3"),
        (vector("ials", "v1", &nan), "vectors[0].values[1]: expected a finite number"),
        (
            filter(&deep),
            "filter: at character 129: expected at most 32 levels of parentheses and not",
        ),
        (
            filter("color = 1"),
            "filter: at character 1: unknown field \"color\"; known are tags, author, published, \
             expires, age_days",
        ),
        (filter("author = 3"), "filter: at character 1: author: expected texts in quotes"),
        (
            filter("author > \"a\""),
            "filter: at character 1: author: expected =, !=, in or any: texts have no order",
        ),
        (filter("age_days < \"old\""), "filter: at character 1: age_days: expected numbers"),
    ] {
        let error = check(raw).err().unwrap_or_else(|| panic!("taken: {expected}"));
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn unknown_items_are_counted_and_an_absent_value_is_positive() {
    let history = vec![entry("i1"), entry("never heard of"), entry("i2")];
    let request = check(RawRequest { history, ..RawRequest::default() }).unwrap();
    assert_eq!(request.unknown_items(), 1);
    let items: Vec<u32> = request.history().iter().map(|entry| entry.item.0).collect();
    assert_eq!(items, [1, 2]);
    assert!(request.history().iter().all(|entry| entry.strength > 0.0));
    assert!(request.history().iter().all(|entry| entry.time == Some(NOW)));
    assert_eq!((request.now(), request.scene().as_str()), (NOW, "home"));
}

#[test]
fn a_profile_has_user_state_first_and_the_requests_events_last() {
    let world = world();
    let raw = RawRequest {
        history: vec![entry("i77")],
        blocked: vec![ItemId::new("i5").unwrap(), ItemId::new("gone").unwrap()],
        ..of_user(1)
    };
    let request = world.engine.admit(raw).unwrap();
    let profile = UserProfile::build(&request, request.state());
    assert_eq!(profile.index.map(|index| index.0), Some(1));
    assert_eq!((profile.history().len(), profile.fresh_count), (11, 1));
    assert_eq!(profile.fresh()[0].item, ItemIndex(77));
    assert_eq!(request.unknown_names(), 1);
    let eligible = Eligibility::of(&request, &request.resolve(&profile).plan, &profile);
    assert_eq!(eligible.refusal(ItemIndex(5)), Some(Refusal::BlockedItem));
    assert_eq!(eligible.refusal(ItemIndex(77)), Some(Refusal::Consumed));
    assert_eq!(profile.triggers(1, None)[0].item, ItemIndex(77));
}

#[test]
fn an_unknown_user_and_an_empty_filter_are_answered() {
    let world = world();
    let raw = RawRequest { filter: Some("not author = \"x\"".to_owned()), ..of_user(9_999) };
    let retrieval = world.engine.retrieve(world.engine.admit(raw).unwrap());
    assert_eq!(retrieval.candidates.len(), 60);
    let none = "tags = \"no such tag\"".to_owned();
    let raw = RawRequest { filter: Some(none), ..of_user(1) };
    let retrieval = world.engine.retrieve(world.engine.admit(raw).unwrap());
    assert!(retrieval.candidates.is_empty());
}

#[test]
fn evaluation_asks_for_one_user_at_one_moment() {
    let world = world();
    let user = of_user(3).user.unwrap();
    let request = Request::for_user(world.engine.state(), user, Timestamp(5)).unwrap();
    assert!(request.keep_lists());
    assert_eq!(request.now(), Timestamp(5));
    assert_eq!(world.engine.retrieve(request).lists.len(), 1);
}
