//! Small random snapshots and requests, and the pieces to build a special one by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gannet_core::{
    Bitmap, Catalogue, ChannelName, Clock, EventKind, EventKinds, FieldValue, Interaction, Item,
    ItemId, ItemIndex, KindIndex, ManualClock, ModelName, SparseRows, StringTable, TagPath,
    Timestamp, UserIndex,
};
use gannet_models::{
    Factors, FoldIn, Histories, ItemNeighbours, KeyIndex, MergeWeights, Metric, Model, Popularity,
    Recency, Snapshot, Trending, UserItems, UserVectors, Vectors,
};
use gannet_retrieval::{
    Ask, Channel, ChannelKinds, ChannelSpec, ChannelSpecError, Deadline, Eligibility,
    EligibilityRule, EngineState, FilterExpression, HistoryEntry, ItemSet, MergeKind, Plan,
    RetrievalConfig, SetEntry, SetKind, UserProfile, UserRecord, UserSets,
};
use gannet_vectors::Matrix;
use proptest::prelude::*;

pub(crate) const TAGS: [&str; 6] = ["a", "a/x", "a/x/deep", "a/y", "b", "c/z"];
pub(crate) const DIM: usize = 3;
const DAY_MS: i64 = 86_400_000;

#[derive(Debug, Clone, Default)]
pub(crate) struct ItemSpec {
    pub(crate) tags: Vec<usize>,
    pub(crate) published_day: Option<i64>,
    pub(crate) available: bool,
    pub(crate) popularity: u8,
    pub(crate) neighbours: Vec<(u32, u8)>,
    pub(crate) vector: [i8; DIM],
}

/// Kind 0 likes from a value of 4 on, kind 1 dislikes, kind 2 likes by half.
#[derive(Debug, Clone)]
pub(crate) struct EventSpec {
    pub(crate) item: u32,
    pub(crate) kind: u8,
    pub(crate) value: u8,
    pub(crate) day: Option<i64>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) items: Vec<ItemSpec>,
    pub(crate) users: Vec<(Vec<EventSpec>, [i8; DIM])>,
}

#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// The user; past the end: one that nobody knows.
    pub(crate) user: usize,
    pub(crate) fresh: Vec<EventSpec>,
    pub(crate) blocked: Vec<u32>,
    pub(crate) filter: Option<usize>,
    pub(crate) refuse_consumed: bool,
    pub(crate) now_day: i64,
}

impl Wish {
    pub(crate) fn of_user(user: usize) -> Self {
        let (fresh, blocked) = (Vec::new(), Vec::new());
        Self { user, fresh, blocked, filter: None, refuse_consumed: true, now_day: 100 }
    }

    pub(crate) fn of_nobody() -> Self {
        Self::of_user(usize::MAX)
    }
}

pub(crate) fn day(day: i64) -> Timestamp {
    Timestamp(day * DAY_MS)
}

pub(crate) fn kinds() -> EventKinds {
    let kind = |name: &str, weight, positive_from| EventKind::new(name, weight, positive_from);
    let kinds = [kind("rating", 1.0, Some(4.0)), kind("dislike", -1.0, None)];
    EventKinds::new(kinds.into_iter().chain([kind("play", 0.5, None)]).collect()).unwrap()
}

fn interaction(event: &EventSpec) -> Interaction {
    let (item, kind) = (ItemIndex(event.item), KindIndex(event.kind));
    Interaction { item, kind, value: f32::from(event.value), time: event.day.map(day), scene: None }
}

