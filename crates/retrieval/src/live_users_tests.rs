//! What user state in this process promises.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use gannet_core::{
    Catalogue, EventKind, EventKinds, Item, ItemId, KindIndex, Marks, StringTable, TagPath,
};
use gannet_models::{Histories, MergeWeights};

use super::*;
use crate::{BlockNames, HISTORY_MAX, UserProfile};

fn kinds() -> EventKinds {
    let exposed = EventKind { marks: Marks::Exposed, ..EventKind::new("exposed", 0.0, None) };
    let dislike = EventKind { marks: Marks::Nothing, ..EventKind::new("dislike", -1.0, None) };
    let play = EventKind { negative_below: Some(0.1), ..EventKind::new("play", 1.0, Some(0.5)) };
    EventKinds::new(vec![play, exposed, dislike]).expect("sound kinds")
}

static SNAPSHOT: LazyLock<Arc<Snapshot>> = LazyLock::new(make_snapshot);

fn snapshot() -> Arc<Snapshot> {
    SNAPSHOT.clone()
}

/// A hundred thousand items; user `big` has a million plays, `small` one.
fn make_snapshot() -> Arc<Snapshot> {
    let item = |at: u32| Item::bare(ItemId::new(at.to_string()).expect("an id"));
    let items: Vec<Item> = (0..100_000).map(item).collect();
    let play = |at: i64| Interaction {
        item: ItemIndex((at % 100_000) as u32),
        kind: KindIndex(0),
        value: 1.0,
        time: Some(Timestamp(at)),
        scene: None,
    };
    let events: Vec<Interaction> = (0..1_000_000).chain([7]).map(play).collect();
    let users: StringTable = ["big", "small"].into_iter().collect();
    Arc::new(Snapshot {
        version: "s".to_owned(),
        created: Timestamp(0),
        kinds: kinds(),
        catalogue: Arc::new(Catalogue::from_items(&items).expect("distinct ids")),
        histories: Arc::new(Histories::new(users, vec![0, 1_000_000, 1_000_001], events)),
        models: BTreeMap::new(),
        merge_weights: MergeWeights::default(),
        recipe: String::new(),
    })
}

fn user(name: &str) -> UserId {
    UserId::new(name).expect("an id")
}

fn event(name: &str, item: u32, kind: u8, value: f32, time: i64) -> UserEvent {
    let (item, kind) = (ItemIndex(item), KindIndex(kind));
    UserEvent { user: user(name), item, kind, value, time: Timestamp(time) }
}

fn items(set: &ItemSet, kind: SetKind) -> Vec<u32> {
    set.of(kind).map(|item| item.0).collect()
}

#[test]
fn events_and_answers_count_in_the_next_record() {
    let users = LiveUsers::new(snapshot());
    let now = Timestamp(100);
    let record = |name: &str| users.user(&user(name), now);
    assert!(record("nobody").is_none());
    let before = record("small").expect("known");
    assert_eq!(items(&before.sets.settled, SetKind::Consumed), [7]);
    assert!(Arc::ptr_eq(&before, &record("small").expect("kept")));
    users.apply(&event("small", 3, 0, 0.05, 50)).unwrap();
    users.apply(&event("small", 4, 2, 1.0, 40)).unwrap();
    users.apply(&event("small", 5, 1, 1.0, 60)).unwrap();
    users.delivered(&user("small"), &[ItemIndex(9), ItemIndex(8)], now);
    let after = record("small").expect("known");
    let strengths: Vec<(u32, f32)> =
        after.history.iter().map(|one| (one.item.0, one.strength)).collect();
    assert_eq!(strengths, [(7, 1.0), (4, -1.0), (3, -1.0)], "by time, exposures left out");
    // No trained vector knows of the last two: channels must not take it for all there is.
    let profile = UserProfile::new(after.clone(), now);
    assert_eq!((before.fresh_count, profile.fresh_count), (0, 2));
    assert_eq!(profile.with_events(&after.history[..1]).fresh().len(), 3);
    assert_eq!(items(&after.sets.recent, SetKind::Consumed), [3]);
    assert_eq!(items(&after.sets.recent, SetKind::Blocked), [4]);
    assert_eq!(items(&after.sets.recent, SetKind::Exposed), [5]);
    assert_eq!(items(&after.sets.recent, SetKind::Delivered), [8, 9]);
    assert!(Arc::ptr_eq(&before.sets.settled, &after.sets.settled), "shared, not made anew");
    users.delivered(&user("nobody"), &[ItemIndex(1)], now);
    assert_eq!(record("nobody").expect("known by now").index, None);
    let blocks = UserBlocks::of_keys(&[2, 1], &[5]);
    users.change_blocks(&user("nobody"), &blocks, true).unwrap();
    let record = record("nobody").expect("known by now");
    assert!(record.sets.blocked_authors.iter().eq([1, 2]));
    assert!(record.sets.blocked_tags.contains(5));
}

