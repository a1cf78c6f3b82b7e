//! Pages asked in a row while exposures arrive late: nothing is shown twice.

mod support;

use std::sync::Arc;
use std::time::Duration;

use gannet_core::{
    Catalogue, Clock, EventKind, EventKinds, Item, ItemId, ManualClock, Marks, Refusal, Timestamp,
    UserId,
};
use gannet_models::Snapshot;
use gannet_retrieval::{Engine, Explanation, LiveUsers, RawEvent, RawRequest};
use support::NOW;

fn kinds() -> EventKinds {
    let exposed = EventKind { marks: Marks::Exposed, ..EventKind::new("exposed", 0.0, None) };
    let dislike = EventKind { marks: Marks::Nothing, ..EventKind::new("dislike", -1.0, None) };
    EventKinds::new(vec![EventKind::new("play", 1.0, None), exposed, dislike]).expect("kinds")
}

fn engine(rule: &str, clock: &Arc<ManualClock>) -> Engine {
    let item = |at: u32| Item {
        expires: (at == 0).then_some(Timestamp(NOW.0 + 5_000)),
        author: Some(format!("a{}", at % 100)),
        ..Item::bare(ItemId::new(at.to_string()).expect("an id"))
    };
    let items: Vec<Item> = (0..1_000).map(item).collect();
    let catalogue = Catalogue::from_items(&items).expect("distinct ids");
    let snapshot = Arc::new(Snapshot { kinds: kinds(), ..support::bare_snapshot(catalogue) });
    let text = format!(
        "channel = [{{ name = 'ordered', kind = 'ordered' }}]
         scene = [{{ name = 'home', plan = 'home' }}]
         [[plan]]
         name = 'home'
         handover = 50
         deadline_ms = 20000
         {rule}
         [[plan.channel]]
         name = 'ordered'
         fetch_k = 50"
    );
    let users = Arc::new(LiveUsers::new(snapshot.clone()));
    let options = support::options(clock.clone());
    Engine::new(options, snapshot, &support::config(&text), Some(users)).expect("an engine")
}

fn user() -> UserId {
    UserId::new("u").expect("an id")
}

fn request() -> RawRequest {
    RawRequest { user: Some(user()), ..RawRequest::default() }
}

fn page(engine: &Engine, raw: RawRequest) -> Vec<u32> {
    let retrieval = engine.retrieve(engine.admit(raw).expect("a sound request"));
    retrieval.candidates.iter().map(|one| one.item.0).collect()
}

fn event(item: u32, kind: &str, time: Timestamp) -> RawEvent {
    RawEvent {
        user: user(),
        item: ItemId::new(item.to_string()).expect("an id"),
        kind: Some(kind.to_owned()),
        value: None,
        time: Some(time),
        scene: None,
    }
}

/// Five pages, ten seconds apart; each page's exposures arrive thirty seconds after it.
fn five_pages(engine: &Engine, clock: &ManualClock) -> Vec<u32> {
    let mut shown: Vec<Vec<u32>> = Vec::new();
    for at in 0..5 {
        if at >= 3 {
            expose(engine, &shown[at - 3], clock.now());
        }
        shown.push(page(engine, request()));
        assert_eq!(shown[at].len(), 50);
        clock.advance(Duration::from_secs(10));
    }
    (2..5).for_each(|at| expose(engine, &shown[at], clock.now()));
    shown.concat()
}

fn expose(engine: &Engine, items: &[u32], now: Timestamp) {
    let events = items.iter().map(|item| event(*item, "exposed", now)).collect();
    assert_eq!(engine.apply(events), Ok(items.len()));
}