impl World {
    pub(crate) fn catalogue(&self) -> Catalogue {
        let items: Vec<Item> = self
            .items
            .iter()
            .enumerate()
            .map(|(at, spec)| Item {
                tags: spec.tags.iter().map(|tag| TagPath::new(TAGS[*tag]).unwrap()).collect(),
                published: spec.published_day.map(day),
                available: spec.available,
                author: (at % 5 > 0).then(|| format!("author {}", at % 5)),
                fields: vec![("city".to_owned(), FieldValue::Text(format!("city {}", at % 3)))],
                ..Item::bare(ItemId::new(format!("item {at}")).unwrap())
            })
            .collect();
        Catalogue::from_items(&items).unwrap()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let catalogue = Arc::new(self.catalogue());
        let histories = self.histories();
        let popularity: Vec<f32> = self.items.iter().map(|item| item.popularity.into()).collect();
        let even = popularity.iter().enumerate().step_by(2);
        let even = even.map(|(at, score)| (ItemIndex(at as u32), 9.0 - score)).collect();
        let popularity = Popularity::new(popularity).with_scenes(vec![("home".to_owned(), even)]);
        let published = self.items.iter().enumerate();
        let published = published
            .filter_map(|(at, item)| Some((ItemIndex(at as u32), item.published_day.map(day)?)));
        let recency = Recency::new(published.collect(), |item| popularity.score(item));
        let lists = self.items.iter().map(|item| {
            item.neighbours.iter().map(|(other, similarity)| (*other, f32::from(*similarity) / 8.0))
        });
        let lists = SparseRows::from_rows(self.items.len() as u32, lists);
        let rising = self.items.iter().map(|item| f32::from(item.popularity) * 2.0 - 3.0);
        let rising = rising.enumerate().map(|(at, score)| (ItemIndex(at as u32), score));
        let trending = Trending::new(rising.filter(|(_, score)| *score > 0.0).collect());
        let neighbours = Arc::new(ItemNeighbours { lists, recency_exponent: 0.5 });
        let keys = |field| Arc::new(KeyIndex::of_catalogue(&catalogue, field, 0.5).expect(field));
        let mut models = vec![
            ("tags", Model::KeyIndex(keys("tags"))),
            ("author", Model::KeyIndex(keys("author"))),
            ("popularity", Model::Popularity(Arc::new(popularity))),
            ("recency", Model::Recency(Arc::new(recency))),
            ("trending", Model::Trending(Arc::new(trending))),
            ("item_cf", Model::ItemNeighbours(neighbours.clone())),
            ("swing", Model::ItemNeighbours(neighbours)),
            ("ials", Model::Factors(Arc::new(self.factors()))),
            ("brought", Model::Vectors(Arc::new(self.vectors(Metric::Cosine)))),
            ("items_only", Model::Vectors(Arc::new(self.vectors(Metric::InnerProduct)))),
            ("user_items", Model::UserItems(Arc::new(self.user_items(&histories)))),
        ];
        if !self.items.is_empty() {
            models.push(("city", Model::KeyIndex(keys("city"))));
        }
        let models = models.into_iter();
        let models = models.map(|(name, model)| (ModelName::new(name).unwrap(), model));
        let snapshot = Snapshot {
            version: "test".to_owned(),
            created: day(0),
            kinds: kinds(),
            catalogue,
            histories: Arc::new(histories),
            models: models.collect(),
            merge_weights: MergeWeights::default(),
            recipe: String::new(),
        };
        snapshot.check().unwrap();
        snapshot
    }

    fn histories(&self) -> Histories {
        let (mut ids, mut offsets, mut events) = (StringTable::default(), vec![0], Vec::new());
        for (at, (history, _)) in self.users.iter().enumerate() {
            ids.intern(&format!("user {at}"));
            events.extend(history.iter().map(interaction));
            offsets.push(events.len() as u64);
        }
        Histories::new(ids, offsets, events)
    }

    fn factors(&self) -> Factors {
        let matrix = |rows: Vec<[i8; DIM]>| {
            let values = rows.into_iter().flatten().map(|value| f32::from(value) / 2.0).collect();
            Arc::new(Matrix::from_values(values, DIM).unwrap())
        };
        let items = matrix(self.items.iter().map(|item| item.vector).collect());
        let users = matrix(self.users.iter().map(|(_, vector)| *vector).collect());
        let fold_in = Some(FoldIn::new(&items, 1.0, 0.1, 0.1, 1.0));
        Factors { version: "1".to_owned(), items, users, fold_in }
    }

    /// Of the items whose vector points somewhere, and of the users under a cosine.
    fn vectors(&self, metric: Metric) -> Vectors {
        let rows = |rows: Vec<[i8; DIM]>| {
            let known = Bitmap::from_fn(rows.len(), |row| rows[row as usize] != [0; DIM]);
            let values = rows.into_iter().flat_map(|row| {
                let length = row.iter().map(|value| f32::from(*value).powi(2)).sum::<f32>().sqrt();
                let scale = if metric == Metric::Cosine && length > 0.0 { length } else { 1.0 };
                row.map(|value| f32::from(value) / scale)
            });
            let matrix = Matrix::from_values(values.collect(), DIM).unwrap();
            (Arc::new(matrix), Arc::new(known))
        };
        let (items, known_items) = rows(self.items.iter().map(|item| item.vector).collect());
        let users = (metric == Metric::Cosine).then(|| {
            let (rows, known) = rows(self.users.iter().map(|(_, vector)| *vector).collect());
            UserVectors { rows, known }
        });
        Vectors { version: "1".to_owned(), metric, items, known_items, users }
    }

