//! What each channel costs a request, at the scale of MovieLens-1M with made-up data: 6,000 users,
//! 4,000 items, 800 thousand events. Prints p50 and p99 over random users for 500 items each, and
//! of their sum; then lets criterion watch the mean of each channel.
//!
//! `cargo bench -p gannet-retrieval --bench channels`

#![allow(missing_docs)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use gannet_core::{
    Catalogue, EventKinds, Interaction, Item, ItemId, ItemIndex, KindIndex, ModelName, SparseRows,
    StringTable, TagPath, Timestamp, UserId,
};
use gannet_models::{
    Factors, FoldIn, Histories, ItemNeighbours, KeyIndex, MergeWeights, Model, Popularity, Recency,
    Snapshot, UserItems,
};
use gannet_retrieval::{
    Ask, ChannelKinds, Deadline, Eligibility, EngineState, Request, RetrievalConfig, UserProfile,
};
use gannet_vectors::Matrix;
use support::{Random, SystemClock, print_percentiles};

const USERS: usize = 6_000;
const ITEMS: usize = 4_000;
const EVENTS_A_USER: usize = 133;
const DIM: usize = 64;
const FETCH_K: usize = 500;
const REQUESTS: usize = 2_000;

/// An item; low indices are popular, about as MovieLens is.
fn item(random: &mut Random) -> u32 {
    random.skewed(ITEMS, 3)
}

fn matrix(random: &mut Random, rows: usize) -> Arc<Matrix> {
    let values = (0..rows * DIM).map(|_| random.unit() - 0.5).collect();
    Arc::new(Matrix::from_values(values, DIM).expect("whole rows of finite values"))
}

fn catalogue(random: &mut Random) -> Catalogue {
    let items: Vec<Item> = (0..ITEMS)
        .map(|at| {
            let genres = (0..1 + (random.unit() * 3.0) as usize)
                .map(|_| format!("genre {}", (random.unit() * 18.0) as u32));
            let mut item = Item::bare(ItemId::new(format!("{at}")).expect("a short id"));
            item.tags = genres.map(|tag| TagPath::new(&tag).expect("a plain tag")).collect();
            item.published = Some(Timestamp::from_seconds(at as i64 * 86_400));
            item
        })
        .collect();
    Catalogue::from_items(&items).expect("distinct ids")
}

/// Distinct items of each user; activity is skewed, up to ten times the mean.
fn events(random: &mut Random) -> Vec<Vec<u32>> {
    let user = |_| {
        let skew = -random.unit().max(1e-4).ln();
        let count = (EVENTS_A_USER as f32 * 1.25 * skew) as usize + 20;
        let mut items: Vec<u32> = (0..count).map(|_| item(random)).collect();
        items.sort_unstable();
        items.dedup();
        items
    };
    (0..USERS).map(user).collect()
}

fn histories(events: &[Vec<u32>]) -> Histories {
    let (mut ids, mut offsets, mut all) = (StringTable::default(), vec![0], Vec::new());
    for (at, items) in events.iter().enumerate() {
        ids.intern(&at.to_string());
        all.extend(items.iter().enumerate().map(|(at, item)| Interaction {
            item: ItemIndex(*item),
            kind: KindIndex(0),
            value: 1.0,
            time: Some(Timestamp::from_seconds(at as i64 * 3600)),
            scene: None,
        }));
        offsets.push(all.len() as u64);
    }
    Histories::new(ids, offsets, all)
}

fn user_items(events: &[Vec<u32>]) -> UserItems {
    let rows = events.iter().map(|items| items.iter().map(|item| (*item, 1.0)));
    let items_of_users = SparseRows::from_rows(ITEMS as u32, rows);
    let users_of_items = items_of_users.transpose();
    let weight = |item: usize| (1.0 + users_of_items.row(item).0.len() as f32).powf(-0.5);
    let item_weights: Vec<f32> = (0..ITEMS).map(weight).collect();
    let norm = |items: &Vec<u32>| items.iter().map(|item| item_weights[*item as usize]).sum();
    let user_norms = events.iter().map(norm).map(f32::sqrt).collect();
    let (shrinkage, neighbour_count) = (1.0, 200);
    UserItems {
        items_of_users,
        users_of_items,
        item_weights,
        user_norms,
        shrinkage,
        neighbour_count,
        recency_exponent: 0.0,
    }
}

