//! A small world for tests of the engine: a snapshot, a clock that runs, and channels that
//! misbehave on purpose.
#![allow(dead_code)]

pub(crate) mod trouble;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use gannet_core::{
    Catalogue, ChannelName, Clock, EventKinds, Interaction, Item, ItemId, ItemIndex, KindIndex,
    ModelName, SceneName, StringTable, TagPath, Timestamp, UserId,
};
use gannet_models::{Factors, Histories, MergeWeights, Model, Popularity, Snapshot};
use gannet_retrieval::{
    Ask, Channel, ChannelError, ChannelKinds, ChannelList, Engine, EngineOptions, Found,
    RawRequest, RetrievalConfig,
};
use gannet_vectors::Matrix;

/// Milliseconds of the clock's start.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// A clock that runs.
pub(crate) struct RunningClock(Instant);

impl RunningClock {
    pub(crate) fn started(at: Instant) -> Self {
        Self(at)
    }
}

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Items i0.. with a tag, an author and a time each; every tenth item is unavailable. Users
/// u0.. with ten events each. Popularity falls with the index.
pub(crate) fn snapshot(items: u32, users: u32) -> Snapshot {
    let item = |at: u32| Item {
        tags: vec![TagPath::new(&format!("tag/t{}", at % 7)).expect("a tag")],
        author: Some(format!("a{}", at % 5)),
        published: Some(Timestamp(i64::from(at))),
        available: at % 10 != 9,
        ..Item::bare(ItemId::new(format!("i{at}")).expect("an id"))
    };
    let all: Vec<Item> = (0..items).map(item).collect();
    let event = |user: u32, at: u32| Interaction {
        item: ItemIndex((user * 13 + at * 3) % items),
        kind: KindIndex(0),
        value: if at % 4 == 3 { 2.0 } else { 5.0 },
        time: Some(Timestamp(NOW.0 - 86_400_000 * i64::from(10 - at))),
        scene: None,
    };
    let events = (0..users).flat_map(|user| (0..10).map(move |at| event(user, at))).collect();
    let popularity = Popularity::new((0..items).map(|at| (items - at) as f32).collect());
    let factors = Factors {
        version: "v1".to_owned(),
        items: Arc::new(Matrix::zeros(items as usize, 4)),
        users: Arc::new(Matrix::zeros(users as usize, 4)),
        fold_in: None,
    };
    Snapshot {
        version: "s1".to_owned(),
        histories: Arc::new(Histories::new(
            (0..users).map(|user| format!("u{user}")).collect::<StringTable>(),
            (0..=u64::from(users)).map(|user| user * 10).collect(),
            events,
        )),
        models: BTreeMap::from([
            (model("popularity"), Model::Popularity(Arc::new(popularity))),
            (model("ials"), Model::Factors(Arc::new(factors))),
        ]),
        ..bare_snapshot(Catalogue::from_items(&all).expect("distinct ids"))
    }
}

/// A snapshot of a catalogue alone: without users and models, its events ratings.
pub(crate) fn bare_snapshot(catalogue: Catalogue) -> Snapshot {
    Snapshot {
        version: "s".to_owned(),
        created: NOW,
        kinds: EventKinds::rating(4.0),
        catalogue: Arc::new(catalogue),
        histories: Arc::new(Histories::new(StringTable::new(), vec![0], Vec::new())),
        models: BTreeMap::new(),
        merge_weights: MergeWeights::default(),
        recipe: String::new(),
    }
}

pub(crate) fn model(name: &str) -> ModelName {
    ModelName::new(name).expect("a name")
}

/// What a test's text says; whether it is sound an engine decides.
pub(crate) fn config(text: &str) -> RetrievalConfig {
    toml::from_str(text).expect("TOML of the right types")
}

/// Options of an engine of one thread, with the built-in kinds and `ordered`.
pub(crate) fn options(clock: Arc<dyn Clock>) -> EngineOptions {
    let mut kinds = ChannelKinds::builtin();
    kinds.register("ordered", in_order());
    EngineOptions { clock, kinds, workers: 1, abandoned_max: 1 }
}

