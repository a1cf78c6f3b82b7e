//! What a user blocked is refused in his next request, over reloads and other snapshots, until he
//! says otherwise.

mod support;

use std::sync::Arc;

use gannet_core::{Catalogue, ChannelName, Item, ItemId, ManualClock, Refusal, TagPath, UserId};
use gannet_models::Snapshot;
use gannet_retrieval::{
    BlockNames, Engine, Explanation, LiveUsers, RawRequest, RetrievalConfig, SnapshotUsers,
};
use support::NOW;

fn snapshot(ids: &[&str]) -> Arc<Snapshot> {
    let item = |id: &&str| Item {
        author: Some(format!("author {id}")),
        tags: vec![TagPath::new(&format!("film/{id}")).expect("a tag")],
        ..Item::bare(ItemId::new(*id).expect("an id"))
    };
    let items: Vec<Item> = ids.iter().map(item).collect();
    let catalogue = Catalogue::from_items(&items).expect("distinct ids");
    Arc::new(Snapshot { version: ids.join(""), ..support::bare_snapshot(catalogue) })
}

fn config(handover: usize) -> RetrievalConfig {
    support::config(&format!(
        "channel = [{{ name = 'ordered', kind = 'ordered' }}]
         scene = [{{ name = 'home', plan = 'home' }}]
         plan = [{{ name = 'home', handover = {handover}, deadline_ms = 20000,
                    channel = [{{ name = 'ordered' }}] }}]"
    ))
}

fn engine(users: &Arc<LiveUsers>, snapshot: &Arc<Snapshot>) -> Engine {
    let options = support::options(Arc::new(ManualClock::at(NOW)));
    Engine::new(options, snapshot.clone(), &config(50), Some(users.clone())).expect("an engine")
}

fn user() -> UserId {
    UserId::new("u").expect("an id")
}

fn names(items: &[&str], authors: &[&str], tags: &[&str]) -> BlockNames {
    let [items, authors, tags] =
        [items, authors, tags].map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    BlockNames { items, authors, tags }
}

fn answered(engine: &Engine) -> Vec<String> {
    let raw = RawRequest { user: Some(user()), dry_run: true, ..RawRequest::default() };
    let retrieval = engine.retrieve(engine.admit(raw).expect("a sound request"));
    let catalogue = &engine.state().snapshot.catalogue;
    retrieval.candidates.iter().map(|one| catalogue.id(one.item).to_owned()).collect()
}

fn refusal(engine: &Engine, id: &str) -> Option<Refusal> {
    let raw = RawRequest { user: Some(user()), dry_run: true, ..RawRequest::default() };
    let item = engine.state().snapshot.catalogue.find(id).expect("known");
    match engine.explain(engine.admit(raw).expect("a sound request"), item) {
        Explanation::Refused(refused) => Some(refused.refusal),
        _ => None,
    }
}

#[test]
fn what_is_blocked_is_refused_by_its_reason_until_it_is_unblocked() {
    let snapshot = snapshot(&["a", "b", "c", "d"]);
    let users = Arc::new(LiveUsers::new(snapshot.clone()));
    let engine = engine(&users, &snapshot);
    assert_eq!(answered(&engine), ["a", "b", "c", "d"]);
    let blocked = engine.block(&user(), &names(&["a"], &["author b"], &[" film / c "]));
    assert_eq!(blocked, Ok(names(&["a"], &["author b"], &["film/c"])));
    assert_eq!(answered(&engine), ["d"]);
    assert_eq!(refusal(&engine, "a"), Some(Refusal::BlockedItem));
    assert_eq!(refusal(&engine, "b"), Some(Refusal::BlockedAuthor));
    assert_eq!(refusal(&engine, "c"), Some(Refusal::BlockedTag));
    engine.reload(&config(40)).expect("sound");
    assert_eq!(answered(&engine), ["d"], "over a reload");
    let left = engine.unblock(&user(), &names(&["a", "d"], &[], &["film/c"])).expect("known");
    assert_eq!(left, names(&[], &["author b"], &[]));
    assert_eq!(answered(&engine), ["a", "c", "d"]);
    engine.block(&user(), &names(&[], &[], &["film"])).expect("known");
    assert!(answered(&engine).is_empty(), "a tag takes those below it");
    assert_eq!(engine.blocks(&user()), names(&[], &["author b"], &["film"]));
}

#[test]
fn an_unknown_name_is_refused_and_nothing_is_half_applied() {
    let snapshot = snapshot(&["a", "b"]);
    let users = Arc::new(LiveUsers::new(snapshot.clone()));
    let engine = engine(&users, &snapshot);
    let long = "x".repeat(300);
    for (names, field, code) in [
        (names(&["a", "z"], &[], &[]), "items[1]", "unknown_item"),
        (names(&["a"], &["nobody"], &[]), "authors[0]", "unknown_author"),
        (names(&["a"], &["author a"], &["film/a", "film//a"]), "tags[1]", "unknown_tag"),
        (names(&["a"], &[""], &[]), "authors[0]", "bad_name"),
        (names(&["a"], &[&long], &[]), "authors[0]", "bad_name"),
        (names(&vec!["a"; 10_001], &[], &[]), "items", "too_many"),
    ] {
        for refused in [engine.block(&user(), &names), engine.unblock(&user(), &names)] {
            let error = refused.expect_err(field);
            assert_eq!((error.field.as_str(), error.code), (field, code), "{error}");
        }
    }
    assert_eq!(engine.blocks(&user()), BlockNames::default());
    let fixed = Arc::new(SnapshotUsers::new(snapshot.clone()));
    engine.publish(snapshot, &config(50), Some(fixed)).expect("sound");
    let refused = engine.block(&user(), &names(&["a"], &[], &[])).expect_err("read-only");
    assert_eq!(refused.code, "not_applied");
}

#[test]
fn another_snapshot_keeps_blocks_and_switches_and_a_refused_one_changes_nothing() {
    let first = snapshot(&["a", "b", "c"]);
    let users = Arc::new(LiveUsers::new(first.clone()));
    let engine = engine(&users, &first);
    engine.block(&user(), &names(&["c"], &["author b"], &[])).expect("known");
    let ordered = ChannelName::new("ordered").expect("a name");

    let second = snapshot(&["new", "c", "b"]);
    let next = Arc::new(LiveUsers::after(&users, second.clone()));
    let broken = RetrievalConfig::default();
    engine.publish(second.clone(), &broken, Some(next)).expect_err("no scene");
    assert_eq!(answered(&engine), ["a"]);
    engine.unblock(&user(), &names(&["c"], &[], &[])).expect("known");
    assert_eq!(answered(&engine), ["a", "c"], "the old one serves as if nothing had happened");

    let under_way = engine.admit(RawRequest { user: Some(user()), ..RawRequest::default() });
    let under_way = under_way.expect("a sound request");
    engine.set_channel_enabled(&ordered, false).expect("configured");
    let next = Arc::new(LiveUsers::after(&users, second.clone()));
    engine.publish(second, &config(50), Some(next.clone())).expect("sound");
    assert!(engine.state().switches().all(|(_, enabled)| !enabled), "its switch stays");
    engine.set_channel_enabled(&ordered, true).expect("configured");
    assert_eq!(answered(&engine), ["new", "c"]);
    // What was under way finishes on its own snapshot, and its answer is delivered in the next.
    assert_eq!(engine.retrieve(under_way).candidates.len(), 2);
    assert_eq!(answered(&engine), ["new"]);
    assert_eq!(refusal(&engine, "c"), Some(Refusal::Delivered));
}