fn repeats(items: &[u32]) -> usize {
    let mut sorted = items.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

const ON: &str = "delivered_minutes = 10\nexposed_days = 7";

#[test]
fn five_pages_in_a_row_repeat_nothing_while_exposures_lag() {
    let clock = Arc::new(ManualClock::at(NOW));
    let engine = engine(ON, &clock);
    let mut all = five_pages(&engine, &clock);
    assert_eq!(repeats(&all), 0);
    clock.advance(Duration::from_secs(3_600));
    all.extend(page(&engine, request()));
    assert_eq!((all.len(), repeats(&all)), (300, 0), "exposures have taken over");
    clock.advance(Duration::from_secs(8 * 86_400));
    let later = page(&engine, request());
    assert_eq!(later, (1..51).collect::<Vec<u32>>(), "all windows are past, and 0 has expired");
}

#[test]
fn each_set_alone_does_its_part_and_without_any_pages_repeat() {
    let repeats_under = |rule: &str| {
        let clock = Arc::new(ManualClock::at(NOW));
        let engine = engine(rule, &clock);
        let mut all = five_pages(&engine, &clock);
        let in_a_row = repeats(&all);
        clock.advance(Duration::from_secs(3_600));
        all.extend(page(&engine, request()));
        (in_a_row, repeats(&all) - in_a_row)
    };
    let (in_a_row, later) = repeats_under("refuse_delivered = false\nrefuse_exposed = false");
    assert!(in_a_row >= 190 && later >= 49, "{in_a_row} {later}");
    let (in_a_row, later) = repeats_under("refuse_delivered = false");
    assert!(in_a_row > 0 && later == 0, "exposures come too late: {in_a_row} {later}");
    let (in_a_row, later) = repeats_under("refuse_exposed = false\ndelivered_minutes = 10");
    assert!(in_a_row == 0 && later > 0, "deliveries are forgotten: {in_a_row} {later}");
}

#[test]
fn a_dry_run_leaves_no_trace() {
    let clock = Arc::new(ManualClock::at(NOW));
    let engine = engine(ON, &clock);
    let dry = || page(&engine, RawRequest { dry_run: true, ..request() });
    assert_eq!(dry(), dry());
    let first = page(&engine, request());
    assert_eq!(repeats(&[first, dry()].concat()), 0);
}

#[test]
fn a_dislike_counts_in_the_next_request_and_says_since_when() {
    let clock = Arc::new(ManualClock::at(NOW));
    let engine = engine("refuse_consumed = false", &clock);
    let first = page(&engine, RawRequest { dry_run: true, ..request() })[1];
    assert_eq!(engine.apply(vec![event(first, "dislike", NOW)]), Ok(1));
    assert!(!page(&engine, RawRequest { dry_run: true, ..request() }).contains(&first));
    let asked = engine.admit(request()).expect("a sound request");
    let Explanation::Refused(refused) = engine.explain(asked, first.into()) else {
        panic!("a disliked item is refused");
    };
    assert_eq!((refused.refusal, refused.since), (Refusal::BlockedItem, Some(NOW)));
}

#[test]
fn a_batch_with_a_fault_leaves_nothing_applied() {
    let clock = Arc::new(ManualClock::at(NOW));
    let engine = engine(ON, &clock);
    let good = || event(1, "play", NOW);
    let scene = support::scene("nowhere");
    let faults = [
        (event(5_000, "play", NOW), "events[1].item", "unknown_item"),
        (event(1, "stare", NOW), "events[1].kind", "unknown_kind"),
        (RawEvent { value: Some(f32::NAN), ..good() }, "events[1].value", "not_finite"),
        (RawEvent { time: Some(Timestamp(-1)), ..good() }, "events[1].time", "out_of_range"),
        (RawEvent { scene: Some(scene), ..good() }, "events[1].scene", "unknown_scene"),
    ];
    for (bad, field, code) in faults {
        let error = engine.apply(vec![good(), bad]).expect_err(field);
        assert_eq!((error.field.as_str(), error.code), (field, code));
    }
    let too_many = engine.apply(vec![good(); 10_001]).expect_err("too many");
    assert_eq!(too_many.code, "too_many");
    assert!(page(&engine, request()).contains(&1), "not consumed");
}

#[test]
fn blocked_authors_and_the_requests_own_sets_are_refused_and_unknown_names_counted() {
    let clock = Arc::new(ManualClock::at(NOW));
    let engine = engine(ON, &clock);
    let ids = |ids: &[&str]| ids.iter().map(|id| ItemId::new(*id).expect("an id")).collect();
    let raw = RawRequest {
        blocked_authors: vec!["a1".into(), "nobody".into()],
        blocked_tags: vec!["no such".into()],
        exposed: ids(&["2", "gone"]),
        delivered: ids(&["3"]),
        dry_run: true,
        ..request()
    };
    let asked = engine.admit(raw.clone()).expect("a sound request");
    assert_eq!(asked.unknown_names(), 3);
    let why = |item: u32| match engine.explain(asked.clone(), item.into()) {
        Explanation::Refused(refused) => Some(refused.refusal),
        _ => None,
    };
    assert_eq!(why(101), Some(Refusal::BlockedAuthor));
    assert_eq!((why(2), why(3)), (Some(Refusal::Exposed), Some(Refusal::Delivered)));
    assert_eq!(page(&engine, raw)[..4], [0, 4, 5, 6]);
}
