//! What each channel costs a request at full size: 5 million items, a million users, users with
//! 5,000 consumed items and 500 blocked authors, made up in memory with realistic skew. Prints p50
//! and p99 of each channel but those of vectors, of whole requests on one worker, and what a budget
//! of entries costs: how much of the list that reads everything is in the list that does not.
//!
//! `cargo bench -p gannet-retrieval --bench wide [-- ITEMS USERS]`, about 6 GB and a minute.

#![allow(missing_docs)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gannet_core::{
    Catalogue, CatalogueBuilder, ChannelName, EventKinds, Interaction, Item, ItemId, ItemIndex,
    KindIndex, ModelName, SparseRows, StringTable, TagPath, Timestamp, UserId,
};
use gannet_models::{
    Histories, ItemNeighbours, KeyIndex, MergeWeights, Model, Popularity, Recency, Snapshot,
    Trending, UserItems,
};
use gannet_retrieval::{
    Ask, ChannelKinds, ChannelList, ChannelSpec, Deadline, Eligibility, Engine, EngineOptions,
    RawRequest, Request, RetrievalConfig, UserProfile,
};
use support::{Random, SystemClock, print_percentiles, say};

const TAGS: usize = 300;
const EVENTS_A_USER: usize = 15;
const HEAVY_USERS: usize = 400;
const HEAVY_EVENTS: usize = 5_000;
const FETCH_K: usize = 500;
const DAY_SECONDS: i64 = 86_400;

/// Which item a popularity rank is: popular items stand anywhere in the catalogue.
fn item_of(rank: u32, items: usize) -> u32 {
    (u64::from(rank) * 2_654_435_761 % items as u64) as u32
}

fn catalogue(random: &mut Random, items: usize) -> Catalogue {
    let mut builder = CatalogueBuilder::new();
    for at in 0..items {
        let mut item = Item::bare(ItemId::new(at.to_string()).expect("an id"));
        for _ in 0..1 + random.skewed(3, 1) {
            let tag = random.skewed(TAGS, 2);
            let tag = TagPath::new(&format!("g{}/t{tag}", tag % 20)).expect("a tag");
            item.tags.push(tag);
        }
        item.author = Some(format!("a{}", random.skewed(items / 25, 2)));
        let day = random.skewed(1_000, 1);
        item.published = Some(Timestamp::from_seconds(i64::from(day) * DAY_SECONDS));
        item.available = random.unit() > 0.02;
        builder.add(&item).expect("distinct ids");
    }
    builder.finish()
}

fn lists(random: &mut Random, counts: &[f32]) -> SparseRows {
    let items = counts.len();
    let lists = (0..items as u32).map(|at| {
        let length = if counts[at as usize] >= 8.0 { 200 } else { 20 };
        let list: Vec<(u32, f32)> = (0..length)
            .map(|place| {
                let near = random.skewed(items, 3).wrapping_add(at) % items as u32;
                (near, random.unit().max(0.1) / (1.0 + place as f32).sqrt())
            })
            .collect();
        let mut list = list;
        list.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
        list
    });
    SparseRows::from_rows(items as u32, lists)
}