#[test]
fn what_is_not_of_this_generation_changes_nothing() {
    let users = LiveUsers::new(snapshot());
    let unknown = users.apply(&event("a", 100_000, 0, 1.0, 1));
    assert_eq!(unknown, Err(ApplyError::UnknownItem(100_000)));
    assert_eq!(users.apply(&event("a", 1, 3, 1.0, 1)), Err(ApplyError::UnknownKind(3)));
    assert_eq!(users.apply(&event("a", 1, 0, f32::NAN, 1)), Err(ApplyError::NotFinite));
    assert_eq!(users.counts(), (0, 0));
}

#[test]
fn a_user_with_a_million_events_costs_what_the_bounds_say() {
    let users = LiveUsers::new(snapshot());
    let record = users.user(&user("big"), Timestamp(0)).expect("known");
    assert_eq!(record.history.len(), HISTORY_MAX);
    assert_eq!(record.history.last().map(|one| one.time), Some(Some(Timestamp(999_999))));
    assert_eq!(record.sets.settled.len(), crate::SET_MAX);
    for at in 0..30_000u32 {
        users.delivered(&user("big"), &[ItemIndex(at)], Timestamp(i64::from(at)));
        users.apply(&event("big", at, 0, 1.0, 1_000_000 + i64::from(at))).unwrap();
    }
    let record = users.user(&user("big"), Timestamp(0)).expect("known");
    let recent = &record.sets.recent;
    assert!(
        recent.len() <= 4 * LiveLimits::default().recent_max
            && recent.len() >= LiveLimits::default().recent_max
    );
    assert!(recent.of(SetKind::Delivered).any(|item| item.0 == 29_999), "the newest stay");
    assert_eq!(record.history.len(), HISTORY_MAX);
    assert_eq!(record.history.last().map(|one| one.item.0), Some(29_999));
}

#[test]
fn who_was_not_heard_of_longest_leaves() {
    let limits =
        LiveLimits { users_max: 2 * SHARDS, entries_max: 1_000 * SHARDS, ..LiveLimits::default() };
    let users = LiveUsers::with_limits(snapshot(), limits);
    let of = |at: u32| user(&format!("user {at}"));
    for at in 0..5_000 {
        users.delivered(&of(at), &[ItemIndex(1)], Timestamp(0));
        users.delivered(&of(0), &[ItemIndex(at)], Timestamp(0));
    }
    assert!(users.counts().0 <= 2 * SHARDS, "{:?}", users.counts());
    assert!(users.user(&of(0), Timestamp(0)).is_some(), "he was heard of all the time");
    assert!(users.user(&of(1), Timestamp(0)).is_none());
    let few =
        LiveLimits { users_max: 1_000_000, entries_max: 10 * SHARDS, ..LiveLimits::default() };
    let users = LiveUsers::with_limits(snapshot(), few);
    let page: Vec<ItemIndex> = (0..8).map(ItemIndex).collect();
    (0..5_000).for_each(|at| users.delivered(&of(at), &page, Timestamp(0)));
    assert!(users.counts().1 <= 10 * SHARDS, "{:?}", users.counts());
    users.user(&user("small"), Timestamp(0)).expect("the snapshot's record stays");
}