    fn user_items(&self, histories: &Histories) -> UserItems {
        let kinds = kinds();
        let rows = (0..histories.len() as u32).map(|user| {
            let mut liked: Vec<(u32, f32)> = Vec::new();
            for event in histories.events(UserIndex(user)) {
                let strength = kinds.strength(event.kind, event.value);
                if strength > 0.0 && liked.iter().all(|(item, _)| *item != event.item.0) {
                    liked.push((event.item.0, strength));
                }
            }
            liked
        });
        let items_of_users = SparseRows::from_rows(self.items.len() as u32, rows);
        let users_of_items = items_of_users.transpose();
        let weight = |item: usize| 1.0 / (1.0 + users_of_items.row(item).0.len() as f32);
        let item_weights: Vec<f32> = (0..self.items.len()).map(weight).collect();
        let norm = |user: usize| {
            let squares = items_of_users.entries(user);
            squares.map(|(item, s)| item_weights[item as usize] * s * s).sum::<f32>().sqrt()
        };
        let user_norms = (0..self.users.len()).map(norm).collect();
        let (shrinkage, neighbour_count) = (0.5, 3);
        UserItems {
            items_of_users,
            users_of_items,
            item_weights,
            user_norms,
            shrinkage,
            neighbour_count,
            recency_exponent: 0.25,
        }
    }

    pub(crate) fn state(&self) -> Arc<EngineState> {
        let config: RetrievalConfig = toml::from_str(
            "channel = [{ name = 'popular', kind = 'popular' }]
             plan = [{ name = 'home', channel = [{ name = 'popular' }] }]
             scene = [{ name = 'home', plan = 'home' }]",
        )
        .unwrap();
        let snapshot = Arc::new(self.snapshot());
        Arc::new(EngineState::new(snapshot, &config, &ChannelKinds::builtin(), None).unwrap())
    }

    pub(crate) fn profile(&self, wish: &Wish) -> UserProfile {
        let known = self.users.get(wish.user).map(|(history, _)| history.as_slice());
        let kinds = kinds();
        let entry = |event: Interaction| HistoryEntry {
            item: event.item,
            strength: kinds.strength(event.kind, event.value),
            time: event.time,
        };
        let known_entries = known.unwrap_or_default().iter().map(interaction).map(entry);
        let fresh: Vec<HistoryEntry> = wish.fresh.iter().map(interaction).map(entry).collect();
        // The fresh events are in the sets as well: that is what a request's own sets say.
        let entries = |history: &[HistoryEntry]| {
            let entry = |one: &HistoryEntry| SetEntry {
                item: one.item,
                kind: SetKind::Consumed,
                time: one.time,
            };
            history.iter().map(entry).collect::<Vec<_>>()
        };
        let history: Vec<HistoryEntry> = known_entries.collect();
        let blocked = wish.blocked.iter().map(|item| SetEntry {
            item: ItemIndex(*item),
            kind: SetKind::Blocked,
            time: None,
        });
        let sets = UserSets {
            settled: Arc::new(ItemSet::new(entries(&history))),
            recent: Arc::new(ItemSet::new(entries(&fresh).into_iter().chain(blocked))),
            ..UserSets::default()
        };
        let index = known.map(|_| UserIndex(wish.user as u32));
        let record = Arc::new(UserRecord::new(index, history, sets));
        UserProfile::new(record, day(wish.now_day)).with_events(&fresh)
    }

    pub(crate) fn ask(&self, state: &Arc<EngineState>, wish: &Wish) -> Ask {
        self.ask_due(state, wish, Arc::new(ManualClock::at(day(0))))
    }

    pub(crate) fn ask_due(
        &self,
        state: &Arc<EngineState>,
        wish: &Wish,
        clock: Arc<dyn Clock>,
    ) -> Ask {
        let plan = plan(wish.refuse_consumed);
        let profile = self.profile(wish);
        let filter = wish.filter.map(|tag| {
            FilterExpression::parse(&format!("tags any [{:?}]", TAGS[tag])).expect("a filter")
        });
        let eligible = Eligibility::new(&plan, &profile, filter.as_ref(), state);
        let deadline = Deadline::after(clock, Duration::from_secs(1));
        Ask::new(profile, eligible, state.clone(), deadline)
    }

    /// Whether the item may be shown, by the letter of the wish.
    pub(crate) fn is_eligible(&self, wish: &Wish, item: ItemIndex) -> bool {
        let spec = &self.items[item.at()];
        let consumed = self.profile(wish).history().iter().any(|entry| entry.item == item);
        let below = |tag: &usize, wanted: &str| {
            let name = TAGS[*tag];
            name == wanted || name.starts_with(&format!("{wanted}/"))
        };
        let wanted = wish.filter.map(|tag| TAGS[tag]);
        spec.available
            && !wish.blocked.contains(&item.0)
            && !(wish.refuse_consumed && consumed)
            && wanted.is_none_or(|wanted| spec.tags.iter().any(|tag| below(tag, wanted)))
    }