/// How a fake channel behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Returns its items.
    Sound,
    /// Sleeps first, for three times its deadline.
    Slow(Duration),
    /// Returns its items at the next [`Gate::release`]: after the answer has left.
    Outlasts,
    /// Waits until [`Gate::open`].
    Stuck,
    /// Panics.
    Panics,
    /// Returns an error.
    Fails,
    /// Stops at its deadline and says so.
    Patient,
    /// Returns everything that a channel must not.
    Unruly,
}

/// Holds stuck channels until it is opened.
#[derive(Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    released: Mutex<usize>,
    let_go: Condvar,
    pub(crate) entered: AtomicUsize,
    pub(crate) is_stuck: AtomicBool,
}

impl Gate {
    pub(crate) fn closed() -> Arc<Self> {
        let gate = Arc::new(Self::default());
        gate.is_stuck.store(true, Ordering::SeqCst);
        gate
    }

    pub(crate) fn open(&self) {
        self.is_stuck.store(false, Ordering::SeqCst);
        *self.open.lock().expect("nobody panics here") = true;
        self.opened.notify_all();
    }

    /// Lets every call go on that waits for it at this moment.
    pub(crate) fn release(&self) {
        *self.released.lock().expect("nobody panics here") += 1;
        self.let_go.notify_all();
    }

    fn pass_released(&self) {
        let mut released = self.released.lock().expect("nobody panics here");
        let before = *released;
        while *released == before {
            released = self.let_go.wait(released).expect("nobody panics here");
        }
    }

    fn pass(&self) {
        self.entered.fetch_add(1, Ordering::SeqCst);
        let mut open = self.open.lock().expect("nobody panics here");
        while !*open {
            open = self.opened.wait(open).expect("nobody panics here");
        }
    }
}

/// A channel that names items from `first` on, and misbehaves as told.
pub(crate) struct FakeChannel {
    name: ChannelName,
    behaviour: Behaviour,
    first: u32,
    step: u32,
    gate: Arc<Gate>,
}

impl Channel for FakeChannel {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        match self.behaviour {
            Behaviour::Slow(time) => std::thread::sleep(time),
            Behaviour::Outlasts => self.gate.pass_released(),
            Behaviour::Stuck => self.gate.pass(),
            Behaviour::Panics => panic!("as told"),
            Behaviour::Fails => return Err(ChannelError::Model("as told".to_owned())),
            Behaviour::Unruly => return Ok(unruly(fetch_k)),
            Behaviour::Patient => {
                while !ask.deadline.is_past() {
                    std::thread::sleep(Duration::from_micros(100));
                }
            }
            Behaviour::Sound => {}
        }
        let mut list =
            ChannelList { partial: self.behaviour == Behaviour::Patient, ..Default::default() };
        let start = self.first + ask.profile.history().first().map_or(0, |entry| entry.item.0 % 5);
        for item in (start..ask.eligible.len() as u32).step_by(self.step as usize).map(ItemIndex) {
            match ask.eligible.refusal(item) {
                Some(refusal) => list.dropped.add(refusal),
                None if list.found.len() < fetch_k => {
                    let channel_score = 1.0 / (list.found.len() + 1) as f32;
                    list.found.push(Found { item, channel_score, trigger: None });
                }
                None => break,
            }
        }
        Ok(list)
    }
}

/// Items 1, 2, 1 (twice), 9 (unavailable), 3 (NaN), a million (unknown), then rising and too many.
fn unruly(fetch_k: usize) -> ChannelList {
    let mut pairs = vec![(1, 9.0), (2, 8.0), (1, 7.0), (9, 6.0), (3, f32::NAN), (1_000_000, 5.0)];
    pairs.extend((0..fetch_k as u32).map(|at| (10 * at + 4, at as f32)));
    let found = pairs.into_iter().map(|(item, channel_score)| Found {
        item: ItemIndex(item),
        channel_score,
        trigger: None,
    });
    ChannelList { found: found.collect(), ..ChannelList::default() }
}

/// Fake channels by name, all in one plan. Sound ones have so long a deadline that a busy machine
/// makes none late; stuck ones have 40 ms.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) gate: Arc<Gate>,
}

