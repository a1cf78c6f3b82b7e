//! What a user turned away from, through the whole engine: a dislike, or a video left early, steers
//! the profile, the channels and the eligibility of the next request.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_core::{
    Catalogue, EventKind, EventKinds, Interaction, Item, ItemId, ItemIndex, KindIndex, ManualClock,
    Marks, Refusal, SparseRows, Timestamp, UserId, watch_share,
};
use gannet_models::{Factors, FoldIn, Histories, ItemNeighbours, KeyIndex, Model, Snapshot};
use gannet_retrieval::{
    Engine, Explanation, LiveUsers, RawEvent, RawRequest, Refused, UserProfile,
};
use gannet_vectors::Matrix;
use support::{NOW, config, model};

const CONFIG: &str = r#"
channel = [
    { name = "of_author", kind = "inverted", model = "author", popularity_weight = 0.0 },
    { name = "alike", kind = "item_cf", model = "item_cf" },
]
scene = [{ name = "home", plan = "home" }]
[[plan]]
name = "home"
handover = 30
deadline_ms = 20000
[[plan.channel]]
name = "of_author"
fetch_k = 30
[[plan.channel]]
name = "alike"
fetch_k = 30
"#;

/// 60 items of six authors, by the index modulo 6.
const AUTHORS: u32 = 6;

/// The item that the user turns away from; of the author of item 0.
const DISLIKED: u32 = 6;

/// A watch is positive from half of the video (or 18 seconds) on, and negative below a fifth.
fn kinds() -> EventKinds {
    let watch = EventKind {
        negative_below: Some(0.2),
        marks: Marks::Exposed,
        ..EventKind::new("watch", 1.0, Some(0.5))
    };
    let dislike = EventKind { marks: Marks::Nothing, ..EventKind::new("dislike", -1.0, None) };
    EventKinds::new(vec![EventKind::new("like", 1.0, None), watch, dislike]).expect("kinds")
}

fn snapshot() -> Snapshot {
    let item = |at: u32| Item {
        author: Some(format!("a{}", at % AUTHORS)),
        ..Item::bare(ItemId::new(at.to_string()).expect("an id"))
    };
    let items: Vec<Item> = (0..60).map(item).collect();
    let catalogue = Catalogue::from_items(&items).expect("distinct ids");
    // Items 8 and 9 are alike to all three, the others to one each.
    let neighbours = |at: u32| match at {
        0 => vec![(8, 1.0), (9, 1.0), (6, 0.5), (7, 0.5)],
        1 => vec![(8, 1.0), (9, 1.0), (10, 0.5), (11, 0.5)],
        DISLIKED => vec![(8, 1.75), (9, 1.75)],
        _ => Vec::new(),
    };
    let lists = SparseRows::from_rows(60, (0..60).map(neighbours));
    let alike = ItemNeighbours { lists, recency_exponent: 0.0 };
    let authors = KeyIndex::of_catalogue(&catalogue, "author", 0.5).expect("items have authors");
    Snapshot {
        kinds: kinds(),
        models: BTreeMap::from([
            (model("author"), Model::KeyIndex(Arc::new(authors))),
            (model("item_cf"), Model::ItemNeighbours(Arc::new(alike))),
        ]),
        ..support::bare_snapshot(catalogue)
    }
}

/// An engine whose only user likes items 0 and 1.
fn engine() -> Engine {
    let snapshot = Arc::new(snapshot());
    let options = support::options(Arc::new(ManualClock::at(NOW)));
    let users = Arc::new(LiveUsers::new(snapshot.clone()));
    let engine = Engine::new(options, snapshot, &config(CONFIG), Some(users)).expect("an engine");
    apply(&engine, 0, "like", None);
    apply(&engine, 1, "like", None);
    engine
}

fn apply(engine: &Engine, item: u32, kind: &str, value: Option<f32>) {
    let event = RawEvent {
        user: UserId::new("u").expect("an id"),
        item: ItemId::new(item.to_string()).expect("an id"),
        kind: Some(kind.to_owned()),
        value,
        time: None,
        scene: None,
    };
    assert_eq!(engine.apply(vec![event]), Ok(1));
}

fn request() -> RawRequest {
    let user = UserId::new("u").ok();
    RawRequest { user, keep_lists: true, dry_run: true, ..RawRequest::default() }
}

/// What the two channels found, in their order, and what was answered.
fn lists(engine: &Engine) -> [Vec<u32>; 3] {
    let retrieval = engine.retrieve(engine.admit(request()).expect("a sound request"));
    let list = |name: &str| {
        let answer = retrieval.lists.iter().find(|one| one.channel.as_str() == name);
        let answer = answer.expect("both channels answer");
        answer.list.found.iter().map(|found| found.item.0).collect()
    };
    let answered = retrieval.candidates.iter().map(|one| one.item.0).collect();
    [list("of_author"), list("alike"), answered]
}

fn profile(engine: &Engine) -> UserProfile {
    let request = engine.admit(request()).expect("a sound request");
    UserProfile::build(&request, &engine.state())
}

fn of_author(items: &[u32], author: u32) -> usize {
    items.iter().filter(|item| **item % AUTHORS == author).count()
}

