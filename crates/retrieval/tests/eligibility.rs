//! What may be shown, in every combination of rule, window, set, block, expiry, filter and scene,
//! against the letter of each.

mod support;

use std::sync::Arc;

use gannet_core::{
    Catalogue, EventKind, EventKinds, Item, ItemId, ItemIndex, ManualClock, Marks, Refusal,
    TagPath, Timestamp, UserId,
};
use gannet_models::Snapshot;
use gannet_retrieval::{
    Eligibility, Engine, Explanation, HistoryEntry, ItemSet, LiveUsers, RawRequest,
    RetrievalConfig, SetEntry, SetKind, UserBlocks, UserProfile, UserRecord, UserSets, UserState,
};
use gannet_vectors::RowMask;
use proptest::prelude::*;

const TAGS: [&str; 4] = ["film", "film/horror", "film/horror/old", "music"];
const NOW: i64 = 1_000_000_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

#[derive(Debug, Clone)]
struct Row {
    available: bool,
    author: Option<u8>,
    tags: Vec<usize>,
    expires: Option<i64>,
}

#[derive(Debug, Clone)]
struct Wish {
    rows: Vec<Row>,
    /// Item, kind, time where known: user state's settled and recent sets.
    settled: Vec<(usize, SetKind, Option<i64>)>,
    recent: Vec<(usize, SetKind, Option<i64>)>,
    /// The request's own lists.
    own: Vec<(usize, SetKind)>,
    blocked_authors: (Vec<u8>, Vec<u8>),
    blocked_tags: (Vec<usize>, Vec<usize>),
    filter: bool,
    scene: bool,
    switches: [bool; 3],
    windows: [Option<u8>; 3],
    asked: Option<i64>,
}

/// Times that fall on, before and after the edges of windows.
fn times() -> impl Strategy<Value = Option<i64>> {
    let edge = (0i64..4, -1i64..2, prop::sample::select(vec![MINUTE, DAY]));
    prop::option::of(edge.prop_map(|(count, by, unit)| NOW - count * unit + by))
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (
        prop::bool::weighted(0.9),
        prop::option::of(0..4u8),
        prop::collection::vec(0..TAGS.len(), 0..3),
        prop::option::weighted(0.3, -2i64..3),
    );
    let row = row.prop_map(|(available, author, tags, expires)| {
        let expires = expires.map(|by| NOW + by);
        Row { available, author, tags, expires }
    });
    prop::collection::vec(row, 1..140)
}

fn wishes() -> impl Strategy<Value = Wish> {
    let kind = || prop::sample::select(SetKind::ALL.to_vec());
    let set = || prop::collection::vec((0..140usize, kind(), times()), 0..25);
    let keys = || prop::collection::vec(0..4u8, 0..2);
    let tags = || prop::collection::vec(0..TAGS.len(), 0..2);
    (
        (rows(), set(), set(), prop::collection::vec((0..140usize, kind()), 0..10)),
        ((keys(), keys()), (tags(), tags()), any::<bool>(), any::<bool>()),
        (any::<[bool; 3]>(), prop::array::uniform3(prop::option::of(1..4u8))),
        prop::option::of((-3i64..4).prop_map(|by| NOW + by)),
    )
        .prop_map(|(sets, blocks, rule, asked)| Wish {
            rows: sets.0,
            settled: sets.1,
            recent: sets.2,
            own: sets.3.into_iter().filter(|(_, kind)| *kind != SetKind::Consumed).collect(),
            blocked_authors: blocks.0,
            blocked_tags: blocks.1,
            filter: blocks.2,
            scene: blocks.3,
            switches: rule.0,
            windows: rule.1,
            asked,
        })
}

/// User state that gives one record to everybody.
struct Fixed(Arc<UserRecord>);

impl UserState for Fixed {
    fn user(&self, _user: &UserId, _now: Timestamp) -> Option<Arc<UserRecord>> {
        Some(self.0.clone())
    }
}

fn snapshot(rows: &[Row]) -> Arc<Snapshot> {
    let item = |(at, row): (usize, &Row)| Item {
        available: row.available,
        author: row.author.map(|author| format!("a{author}")),
        tags: row.tags.iter().map(|tag| TagPath::new(TAGS[*tag]).expect("a tag")).collect(),
        expires: row.expires.map(Timestamp),
        ..Item::bare(ItemId::new(at.to_string()).expect("an id"))
    };
    let items: Vec<Item> = rows.iter().enumerate().map(item).collect();
    let exposed = EventKind { marks: Marks::Exposed, ..EventKind::new("exposed", 0.0, None) };
    let kinds = EventKinds::new(vec![EventKind::new("play", 1.0, None), exposed]).expect("kinds");
    let catalogue = Catalogue::from_items(&items).expect("distinct ids");
    Arc::new(Snapshot { kinds, ..support::bare_snapshot(catalogue) })
}