#[test]
fn many_threads_see_their_own_events() {
    let users = LiveUsers::new(snapshot());
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let users = &users;
            scope.spawn(move || {
                for at in 0..500 {
                    let name = format!("{}", at % 10);
                    let item = thread * 1_000 + at;
                    users.apply(&event(&name, item, 0, 1.0, i64::from(at))).unwrap();
                    let record = users.user(&user(&name), Timestamp(0)).expect("known");
                    assert!(record.sets.recent.of(SetKind::Consumed).any(|it| it.0 == item));
                }
            });
        }
    });
    let all: usize = (0..10)
        .map(|name| users.user(&user(&name.to_string()), Timestamp(0)).expect("known"))
        .map(|record| record.sets.recent.len())
        .sum();
    assert_eq!(all, 2_000);
}

/// Items by their ids, all of one author and tag of the same name; `small` played the first.
fn little_snapshot(ids: &[&str]) -> Arc<Snapshot> {
    let item = |id: &&str| Item {
        author: Some(format!("author {id}")),
        tags: vec![TagPath::new(&format!("tag {id}")).expect("a tag")],
        ..Item::bare(ItemId::new(*id).expect("an id"))
    };
    let items: Vec<Item> = ids.iter().map(item).collect();
    let (item, kind, time) = (ItemIndex(0), KindIndex(0), Some(Timestamp(7)));
    let play = Interaction { item, kind, value: 1.0, time, scene: None };
    let users: StringTable = ["small"].into_iter().collect();
    Arc::new(Snapshot {
        catalogue: Arc::new(Catalogue::from_items(&items).expect("distinct ids")),
        histories: Arc::new(Histories::new(users, vec![0, 1], vec![play])),
        ..Snapshot::clone(&snapshot())
    })
}

fn names(items: &[&str], authors: &[&str], tags: &[&str]) -> BlockNames {
    let [items, authors, tags] =
        [items, authors, tags].map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    BlockNames { items, authors, tags }
}

#[test]
fn another_snapshot_takes_over_what_happened_and_hears_of_what_still_does() {
    let old = little_snapshot(&["a", "b", "c", "d"]);
    let before = Arc::new(LiveUsers::new(old.clone()));
    let who = user("small");
    before.apply(&event("small", 1, 0, 1.0, 50)).unwrap();
    before.apply(&event("small", 3, 0, 1.0, 60)).unwrap();
    before.delivered(&who, &[ItemIndex(2), ItemIndex(3)], Timestamp(70));
    let blocks = names(&["c"], &["author d", "author b"], &["tag b"]);
    let blocks = UserBlocks::of_names(&blocks, &old.catalogue);
    before.change_blocks(&who, &blocks, true).unwrap();
    let history = |users: &LiveUsers| -> Vec<u32> {
        let record = users.user(&who, Timestamp(100)).expect("known");
        record.history.iter().map(|entry| entry.item.0).collect()
    };
    assert_eq!(history(&before), [0, 1, 3]);

    // The next catalogue has another order, a new item, and no `d`; training saw b's play.
    let new = little_snapshot(&["b", "new", "c", "a"]);
    let play = new.histories.all_events()[0];
    let played = Interaction { time: Some(Timestamp(50)), ..play };
    let users: StringTable = ["small"].into_iter().collect();
    let histories = Arc::new(Histories::new(users, vec![0, 1], vec![played]));
    let new = Arc::new(Snapshot { histories, ..Snapshot::clone(&new) });
    let after = Arc::new(LiveUsers::after(&before, new.clone()));
    assert!(after.blocks(&who).is_empty(), "nothing is taken over before it begins");
    after.clone().begin();
    assert_eq!(history(&after), [0], "b once, and no d");
    let record = after.user(&who, Timestamp(100)).expect("known");
    assert_eq!(record.fresh_count, 0, "training has seen it");
    // A request that finishes on the old snapshot, and an event that came to it.
    before.delivered(&who, &[ItemIndex(0)], Timestamp(80));
    before.apply(&event("small", 2, 0, 1.0, 90)).unwrap();
    before.apply(&event("late", 1, 0, 1.0, 90)).unwrap();
    assert_eq!(history(&after), [0, 2]);
    assert!(after.user(&user("late"), Timestamp(100)).is_some());
    let record = after.user(&who, Timestamp(100)).expect("known");
    assert_eq!(items(&record.sets.recent, SetKind::Delivered), [2, 3]);
    assert_eq!(items(&record.sets.recent, SetKind::Blocked), [2]);
    let author = |name: &str| new.catalogue.find_author(name).expect("known");
    assert!(record.sets.blocked_authors.iter().eq([author("author b")]));
    assert_eq!(record.sets.blocked_tags.len(), 1);

    // What the catalogue between did not have is blocked again when it comes back.
    let third = little_snapshot(&["d", "b"]);
    let last = Arc::new(LiveUsers::after(&after, third.clone()));
    last.clone().begin();
    let blocked = last.blocks(&who);
    assert_eq!(
        blocked.names(&third.catalogue),
        names(&["c"], &["author b", "author d"], &["tag b"])
    );
    assert_eq!(blocked.keys(BlockKind::Author).len(), 2);
    // From the first, over the second.
    before.change_blocks(&who, &blocks, false).unwrap();
    assert!(last.blocks(&who).is_empty() && after.blocks(&who).is_empty());
}

