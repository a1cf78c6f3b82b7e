//! What eligibility costs at five million items, for users with 5,000 consumed items and 500
//! blocked authors: to prepare, to ask of one item, and of sixty-four.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use gannet_core::{
    Catalogue, EventKinds, Interaction, Item, ItemId, ItemIndex, KindIndex, ManualClock, ModelName,
    StringTable, TagPath, Timestamp, UserId,
};
use gannet_models::{Histories, MergeWeights, Model, Popularity, Snapshot};
use gannet_retrieval::{
    ChannelKinds, Eligibility, Engine, EngineOptions, LiveUsers, RawRequest, RetrievalConfig,
    UserBlocks, UserProfile, UserState,
};
use gannet_vectors::RowMask;

const ITEMS: u32 = 5_000_000;
const USERS: u32 = 200;
const CONSUMED: u32 = 5_000;
const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// Rows in no particular order: multiples of a number that is prime to the count.
fn spread(at: u64, of: u32) -> u32 {
    (at * 2_654_435_761 % u64::from(of)) as u32
}

fn snapshot() -> Arc<Snapshot> {
    let item = |at: u32| Item {
        author: Some(format!("a{}", spread(u64::from(at), 400_000))),
        tags: vec![TagPath::new(&format!("t{}/u{}", at % 20, at % 900)).expect("a tag")],
        expires: at.is_multiple_of(50).then_some(Timestamp(NOW.0 + i64::from(at) * 20)),
        ..Item::bare(ItemId::new(at.to_string()).expect("an id"))
    };
    let mut builder = gannet_core::CatalogueBuilder::new();
    for at in 0..ITEMS {
        builder.add(&item(at)).expect("distinct ids");
    }
    let catalogue: Catalogue = builder.finish();
    let event = |user: u32, at: u32| Interaction {
        item: ItemIndex(spread(u64::from(user) * 7_919 + u64::from(at), ITEMS)),
        kind: KindIndex(0),
        value: 1.0,
        time: Some(Timestamp(NOW.0 - i64::from(CONSUMED - at) * 600_000)),
        scene: None,
    };
    let events = (0..USERS).flat_map(|user| (0..CONSUMED).map(move |at| event(user, at)));
    let ends = (0..=u64::from(USERS)).map(|user| user * u64::from(CONSUMED)).collect();
    let users: StringTable = (0..USERS).map(|user| user.to_string()).collect();
    Arc::new(Snapshot {
        version: "bench".to_owned(),
        created: NOW,
        kinds: EventKinds::implicit("play"),
        catalogue: Arc::new(catalogue),
        histories: Arc::new(Histories::new(users, ends, events.collect::<Vec<_>>())),
        models: BTreeMap::from([(
            ModelName::new("popularity").expect("a name"),
            Model::Popularity(Arc::new(Popularity::new(vec![1.0; ITEMS as usize]))),
        )]),
        merge_weights: MergeWeights::default(),
        recipe: String::new(),
    })
}

fn user(at: u32) -> UserId {
    UserId::new(at.to_string()).expect("an id")
}

fn heavy_users(snapshot: &Arc<Snapshot>) -> Arc<LiveUsers> {
    let users = Arc::new(LiveUsers::new(snapshot.clone()));
    for at in 0..USERS {
        let authors: Vec<u32> =
            (0..500).map(|author| spread(u64::from(at * 31 + author), 400_000)).collect();
        users.change_blocks(&user(at), &UserBlocks::of_keys(&authors, &[]), true).expect("room");
        let page: Vec<ItemIndex> =
            (0..500).map(|item| ItemIndex(spread(u64::from(at + item * 3), ITEMS))).collect();
        users.delivered(&user(at), &page, NOW);
        users.user(&user(at), NOW);
    }
    users
}

fn after_an_answer(criterion: &mut Criterion, users: &LiveUsers) {
    let mut at = 0;
    let mut next = move || {
        at = (at + 1) % USERS;
        at
    };
    let mut group = criterion.benchmark_group("eligibility");
    group.bench_function("record after an answer of 500", |bencher| {
        let page: Vec<ItemIndex> =
            (0..500).map(|item| ItemIndex(spread(item * 11, ITEMS))).collect();
        bencher.iter(|| {
            let user = user(next());
            users.delivered(&user, &page, NOW);
            black_box(users.user(&user, NOW))
        });
    });
    group.finish();
}

fn bench(criterion: &mut Criterion) {
    let snapshot = snapshot();
    let users = heavy_users(&snapshot);
    let config: RetrievalConfig = toml::from_str(
        "channel = [{ name = 'popular', kind = 'popular' }]
         plan = [{ name = 'home', channel = [{ name = 'popular' }] }]
         scene = [{ name = 'home', plan = 'home' }]",
    )
    .expect("a configuration");
    let clock = Arc::new(ManualClock::at(NOW));
    let options =
        EngineOptions { clock, kinds: ChannelKinds::builtin(), workers: 1, abandoned_max: 1 };
    let engine = Engine::new(options, snapshot, &config, Some(users.clone())).expect("an engine");
    let requests: Vec<_> = (0..USERS)
        .map(|at| RawRequest { user: Some(user(at)), ..RawRequest::default() })
        .map(|raw| engine.admit(raw).expect("a sound request"))
        .collect();
    let mut at = 0;
    let mut next = move || {
        at = (at + 1) % USERS as usize;
        at
    };
    let profile = |at: usize| UserProfile::build(&requests[at], requests[at].state());
    let prepared = |at: usize| {
        let profile = profile(at);
        let plan = requests[at].resolve(&profile).plan;
        Eligibility::of(&requests[at], &plan, &profile)
    };
    let ready: Vec<Eligibility> = (0..USERS as usize).map(prepared).collect();
    let mut group = criterion.benchmark_group("eligibility");
    group.bench_function("profile", |bencher| bencher.iter(|| black_box(profile(next()))));
    group.bench_function("profile, plan and prepare", |bencher| {
        bencher.iter(|| black_box(prepared(next())));
    });
    let built: Vec<UserProfile> = (0..USERS as usize).map(profile).collect();
    let plan = requests[0].resolve(&built[0]).plan;
    group.bench_function("prepare", |bencher| {
        bencher.iter(|| {
            let at = next();
            black_box(Eligibility::of(&requests[at], &plan, &built[at]))
        });
    });
    let mut row = 0u64;
    group.bench_function("contains, at random", |bencher| {
        bencher.iter(|| {
            row += 1;
            ready[(row % 200) as usize].contains(ItemIndex(spread(row, ITEMS)))
        });
    });
    group.bench_function("contains, of a thousand items for one user", |bencher| {
        bencher.iter(|| {
            row += 1;
            let items = (0..1_000).map(|item| ItemIndex(spread(row + item, 20_000)));
            items.filter(|item| ready[(row % 200) as usize].contains(*item)).count()
        });
    });
    group.bench_function("word, in order", |bencher| {
        let mut word = 0;
        bencher.iter(|| {
            word = (word + 1) % (ITEMS as usize / 64);
            ready[7].word(word)
        });
    });
    group.finish();
    after_an_answer(criterion, &users);
}

criterion_group!(benches, bench);
criterion_main!(benches);