fn config(wish: &Wish) -> RetrievalConfig {
    let names = [("delivered", "minutes"), ("exposed", "days"), ("consumed", "days")];
    let mut rule = String::new();
    for (at, (name, unit)) in names.into_iter().enumerate() {
        rule += &format!("refuse_{name} = {}\n", wish.switches[at]);
        // Without a key the plan's own default would hold.
        let window = wish.windows[at].map_or(1e6, f64::from);
        rule += &format!("{name}_{unit} = {window:.1}\n");
    }
    let eligible = if wish.scene { "eligible = 'not author = \"a0\"'" } else { "" };
    support::config(&format!(
        "channel = [{{ name = 'ordered', kind = 'ordered' }}]
         [[scene]]
         name = 'home'
         plan = 'home'
         {eligible}
         [[plan]]
         name = 'home'
         {rule}
         [[plan.channel]]
         name = 'ordered'"
    ))
}

fn engine(wish: &Wish, snapshot: &Arc<Snapshot>) -> Engine {
    let catalogue = &snapshot.catalogue;
    let inside = |entries: &[(usize, SetKind, Option<i64>)]| {
        let entries = entries.iter().filter(|(item, ..)| *item < wish.rows.len());
        Arc::new(ItemSet::new(entries.map(|(item, kind, time)| SetEntry {
            item: ItemIndex(*item as u32),
            kind: *kind,
            time: time.map(Timestamp),
        })))
    };
    let authors = wish.blocked_authors.0.iter();
    let authors = authors.filter_map(|author| catalogue.find_author(&format!("a{author}")));
    let tags = wish.blocked_tags.0.iter().filter_map(|tag| catalogue.find_tag(TAGS[*tag]));
    let sets = UserSets {
        settled: inside(&wish.settled),
        recent: inside(&wish.recent),
        blocked_authors: Arc::new(authors.collect()),
        blocked_tags: Arc::new(tags.collect()),
    };
    let record = Arc::new(UserRecord::new(None, Vec::<HistoryEntry>::new(), sets));
    let options = support::options(Arc::new(ManualClock::at(Timestamp(NOW))));
    let users = Some(Arc::new(Fixed(record)) as Arc<dyn UserState>);
    Engine::new(options, snapshot.clone(), &config(wish), users).expect("an engine")
}

fn request(wish: &Wish) -> RawRequest {
    let of = |kind: SetKind| {
        let own = wish.own.iter().filter(move |(_, own)| *own == kind);
        own.map(|(item, _)| ItemId::new(item.to_string()).expect("an id")).collect()
    };
    RawRequest {
        user: Some(UserId::new("u").expect("an id")),
        blocked: of(SetKind::Blocked),
        delivered: of(SetKind::Delivered),
        exposed: of(SetKind::Exposed),
        blocked_authors: wish.blocked_authors.1.iter().map(|one| format!("a{one}")).collect(),
        blocked_tags: wish.blocked_tags.1.iter().map(|tag| TAGS[*tag].to_owned()).collect(),
        filter: wish.filter.then(|| "not author = \"a3\"".to_owned()),
        now: wish.asked.map(Timestamp),
        ..RawRequest::default()
    }
}