#[test]
fn nothing_is_lost_while_another_snapshot_takes_over() {
    let before = Arc::new(LiveUsers::new(snapshot()));
    let after = Arc::new(LiveUsers::after(&before, snapshot()));
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let before = &before;
            scope.spawn(move || {
                for at in 0..2_000 {
                    let name = format!("user {}", at % 500);
                    let item = thread * 2_000 + at;
                    before.apply(&event(&name, item, 0, 1.0, i64::from(at))).unwrap();
                }
            });
        }
        let after = after.clone();
        scope.spawn(move || after.begin());
    });
    let of = |at: u32| after.user(&user(&format!("user {at}")), Timestamp(0)).expect("known");
    let all: usize = (0..500).map(|at| of(at).sets.recent.len()).sum();
    assert_eq!(all, 8_000);
}

#[test]
fn blocks_outlast_everything_else_and_are_bounded() {
    let snapshot = little_snapshot(&["a", "b", "c"]);
    // Four names, and what two users with blocks cost.
    let limits = LiveLimits {
        users_max: SHARDS,
        blocks_max: 24,
        user_blocks_max: 3,
        ..LiveLimits::default()
    };
    let users = LiveUsers::with_limits(snapshot.clone(), limits);
    let blocks = |items, authors, tags| {
        UserBlocks::of_names(&names(items, authors, tags), &snapshot.catalogue)
    };
    let who = user("blocker");
    let some = blocks(&["a"], &["author b"], &["tag c"]);
    assert_eq!(users.change_blocks(&who, &some, true).unwrap().len(), 3);
    for at in 0..2_000 {
        users.delivered(&user(&format!("user {at}")), &[ItemIndex(1)], Timestamp(0));
    }
    let record = users.user(&who, Timestamp(0)).expect("his blocks stay when he leaves");
    assert_eq!(items(&record.sets.recent, SetKind::Blocked), [0]);
    assert_eq!((record.sets.blocked_authors.len(), record.sets.blocked_tags.len()), (1, 1));
    let one_more = blocks(&["b"], &[], &[]);
    let refused = users.change_blocks(&who, &one_more, true);
    assert_eq!(refused, Err(ApplyError::TooManyBlocks(3)));
    let refused = users.change_blocks(&user("other"), &blocks(&["a", "b"], &[], &[]), true);
    assert_eq!(refused, Err(ApplyError::BlocksFull(24)));
    assert_eq!(users.change_blocks(&who, &some, true).unwrap().len(), 3, "those are no new ones");
    let left = users.change_blocks(&who, &blocks(&["a"], &[], &["tag c"]), false).unwrap();
    assert_eq!(left.names(&snapshot.catalogue), names(&[], &["author b"], &[]));
    users.change_blocks(&user("other"), &blocks(&["a", "b"], &[], &[]), true).unwrap();
    let record = users.user(&who, Timestamp(0)).expect("known");
    assert!(record.sets.recent.is_empty() && record.sets.blocked_tags.is_empty());
}