fn snapshot() -> Snapshot {
    let random = &mut Random(7);
    let catalogue = Arc::new(catalogue(random));
    let events = events(random);
    let mut counts = vec![0.0; ITEMS];
    events.iter().flatten().for_each(|item| counts[*item as usize] += 1.0);
    let published = catalogue.indices();
    let published = published.filter_map(|item| Some((item, catalogue.published(item)?))).collect();
    let lists: Vec<Vec<(u32, f32)>> = (0..ITEMS)
        .map(|_| {
            let mut list: Vec<u32> = (0..260).map(|_| item(random)).collect();
            list.sort_unstable();
            list.dedup();
            let falling = |(at, item)| (item, 1.0 / (1.0 + at as f32));
            list.into_iter().take(200).enumerate().map(falling).collect()
        })
        .collect();
    let lists = SparseRows::from_rows(ITEMS as u32, lists);
    let (items, users) = (matrix(random, ITEMS), matrix(random, USERS));
    let fold_in = Some(FoldIn::new(&items, 1.0, 0.01, 0.1, 1.0));
    let models = [
        ("popularity", Model::Popularity(Arc::new(Popularity::new(counts)))),
        ("recency", Model::Recency(Arc::new(Recency::new(published, |_| 0.0)))),
        (
            "tags",
            Model::KeyIndex(Arc::new(
                KeyIndex::of_catalogue(&catalogue, "tags", 0.5).expect("tags"),
            )),
        ),
        (
            "item_cf",
            Model::ItemNeighbours(Arc::new(ItemNeighbours { lists, recency_exponent: 0.0 })),
        ),
        ("ials", Model::Factors(Arc::new(Factors { version: "1".into(), items, users, fold_in }))),
        ("user_items", Model::UserItems(Arc::new(user_items(&events)))),
    ];
    let models = models.map(|(name, model)| (ModelName::new(name).expect("a name"), model));
    Snapshot {
        version: "bench".to_owned(),
        created: Timestamp(0),
        kinds: EventKinds::implicit("play"),
        catalogue,
        histories: Arc::new(histories(&events)),
        models: models.into_iter().collect(),
        merge_weights: MergeWeights::default(),
        recipe: String::new(),
    }
}

const KINDS: [&str; 6] = ["popular", "recent", "inverted", "item_cf", "u2i_vector", "user_cf"];

fn state() -> Arc<EngineState> {
    let entries = |with: &str| {
        KINDS.map(|kind| format!("{{ name = '{kind}'{} }}", with.replace('K', kind))).join(", ")
    };
    let text = format!(
        "channel = [{}]\nplan = [{{ name = 'home', channel = [{}] }}]\n\
         scene = [{{ name = 'home', plan = 'home' }}]",
        entries(", kind = 'K'"),
        entries("")
    );
    let config: RetrievalConfig = toml::from_str(&text).expect("a configuration");
    let state = EngineState::new(Arc::new(snapshot()), &config, &ChannelKinds::builtin(), None);
    Arc::new(state.expect("snapshot and configuration fit"))
}

fn ask(state: &Arc<EngineState>, user: usize, clock: &Arc<SystemClock>) -> Ask {
    let user = UserId::new(user.to_string()).expect("a short id");
    let request = Request::for_user(state.clone(), user, clock.now).expect("a proper request");
    let profile = UserProfile::build(&request, state);
    let eligible = Eligibility::new(&request.resolve(&profile).plan, &profile, None, state);
    Ask::new(profile, eligible, state.clone(), Deadline::after(clock.clone(), Duration::MAX))
}

/// The same with one event newer than training: the vector must be folded in.
fn folding(ask: &Ask) -> Ask {
    let mut profile = (*ask.profile).clone();
    profile.fresh_count = 1;
    Ask { profile: Arc::new(profile), ..ask.clone() }
}

fn bench(criterion: &mut Criterion) {
    let state = state();
    let clock = Arc::new(SystemClock {
        started: Instant::now(),
        now: Timestamp::from_seconds(ITEMS as i64 * 86_400),
    });
    let mut random = Random(11);
    let user = |random: &mut Random| (random.unit() * USERS as f32) as usize % USERS;
    let asks: Vec<Ask> = (0..REQUESTS).map(|_| ask(&state, user(&mut random), &clock)).collect();
    let folding_asks: Vec<Ask> = asks.iter().map(folding).collect();

    let mut sums = vec![0.0; REQUESTS];
    let kinds = KINDS.iter().map(|kind| (*kind, *kind, &asks));
    for (label, kind, asks) in
        kinds.chain([("u2i_vector, folding in", "u2i_vector", &folding_asks)])
    {
        let channel = state.channel(&kind.parse().expect("a name")).expect("configured above");
        let mut times: Vec<f64> = Vec::with_capacity(REQUESTS);
        for (at, ask) in asks.iter().enumerate() {
            let start = Instant::now();
            let list = channel.retrieve(ask, FETCH_K).expect("an answer");
            times.push(start.elapsed().as_secs_f64() * 1e6);
            assert!(!list.found.is_empty());
            if label == kind {
                sums[at] += times[at];
            }
        }
        print_percentiles(label, &mut times);
        let mut next = asks.iter().cycle();
        criterion.bench_function(label, |bencher| {
            bencher.iter(|| channel.retrieve(next.next().expect("a cycle"), FETCH_K));
        });
    }
    print_percentiles("sum of the six", &mut sums);
}

criterion_group!(benches, bench);
criterion_main!(benches);