    pub(crate) fn eligible(&self, wish: &Wish) -> Vec<ItemIndex> {
        let all = (0..self.items.len() as u32).map(ItemIndex);
        all.filter(|item| self.is_eligible(wish, *item)).collect()
    }
}

fn plan(refuse_consumed: bool) -> Plan {
    Plan {
        name: "home".parse().unwrap(),
        channels: Vec::new(),
        merge: MergeKind::Rrf,
        rrf_k: 60.0,
        handover: 500,
        deadline: Duration::from_secs(1),
        normalisation: Default::default(),
        eligibility: EligibilityRule { refuse_consumed, ..EligibilityRule::default() },
        caps: Vec::new(),
    }
}

/// `model` stands among the parameters here.
pub(crate) fn spec(kind: &str, parameters: &str) -> ChannelSpec {
    let mut parameters: toml::Table = parameters.parse().unwrap();
    let model = parameters.remove("model");
    let model = model.map(|model| ModelName::new(model.as_str().unwrap()).unwrap());
    let name = ChannelName::new(kind).unwrap();
    ChannelSpec { name, kind: kind.to_owned(), model, parameters }
}

pub(crate) fn build(
    kind: &str,
    parameters: &str,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    ChannelKinds::builtin().build(&spec(kind, parameters), snapshot)
}

/// Stands still for so many readings, then jumps past every deadline.
pub(crate) struct CountdownClock(pub(crate) AtomicU64);

impl Clock for CountdownClock {
    fn now(&self) -> Timestamp {
        day(0)
    }

    fn elapsed(&self) -> Duration {
        let update = |left: u64| Some(left.saturating_sub(1));
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, update).unwrap();
        if left == 0 { Duration::from_secs(3600) } else { Duration::ZERO }
    }
}

/// Moves on by an eighth of a second at every reading.
pub(crate) struct SteppingClock(pub(crate) AtomicU64);

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        day(0)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(125) * self.0.fetch_add(1, Ordering::SeqCst) as u32
    }
}

pub(crate) fn event(items: usize) -> impl Strategy<Value = EventSpec> {
    let day = prop::option::weighted(0.8, 0i64..200);
    (0..items.max(1) as u32, 0u8..3, 1u8..6, day).prop_map(|(item, kind, value, day)| EventSpec {
        item,
        kind,
        value,
        day,
    })
}

fn events(items: usize) -> impl Strategy<Value = Vec<EventSpec>> {
    prop::collection::vec(event(items), 0..=if items == 0 { 0 } else { 12 })
}

fn item(at: usize, items: usize) -> impl Strategy<Value = ItemSpec> {
    let others = prop::collection::btree_map(0..items as u32, 1u8..9, 0..6);
    (
        prop::sample::subsequence((0..TAGS.len()).collect::<Vec<_>>(), 0..4),
        prop::option::weighted(0.8, 0i64..200),
        prop::bool::weighted(0.8),
        0u8..5,
        others,
        prop::array::uniform3(-3i8..4),
    )
        .prop_map(move |(tags, published_day, available, popularity, others, vector)| {
            let others = others.into_iter().filter(|(other, _)| *other as usize != at);
            let mut neighbours: Vec<(u32, u8)> = others.collect();
            neighbours.sort_by_key(|(_, similarity)| std::cmp::Reverse(*similarity));
            ItemSpec { tags, published_day, available, popularity, neighbours, vector }
        })
}

pub(crate) fn world() -> impl Strategy<Value = World> {
    (0usize..30, 0usize..9).prop_flat_map(|(items, users)| {
        let item_specs: Vec<_> = (0..items).map(|at| item(at, items)).collect();
        let user = (events(items), prop::array::uniform3(-3i8..4));
        (item_specs, prop::collection::vec(user, users))
            .prop_map(|(items, users)| World { items, users })
    })
}

pub(crate) fn world_and_wish() -> impl Strategy<Value = (World, Wish)> {
    world().prop_flat_map(|world| {
        let items = world.items.len();
        let fresh = prop_oneof![Just(Vec::new()).boxed(), events(items).boxed()];
        let blocked = prop::collection::vec(0..items.max(1) as u32, 0..4);
        let filter = prop::option::weighted(0.3, 0..TAGS.len());
        let wish = (0..world.users.len() + 2, fresh, blocked, filter, any::<bool>(), 0i64..220);
        (Just(world), wish).prop_map(|(world, wish)| {
            let (user, fresh, blocked, filter, refuse_consumed, now_day) = wish;
            (world, Wish { user, fresh, blocked, filter, refuse_consumed, now_day })
        })
    })
}