#[test]
fn who_only_blocked_makes_nobody_leave_at_a_change_of_snapshots() {
    let snapshot = little_snapshot(&["a", "b"]);
    let limits = LiveLimits { users_max: SHARDS, ..LiveLimits::default() };
    let before = Arc::new(LiveUsers::with_limits(snapshot.clone(), limits));
    let blocks = UserBlocks::of_names(&names(&["a"], &[], &[]), &snapshot.catalogue);
    for at in 0..2_000 {
        before.change_blocks(&user(&format!("blocker {at}")), &blocks, true).unwrap();
    }
    before.delivered(&user("guest"), &[ItemIndex(1)], Timestamp(0));
    let after = Arc::new(LiveUsers::after(&before, snapshot));
    after.clone().begin();
    for users in [before, after] {
        let guest = users.user(&user("guest"), Timestamp(0)).expect("he was heard of last");
        assert_eq!(items(&guest.sets.recent, SetKind::Delivered), [1]);
        assert_eq!(users.blocks(&user("blocker 7")).len(), 1);
    }
}

#[test]
fn a_user_of_whom_every_set_is_full_is_not_sorted_at_every_event() {
    let limits = LiveLimits { recent_max: 100, ..LiveLimits::default() };
    let mut recent = Recent::default();
    let mut cuts = 0;
    for at in 0..10_000u32 {
        let entry =
            |kind| SetEntry { item: ItemIndex(at), kind, time: Some(Timestamp(i64::from(at))) };
        let before = recent.pending.len();
        let entries = SetKind::ALL.map(entry).to_vec();
        recent.add(&Change { history: None, entries }, &limits);
        cuts += usize::from(recent.pending.len() < before + 4);
        assert!(recent.pending.len() <= 500);
    }
    assert!(cuts <= 400, "{cuts} cuts in 10000 events");
    let kept = recent.merged(&limits);
    assert!(SetKind::ALL.iter().all(|kind| items(&kept, *kind).ends_with(&[9_998, 9_999])));
}

#[test]
fn many_users_with_a_block_each_meet_the_bound_of_all() {
    let snapshot = little_snapshot(&["a"]);
    let limits = LiveLimits { blocks_max: 1_100, ..LiveLimits::default() };
    let users = LiveUsers::with_limits(snapshot.clone(), limits);
    let blocks = UserBlocks::of_names(&names(&["a"], &[], &[]), &snapshot.catalogue);
    let block = |at: u32| users.change_blocks(&user(&at.to_string()), &blocks, true);
    assert_eq!((0..500).filter(|at| block(*at).is_ok()).count(), 100);
    assert_eq!(block(500), Err(ApplyError::BlocksFull(1_100)));
    assert_eq!(users.counts().0, 0, "no slots of users to whom nothing happened");
    let nothing = UserBlocks::default();
    assert!(Arc::ptr_eq(nothing.keys(BlockKind::Tag), blocks.keys(BlockKind::Author)));
}

#[test]
fn limits_that_are_none_or_too_low_are_refused() {
    let limits = LiveLimits::default();
    assert_eq!(limits.check(), Ok(()));
    for (bad, key) in [
        (LiveLimits { users_max: 1, ..limits }, "users_max"),
        (LiveLimits { entries_max: 0, ..limits }, "entries_max"),
        (LiveLimits { history_max: 99, ..limits }, "history_max"),
        (LiveLimits { settled_max: 0, ..limits }, "settled_max"),
        (LiveLimits { recent_max: usize::MAX, ..limits }, "recent_max"),
        (LiveLimits { user_blocks_max: 2_000_000, ..limits }, "user_blocks_max"),
    ] {
        let error = bad.check().expect_err(key);
        assert_eq!(error.key, key);
        assert!(error.to_string().starts_with(&format!("{key}: expected ")), "{error}");
    }
    let few = LiveLimits { history_max: 100, recent_max: 10, settled_max: 50, ..limits };
    let users = LiveUsers::with_limits(snapshot(), few);
    let page: Vec<ItemIndex> = (0..1_000).map(ItemIndex).collect();
    users.delivered(&user("big"), &page, Timestamp(0));
    let record = users.user(&user("big"), Timestamp(0)).expect("known");
    let lengths = (record.history.len(), record.sets.settled.len(), record.sets.recent.len());
    assert_eq!(lengths, (100, 50, 10));
}