/// After the user turned away from an item: no list has it, its author's items are gone, and what
/// is alike to it has fallen behind.
fn assert_pushed_away(engine: &Engine) {
    let disliked: Vec<ItemIndex> =
        profile(engine).dislikes(10, None).iter().map(|one| one.item).collect();
    assert_eq!(disliked, [ItemIndex(DISLIKED)]);
    let [authors, alike, answered] = lists(engine);
    assert_eq!((of_author(&authors, 0), of_author(&authors, 1)), (0, 9), "{authors:?}");
    assert_eq!(alike, [7, 10, 11, 8, 9]);
    assert!(!answered.contains(&DISLIKED));
    let asked = engine.admit(request()).expect("a sound request");
    assert!(matches!(
        engine.explain(asked, ItemIndex(DISLIKED)),
        Explanation::Refused(Refused { refusal: Refusal::BlockedItem | Refusal::Exposed, .. })
    ));
}

/// What is found before.
fn assert_liked(engine: &Engine) {
    assert!(profile(engine).dislikes(10, None).is_empty());
    let [authors, alike, answered] = lists(engine);
    assert_eq!((of_author(&authors, 0), of_author(&authors, 1)), (9, 9), "{authors:?}");
    assert_eq!(alike, [8, 9, 6, 7, 10, 11]);
    assert!(answered.contains(&DISLIKED));
}

#[test]
fn a_dislike_pushes_the_items_author_and_neighbours_away_in_the_next_request() {
    let engine = engine();
    assert_liked(&engine);
    apply(&engine, DISLIKED, "dislike", None);
    assert_pushed_away(&engine);
}

#[test]
fn a_watch_too_short_for_the_videos_length_counts_as_a_dislike() {
    // Two seconds are a ninth of what makes a long view of a minute's video.
    let engine = engine();
    apply(&engine, DISLIKED, "watch", Some(watch_share(2_000.0, 60_000.0, 18_000.0)));
    assert_pushed_away(&engine);
}

#[test]
fn the_same_two_seconds_of_a_short_video_are_a_like_and_a_third_of_one_is_no_verdict() {
    let of_length = |length_ms| {
        let engine = engine();
        apply(&engine, DISLIKED, "watch", Some(watch_share(2_000.0, length_ms, 18_000.0)));
        let profile = profile(&engine);
        let items = |of: Vec<gannet_retrieval::Trigger>| of.iter().map(|one| one.item.0).collect();
        let verdicts: [Vec<u32>; 2] =
            [items(profile.triggers(10, None)), items(profile.dislikes(10, None))];
        verdicts
    };
    assert_eq!(of_length(3_000.0), [vec![DISLIKED, 1, 0], vec![]]);
    assert_eq!(of_length(6_000.0), [vec![1, 0], vec![]]);
    assert_eq!(of_length(60_000.0), [vec![1, 0], vec![DISLIKED]]);
}

#[test]
fn a_like_after_a_dislike_takes_it_back() {
    let engine = engine();
    apply(&engine, DISLIKED, "dislike", None);
    apply(&engine, DISLIKED, "like", None);
    assert!(profile(&engine).dislikes(10, None).is_empty());
    let [authors, alike, _] = lists(&engine);
    assert_eq!(of_author(&authors, 0), 8, "all but the two that he liked");
    assert_eq!(alike[..2], [8, 9]);
}

/// Items whose vectors point the one way where even, the other where odd. Training knew user `u`
/// as one who likes the even ones.
fn two_ways() -> Engine {
    let known = snapshot();
    let rows = |odd: fn(u32) -> bool, count: u32| {
        let values = (0..count).flat_map(|at| if odd(at) { [0.0, 1.0] } else { [1.0, 0.0] });
        Arc::new(Matrix::from_values(values.collect(), 2).expect("whole rows"))
    };
    let (items, users) = (rows(|at| at % 2 == 1, 60), rows(|_| false, 1));
    let fold_in = Some(FoldIn::new(&items, 1.0, 0.1, 0.1, 1.0));
    let factors = Factors { version: "1".to_owned(), items, users, fold_in };
    let like = Interaction {
        item: ItemIndex(0),
        kind: KindIndex(0),
        value: 1.0,
        time: Some(Timestamp(NOW.0 - 1_000)),
        scene: None,
    };
    let users = ["u"].into_iter().collect();
    let snapshot = Arc::new(Snapshot {
        histories: Arc::new(Histories::new(users, vec![0, 1], vec![like])),
        models: BTreeMap::from([(model("ials"), Model::Factors(Arc::new(factors)))]),
        ..known
    });
    let config = config(
        "channel = [{ name = 'vectors', kind = 'u2i_vector' }]
         scene = [{ name = 'home', plan = 'home' }]
         plan = [{ name = 'home', handover = 5, deadline_ms = 20000,
                   channel = [{ name = 'vectors', fetch_k = 5 }] }]",
    );
    let options = support::options(Arc::new(ManualClock::at(NOW)));
    let users = Arc::new(LiveUsers::new(snapshot.clone()));
    Engine::new(options, snapshot, &config, Some(users)).expect("an engine")
}

#[test]
fn likes_since_training_move_the_vector_of_a_user_whom_training_knew() {
    let engine = two_ways();
    let ways = || -> Vec<u32> {
        let raw = RawRequest { user: UserId::new("u").ok(), dry_run: true, ..Default::default() };
        let retrieval = engine.retrieve(engine.admit(raw).expect("a sound request"));
        retrieval.candidates.iter().map(|one| one.item.0 % 2).collect()
    };
    assert_eq!(ways(), [0; 5]);
    [1, 3, 5].into_iter().for_each(|item| apply(&engine, item, "like", None));
    assert_eq!(ways(), [1; 5]);
}