fn models(random: &mut Random, items: usize, users: usize) -> Snapshot {
    let catalogue = Arc::new(catalogue(random, items));
    let (mut ids, mut offsets, mut events) = (StringTable::default(), vec![0], Vec::new());
    let mut rows: Vec<Vec<(u32, f32)>> = Vec::with_capacity(users);
    for at in 0..users {
        ids.intern(&at.to_string());
        let count = if at < HEAVY_USERS { HEAVY_EVENTS } else { EVENTS_A_USER };
        // A user's taste: half of his items are from a hundredth of the catalogue's ranks.
        let taste = random.skewed(100, 1);
        let mut row: Vec<(u32, f32)> = Vec::with_capacity(count);
        for time in 0..count {
            let rank = random.skewed(items, 3);
            let rank = if time % 2 == 0 { rank } else { rank / 100 * 100 + taste };
            let item = item_of(rank.min(items as u32 - 1), items);
            let time = Some(Timestamp::from_seconds(900 * DAY_SECONDS + time as i64 * 900));
            let (item, kind) = (ItemIndex(item), KindIndex(0));
            events.push(Interaction { item, kind, value: 1.0, time, scene: None });
            row.push((item.0, 1.0));
        }
        offsets.push(events.len() as u64);
        row.sort_unstable_by_key(|(item, _)| *item);
        row.dedup_by_key(|(item, _)| *item);
        rows.push(row);
    }
    let mut counts = vec![0.0f32; items];
    rows.iter().flatten().for_each(|(item, _)| counts[*item as usize] += 1.0);
    let popularity = Popularity::new(counts.clone());
    let lists = lists(random, &counts);
    let rising = (0..100_000.min(items)).map(|rank| (ItemIndex(item_of(rank as u32, items)), 0.5));
    let published = catalogue.indices();
    let published = published.filter_map(|item| Some((item, catalogue.published(item)?))).collect();
    let recency = Recency::new(published, |item| popularity.score(item));
    let keys = |field| KeyIndex::by_worth(&catalogue, field, 0.5, &popularity).expect(field);
    let models = [
        ("tags", Model::KeyIndex(Arc::new(keys("tags")))),
        ("author", Model::KeyIndex(Arc::new(keys("author")))),
        ("recency", Model::Recency(Arc::new(recency))),
        ("trending", Model::Trending(Arc::new(Trending::new(rising.collect())))),
        (
            "item_cf",
            Model::ItemNeighbours(Arc::new(ItemNeighbours { lists, recency_exponent: 0.5 })),
        ),
        ("user_items", Model::UserItems(Arc::new(user_items(rows, &counts)))),
        ("popularity", Model::Popularity(Arc::new(popularity))),
    ];
    let models = models.map(|(name, model)| (ModelName::new(name).expect("a name"), model));
    Snapshot {
        version: "bench".to_owned(),
        created: Timestamp(0),
        kinds: EventKinds::implicit("play"),
        catalogue,
        histories: Arc::new(Histories::new(ids, offsets, events)),
        models: models.into_iter().collect(),
        merge_weights: MergeWeights::default(),
        recipe: String::new(),
    }
}

fn user_items(rows: Vec<Vec<(u32, f32)>>, counts: &[f32]) -> UserItems {
    let item_weights: Vec<f32> = counts.iter().map(|count| (1.0 + count).powf(-0.5)).collect();
    let norm = |row: &Vec<(u32, f32)>| {
        row.iter().map(|(item, _)| item_weights[*item as usize]).sum::<f32>().sqrt()
    };
    let user_norms = rows.iter().map(norm).collect();
    let items_of_users = SparseRows::from_rows(counts.len() as u32, rows);
    UserItems {
        users_of_items: items_of_users.transpose(),
        items_of_users,
        item_weights,
        user_norms,
        shrinkage: 1.0,
        neighbour_count: 200,
        recency_exponent: 0.5,
    }
}

/// Names, kinds, and parameters.
const CHANNELS: [(&str, &str, &str); 8] = [
    ("popular", "popular", ""),
    ("trending", "trending", ""),
    ("recent", "recent", "floor_share = 0.1"),
    ("tags", "inverted", "model = 'tags'\nhalf_life_days = 14.0"),
    ("author", "inverted", "model = 'author'\nhalf_life_days = 14.0"),
    ("item_cf", "item_cf", ""),
    ("user_cf", "user_cf", ""),
    ("explore", "explore", "new_days = 7.0"),
];

fn engine(snapshot: Arc<Snapshot>, workers: usize, clock: Arc<SystemClock>) -> Engine {
    let mut text = String::new();
    for (name, kind, parameters) in CHANNELS {
        text += &format!("[[channel]]\nname = '{name}'\nkind = '{kind}'\n{parameters}\n");
    }
    text += "[[plan]]\nname = 'home'\n";
    for (name, ..) in CHANNELS {
        text += &format!("[[plan.channel]]\nname = '{name}'\nfetch_k = {FETCH_K}\n");
    }
    text += "[[scene]]\nname = 'home'\nplan = 'home'\n";
    let config: RetrievalConfig = toml::from_str(&text).expect("a configuration");
    let kinds = ChannelKinds::builtin();
    let options = EngineOptions { clock, kinds, workers, abandoned_max: 1 };
    Engine::new(options, snapshot, &config, None).expect("snapshot and configuration fit")
}

fn request(engine: &Engine, user: usize, random: &mut Random) -> Request {
    let authors = engine.state().snapshot.catalogue.author_count();
    let blocked = (0..500).map(|_| format!("a{}", random.skewed(authors, 1)));
    let raw = RawRequest {
        user: Some(UserId::new(user.to_string()).expect("an id")),
        blocked_authors: blocked.collect(),
        dry_run: true,
        ..RawRequest::default()
    };
    engine.admit(raw).expect("a sound request")
}