pub(crate) const WORKERS: usize = 3;

impl World {
    pub(crate) fn new(channels: &[(&str, Behaviour)]) -> Self {
        Self::with_plan(channels, "handover = 60\ndeadline_ms = 20000")
    }

    pub(crate) fn with_plan(channels: &[(&str, Behaviour)], plan: &str) -> Self {
        Self::of_size(channels, plan, 50, 500)
    }

    pub(crate) fn of_size(
        channels: &[(&str, Behaviour)],
        plan: &str,
        fetch_k: usize,
        items: u32,
    ) -> Self {
        let gate = Gate::closed();
        let mut kinds = ChannelKinds::builtin();
        let mut text = String::new();
        for (at, (name, behaviour)) in channels.iter().enumerate() {
            text += &format!("[[channel]]\nname = {name:?}\nkind = {name:?}\n");
            let (behaviour, gate) = (*behaviour, gate.clone());
            let build = move |spec: &gannet_retrieval::ChannelSpec, _: &Snapshot| {
                let channel = FakeChannel {
                    name: spec.name.clone(),
                    behaviour,
                    first: at as u32,
                    step: at as u32 + 1,
                    gate: gate.clone(),
                };
                Ok(Arc::new(channel) as Arc<dyn Channel>)
            };
            kinds.register(name, Arc::new(build));
        }
        text += &format!("[[plan]]\nname = \"home\"\n{plan}\n");
        for (name, behaviour) in channels {
            text += &format!("[[plan.channel]]\nname = {name:?}\nfetch_k = {fetch_k}\n");
            match behaviour {
                Behaviour::Slow(time) => {
                    text += &format!("deadline_ms = {}\n", (time.as_millis() / 3).max(1));
                }
                Behaviour::Stuck => text += "deadline_ms = 40\n",
                _ => {}
            }
        }
        text += "[[scene]]\nname = \"home\"\nplan = \"home\"\n";
        let config = config(&text);
        let options = EngineOptions {
            clock: Arc::new(RunningClock(Instant::now())),
            kinds,
            workers: WORKERS,
            abandoned_max: 4,
        };
        let engine = Engine::new(options, Arc::new(snapshot(items, 40)), &config, None);
        Self { engine: engine.expect("an engine"), gate }
    }

    pub(crate) fn ask(&self, user: u32) -> gannet_retrieval::Retrieval {
        let request = self.engine.admit(of_user(user)).expect("a sound request");
        self.engine.retrieve(request)
    }

    /// Waits until the threads are back to the number of the start, releasing calls that wait for
    /// that; false after ten seconds.
    pub(crate) fn settles(&self) -> bool {
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(10) {
            if self.engine.thread_counts() == (WORKERS, 0) {
                return true;
            }
            self.gate.release();
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    }
}

pub(crate) fn of_user(user: u32) -> RawRequest {
    let user = UserId::new(format!("u{user}")).expect("an id");
    RawRequest { user: Some(user), keep_lists: true, ..RawRequest::default() }
}

pub(crate) fn scene(name: &str) -> SceneName {
    SceneName::new(name).expect("a name")
}

/// A channel that names every eligible item in the order of the catalogue.
struct InOrder(ChannelName);

impl Channel for InOrder {
    fn name(&self) -> &ChannelName {
        &self.0
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let rows = (0..ask.eligible.len() as u32).map(ItemIndex);
        let open = rows.filter(|item| ask.eligible.contains(*item)).take(fetch_k);
        let found = |item: ItemIndex| Found {
            item,
            channel_score: 1.0 / (item.0 + 1) as f32,
            trigger: None,
        };
        Ok(ChannelList { found: open.map(found).collect(), ..ChannelList::default() })
    }
}

/// Builds it.
fn in_order() -> gannet_retrieval::ChannelBuilder {
    Arc::new(|spec: &gannet_retrieval::ChannelSpec, _: &Snapshot| {
        Ok(Arc::new(InOrder(spec.name.clone())) as Arc<dyn Channel>)
    })
}