/// The first reason that holds, by the letter.
fn expected(wish: &Wish, at: usize) -> Option<Refusal> {
    let (row, now) = (&wish.rows[at], wish.asked.unwrap_or(NOW));
    let in_set = |kind: SetKind| {
        let (switch, unit) = match kind {
            SetKind::Blocked => (None, 0),
            SetKind::Delivered => (Some(0), MINUTE),
            SetKind::Exposed => (Some(1), DAY),
            SetKind::Consumed => (Some(2), DAY),
        };
        let holds = |time: Option<i64>| match switch {
            None => true,
            Some(switch) if !wish.switches[switch] => false,
            Some(switch) => match (wish.windows[switch], time) {
                (Some(length), Some(time)) => now - time < i64::from(length) * unit,
                _ => true,
            },
        };
        let state = wish.settled.iter().chain(&wish.recent);
        state.filter(|(item, of, _)| *item == at && *of == kind).any(|(.., time)| holds(*time))
            || wish.own.contains(&(at, kind)) && holds(None)
    };
    let author = |author: u8| row.author == Some(author);
    let below = |blocked: usize| {
        let path = format!("{}/", TAGS[blocked]);
        row.tags.iter().any(|tag| *tag == blocked || TAGS[*tag].starts_with(&path))
    };
    let authors = || wish.blocked_authors.0.iter().chain(&wish.blocked_authors.1);
    let tags = || wish.blocked_tags.0.iter().chain(&wish.blocked_tags.1);
    let reasons = [
        (!row.available || row.expires.is_some_and(|time| time <= now), Refusal::Unavailable),
        (wish.scene && author(0), Refusal::Policy),
        (wish.filter && author(3), Refusal::Filter),
        (in_set(SetKind::Blocked), Refusal::BlockedItem),
        (authors().any(|one| author(*one)), Refusal::BlockedAuthor),
        (tags().any(|one| below(*one)), Refusal::BlockedTag),
        (in_set(SetKind::Delivered), Refusal::Delivered),
        (in_set(SetKind::Exposed), Refusal::Exposed),
        (in_set(SetKind::Consumed), Refusal::Consumed),
    ];
    reasons.into_iter().find(|(holds, _)| *holds).map(|(_, refusal)| refusal)
}

proptest! {
    #[test]
    fn every_item_is_refused_for_the_first_reason_that_holds(wish in wishes()) {
        let snapshot = snapshot(&wish.rows);
        let engine = engine(&wish, &snapshot);
        let request = engine.admit(request(&wish)).expect("a sound request");
        let profile = UserProfile::build(&request, request.state());
        let plan = request.resolve(&profile).plan;
        let eligible = Eligibility::of(&request, &plan, &profile);
        for at in 0..wish.rows.len() {
            let (item, why) = (ItemIndex(at as u32), expected(&wish, at));
            prop_assert_eq!(eligible.refusal(item), why, "item {}", at);
            prop_assert_eq!(eligible.contains(item), why.is_none());
            let bit = eligible.word(at / 64) >> (at % 64) & 1 == 1;
            prop_assert_eq!(bit, why.is_none());
        }
        let past = ItemIndex(wish.rows.len() as u32);
        let together: Vec<ItemIndex> = (0..=past.0).rev().take(64).map(ItemIndex).collect();
        let open = eligible.open_among(&together);
        for (at, item) in together.iter().enumerate() {
            prop_assert_eq!(open >> at & 1 == 1, eligible.contains(*item), "item {}", item.0);
        }
        prop_assert_eq!(eligible.open_among(&[]), 0);
        prop_assert_eq!(eligible.refusal(past), Some(Refusal::Unavailable));
        prop_assert!(!eligible.contains(past));
        prop_assert_eq!(eligible.word(wish.rows.len() / 64 + 1), 0);
    }
}

#[test]
fn an_author_with_every_item_costs_no_list() {
    let row = Row { available: true, author: Some(0), tags: vec![2], expires: None };
    let snapshot = snapshot(&vec![row; 50_000]);
    let users = Arc::new(LiveUsers::new(snapshot.clone()));
    let user = UserId::new("u").expect("an id");
    users.change_blocks(&user, &UserBlocks::of_keys(&[0], &[]), true).unwrap();
    let record = users.user(&user, Timestamp(NOW)).expect("known by now");
    assert_eq!((record.sets.settled.len(), record.sets.blocked_authors.len()), (0, 1));
    let wish = Wish {
        rows: Vec::new(),
        settled: Vec::new(),
        recent: Vec::new(),
        own: Vec::new(),
        blocked_authors: (Vec::new(), Vec::new()),
        blocked_tags: (Vec::new(), Vec::new()),
        filter: false,
        scene: false,
        switches: [true; 3],
        windows: [None; 3],
        asked: None,
    };
    let options = support::options(Arc::new(ManualClock::at(Timestamp(NOW))));
    let engine = Engine::new(options, snapshot, &config(&wish), Some(users)).expect("an engine");
    let raw = RawRequest { user: Some(user), ..RawRequest::default() };
    let request = engine.admit(raw).expect("a sound request");
    let Explanation::Refused(refused) = engine.explain(request, ItemIndex(49_999)) else {
        panic!("his every item is refused");
    };
    assert_eq!(refused.refusal, Refusal::BlockedAuthor);
}