fn ask(request: &Request, clock: &Arc<SystemClock>) -> Ask {
    let state = request.state().clone();
    let profile = UserProfile::build(request, &state);
    let eligible = Eligibility::of(request, &request.resolve(&profile).plan, &profile);
    Ask::new(profile, eligible, state, Deadline::after(clock.clone(), Duration::MAX))
}

/// Share of the list that reads everything that is in the list of a budget, and its time.
fn print_budgets(snapshot: &Snapshot, name: &str, kind: &str, parameters: &str, asks: &[Ask]) {
    let build = |postings_max: usize| {
        let mut table: toml::Table = parameters.parse().expect("TOML");
        table.insert("postings_max".to_owned(), toml::Value::Integer(postings_max as i64));
        let model = table.remove("model").and_then(|model| model.as_str().map(ModelName::new));
        let spec = ChannelSpec {
            name: ChannelName::new(name).expect("a name"),
            kind: kind.to_owned(),
            model: model.transpose().expect("a name"),
            parameters: table,
        };
        ChannelKinds::builtin().build(&spec, snapshot).expect("a channel")
    };
    let lists = |postings_max: usize| {
        let channel = build(postings_max);
        let answer = |ask: &Ask| channel.retrieve(ask, FETCH_K).expect("a list");
        let start = Instant::now();
        let lists: Vec<ChannelList> = asks.iter().map(answer).collect();
        (lists, start.elapsed().as_secs_f64() * 1e6 / asks.len() as f64)
    };
    let (whole, whole_us) = lists(1_000_000_000);
    say(&format!("{name:<10} everything               {whole_us:9.1} us"));
    for budget in [5_000, 10_000, 20_000, 40_000, 100_000] {
        let (cut, us) = lists(budget);
        let mut shares = 0.0;
        for (whole, cut) in whole.iter().zip(&cut) {
            let items: std::collections::BTreeSet<_> =
                cut.found.iter().map(|one| one.item).collect();
            let both = whole.found.iter().filter(|one| items.contains(&one.item)).count();
            shares += both as f64 / whole.found.len().max(1) as f64;
        }
        let share = shares / whole.len() as f64;
        say(&format!("{name:<10} {budget:>7}  recall {share:.3} {us:9.1} us"));
    }
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|text| text.parse().ok()).collect();
    let (items, users) = match numbers[..] {
        [items, users] => (items, users),
        _ => (5_000_000, 1_000_000),
    };
    let start = Instant::now();
    let mut random = Random(7);
    let snapshot = Arc::new(models(&mut random, items, users));
    say(&format!("{items} items, {users} users, made in {:.0?}", start.elapsed()));
    let clock = Arc::new(SystemClock {
        started: Instant::now(),
        now: Timestamp::from_seconds(1_000 * DAY_SECONDS),
    });
    let engine = engine(snapshot.clone(), 1, clock.clone());
    let state = engine.state();
    let requests: Vec<Request> =
        (0..HEAVY_USERS).map(|user| request(&engine, user, &mut random)).collect();
    // The first request of a user makes what user state keeps ready.
    let asks: Vec<Ask> = requests.iter().map(|request| ask(request, &clock)).collect();
    let mut sums = vec![0.0; asks.len()];
    for (name, ..) in CHANNELS {
        let channel = state.channel(&name.parse().expect("a name")).expect("configured above");
        let mut times = Vec::new();
        for round in 0..2 {
            for (at, ask) in asks.iter().enumerate() {
                let start = Instant::now();
                let list = channel.retrieve(ask, FETCH_K).expect("an answer");
                let took = start.elapsed().as_secs_f64() * 1e6;
                assert!(!list.found.is_empty());
                if round > 0 {
                    times.push(took);
                    sums[at] += took;
                }
            }
        }
        print_percentiles(name, &mut times);
    }
    print_percentiles("sum of these", &mut sums);
    let mut totals = Vec::new();
    for round in 0..3 {
        for request in &requests {
            let report = engine.retrieve(request.clone()).report;
            if round > 0 {
                totals.push(report.total_us as f64);
            }
        }
    }
    print_percentiles("request, one worker", &mut totals);
    let some = &asks[..asks.len().min(100)];
    for (name, kind, parameters) in &CHANNELS[3..7] {
        print_budgets(&snapshot, name, kind, parameters, some);
    }
}
