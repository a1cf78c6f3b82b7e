//! An author with a million items, and a user with a million events: both are answered, and what
//! is kept of them is bounded.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_core::{
    CatalogueBuilder, EventKinds, Interaction, Item, ItemId, ItemIndex, KindIndex, ManualClock,
    Timestamp, UserId,
};
use gannet_models::{Histories, KeyIndex, Model, Popularity, Snapshot};
use gannet_retrieval::{Engine, LiveUsers, RawRequest, UserProfile};
use support::{NOW, config, model};

const MILLION: u32 = 1_000_000;

const CONFIG: &str = r#"
channel = [{ name = "of_author", kind = "inverted", model = "author" }]
scene = [{ name = "home", plan = "home" }]
[[plan]]
name = "home"
handover = 500
deadline_ms = 20000
[[plan.channel]]
name = "of_author"
fetch_k = 500
"#;

/// All items but the last ten are of one author; the later an item, the more popular. The first
/// user played all of his items once, the second two of them.
fn snapshot() -> Snapshot {
    let count = MILLION + 10;
    let mut builder = CatalogueBuilder::new();
    for at in 0..count {
        let author = if at < MILLION { "busy" } else { "quiet" };
        let id = ItemId::new(at.to_string()).expect("an id");
        let item = Item { author: Some(author.to_owned()), ..Item::bare(id) };
        builder.add(&item).expect("distinct ids");
    }
    let catalogue = builder.finish();
    let popularity = Popularity::new((0..count).map(|at| at as f32).collect());
    let authors = KeyIndex::by_worth(&catalogue, "author", 0.5, &popularity).expect("authors");
    let event = |(place, item): (i64, u32)| Interaction {
        item: ItemIndex(item),
        kind: KindIndex(0),
        value: 1.0,
        time: Some(Timestamp(NOW.0 - 2_000_000 + place)),
        scene: None,
    };
    let events: Vec<Interaction> = (0..).zip((0..MILLION).chain([3, 5])).map(event).collect();
    let ends = vec![0, u64::from(MILLION), u64::from(MILLION) + 2];
    let users = ["tireless", "new"].map(str::to_owned).into_iter().collect();
    Snapshot {
        kinds: EventKinds::implicit("play"),
        histories: Arc::new(Histories::new(users, ends, events)),
        models: BTreeMap::from([
            (model("author"), Model::KeyIndex(Arc::new(authors))),
            (model("popularity"), Model::Popularity(Arc::new(popularity))),
        ]),
        ..support::bare_snapshot(catalogue)
    }
}

fn request(user: &str) -> RawRequest {
    RawRequest { user: UserId::new(user).ok(), dry_run: true, ..RawRequest::default() }
}

#[test]
fn an_author_with_a_million_items_and_a_user_with_a_million_events_are_answered() {
    let snapshot = Arc::new(snapshot());
    let options = support::options(Arc::new(ManualClock::at(NOW)));
    let users = Arc::new(LiveUsers::new(snapshot.clone()));
    let engine = Engine::new(options, snapshot, &config(CONFIG), Some(users)).expect("an engine");
    let answer = |raw| engine.retrieve(engine.admit(raw).expect("a sound request"));

    let rows: Vec<u32> = answer(request("new")).candidates.iter().map(|one| one.item.0).collect();
    // The most popular of the author's: his list stands in that order, so a budget cuts its end.
    assert_eq!(rows, (MILLION - 500..MILLION).rev().collect::<Vec<u32>>());
    let blocked = RawRequest { blocked_authors: vec!["busy".into()], ..request("new") };
    let rows: Vec<u32> = answer(blocked).candidates.iter().map(|one| one.item.0).collect();
    assert!(rows.iter().all(|row| *row >= MILLION), "{rows:?}");

    let asked = engine.admit(request("tireless")).expect("a sound request");
    let profile = UserProfile::build(&asked, &engine.state());
    assert!((100..MILLION as usize).contains(&profile.history().len()));
    let newest = profile.triggers(3, None).iter().map(|one| one.item.0).collect::<Vec<_>>();
    assert_eq!(newest, [MILLION - 1, MILLION - 2, MILLION - 3]);
    let retrieval = answer(request("tireless"));
    assert!(!retrieval.candidates.is_empty());
    let recent = MILLION - 1_000..MILLION;
    assert!(!retrieval.candidates.iter().any(|one| recent.contains(&one.item.0)));
}
