//! A tiny engine with channels that behave or misbehave on purpose, and a client on a real socket.

// Each test binary uses a part of this, and its `pub` ends at the binary.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use gannet_core::{
    Catalogue, ChannelName, Clock, EventKinds, Interaction, Item, ItemId, ItemIndex, KindIndex,
    ModelName, StringTable, TagPath, Timestamp,
};
use gannet_models::{Histories, MergeWeights, Model, Popularity, Snapshot};
use gannet_retrieval::{
    Ask, Channel, ChannelError, ChannelKinds, ChannelList, ChannelSpec, Engine, EngineOptions,
    Found, RetrievalConfig,
};
use gannet_server::{EngineSlot, ServeOptions, serve_on};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub const TITLES: [&str; 6] = [
    "Toy Story (1995)",
    "Face/Off (1997)",
    "100% Wolf? #1 & more (2020)",
    "千と千尋の神隠し (2001)",
    "42",
    "Heat (1995)",
];

pub struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000)
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(TestClock(Instant::now()))
}

/// Holds every call of the channel `gated` until a test opens it.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let mut open = self.open.lock().unwrap();
        while !*open {
            open = self.opened.wait(open).unwrap();
        }
    }
}

enum Behaviour {
    /// Every eligible item in order, with the user's last item as the trigger.
    Find,
    Panic,
    Wait(Arc<Gate>),
}

struct FakeChannel {
    name: ChannelName,
    behaviour: Behaviour,
}

impl Channel for FakeChannel {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        match &self.behaviour {
            Behaviour::Find => {}
            Behaviour::Panic => panic!("a secret of the program"),
            Behaviour::Wait(gate) => gate.pass(),
        }
        let trigger = ask.profile.history().last().map(|entry| entry.item);
        let items = ask.state.snapshot.catalogue.indices();
        let found = items.filter(|item| ask.eligible.contains(*item)).take(fetch_k);
        let found =
            found.map(|item| Found { item, channel_score: 9.0 - item.0 as f32, trigger }).collect();
        Ok(ChannelList { found, ..ChannelList::default() })
    }
}

fn kinds(gate: &Arc<Gate>) -> ChannelKinds {
    let mut kinds = ChannelKinds::builtin();
    for kind in ["find", "panic", "wait"] {
        let gate = gate.clone();
        let build = move |spec: &ChannelSpec, _: &Snapshot| {
            let behaviour = match kind {
                "find" => Behaviour::Find,
                "panic" => Behaviour::Panic,
                _ => Behaviour::Wait(gate.clone()),
            };
            Ok(Arc::new(FakeChannel { name: spec.name.clone(), behaviour }) as Arc<dyn Channel>)
        };
        kinds.register(kind, Arc::new(build));
    }
    kinds
}

const CONFIG: &str = r#"
channel = [
    { name = "finder", kind = "find" },
    { name = "broken", kind = "panic" },
    { name = "gated", kind = "wait" },
]
scene = [
    { name = "home", plan = "home" },
    { name = "detail", plan = "home", eligible = 'tags any ["Comedy"]' },
    { name = "broken", plan = "broken" },
    { name = "gated", plan = "gated" },
]
plan = [
    { name = "home", deadline_ms = 5000, exposed_days = 3, cap = [
        { field = "tags", max = 100, level = 1 },
    ], channel = [{ name = "finder", min = 1, target = 400, max = 450 }] },
    { name = "broken", deadline_ms = 5000, channel = [{ name = "finder" }, { name = "broken" }] },
    { name = "gated", deadline_ms = 60000, channel = [{ name = "gated" }] },
]
"#;

fn snapshot() -> Snapshot {
    let items: Vec<Item> = TITLES
        .iter()
        .map(|title| Item {
            title: format!("{title} as shown"),
            tags: vec![TagPath::new("Comedy/Dark").unwrap()],
            published: Some(Timestamp(789_000_000_000)),
            ..Item::bare(ItemId::new(*title).unwrap())
        })
        .collect();
    let catalogue = Catalogue::from_items(&items).unwrap();
    let event =
        Interaction { item: ItemIndex(5), kind: KindIndex(0), value: 5.0, time: None, scene: None };
    let users: StringTable = ["1", "Ünï"].into_iter().collect();
    let popularity = Popularity::new(vec![6.0, 5.0, 4.0, 3.0, 2.0, 1.0]);
    let name = ModelName::new("popularity").unwrap();
    Snapshot {
        version: "20260101-120000".to_owned(),
        created: Timestamp(0),
        kinds: EventKinds::rating(4.0),
        catalogue: Arc::new(catalogue),
        histories: Arc::new(Histories::new(users, vec![0, 1, 1], vec![event])),
        models: BTreeMap::from([(name, Model::Popularity(Arc::new(popularity)))]),
        merge_weights: MergeWeights::default(),
        recipe: String::new(),
    }
}

pub fn engine() -> Arc<Engine> {
    gated_engine().0
}

/// The engine as `gannet serve` has it: what happens counts in the next request.
pub fn live_engine() -> Arc<Engine> {
    let config: RetrievalConfig = toml::from_str(CONFIG).unwrap();
    let kinds = kinds(&Arc::default());
    let options = EngineOptions { clock: clock(), kinds, workers: 2, abandoned_max: 4 };
    let snapshot = Arc::new(snapshot());
    let users = Arc::new(gannet_retrieval::LiveUsers::new(snapshot.clone()));
    Arc::new(Engine::new(options, snapshot, &config, Some(users)).unwrap())
}

/// The engine with the gate that its channel `gated` waits at.
pub fn gated_engine() -> (Arc<Engine>, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let config: RetrievalConfig = toml::from_str(CONFIG).unwrap();
    let options =
        EngineOptions { clock: clock(), kinds: kinds(&gate), workers: 2, abandoned_max: 4 };
    (Arc::new(Engine::new(options, Arc::new(snapshot()), &config, None).unwrap()), gate)
}

/// Longer than anything here takes on the slowest machine; what takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Sends bytes and reads until the server closes the connection.
pub async fn exchange(address: SocketAddr, bytes: Vec<u8>) -> Vec<u8> {
    let talk = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // A server that refuses early may close before all was written.
        let _ = stream.write_all(&bytes);
        let (mut answer, start) = (Vec::new(), Instant::now());
        let _ = stream.read_to_end(&mut answer);
        assert!(start.elapsed() < PATIENCE, "the connection was left open");
        answer
    };
    tokio::task::spawn_blocking(talk).await.unwrap()
}

pub struct Server {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    pub running: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(engine(), None, |_| {}).await
    }

    pub async fn start_with(
        engine: impl Into<EngineSlot>,
        page: Option<&str>,
        change: impl FnOnce(&mut ServeOptions),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut options = ServeOptions::new(address, clock());
        change(&mut options);
        let (stop, stopped) = oneshot::channel::<()>();
        let (engine, page) = (engine.into(), page.map(Arc::from));
        let running = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            serve_on(listener, options, engine, page, shutdown).await;
        });
        Self { address, stop: Some(stop), running }
    }

    pub fn stop(&mut self) {
        let _ = self.stop.take().expect("stopped once").send(());
    }

    /// Sends bytes as they are and reads until the server closes the connection.
    pub async fn raw(&self, bytes: &[u8]) -> Answer {
        let answer = exchange(self.address, bytes.to_vec()).await;
        Answer::parse(&answer)
    }

    /// Waits until so many requests run and wait.
    pub async fn until(&self, running: usize, waiting: usize) {
        let wanted = [
            format!("gannet_requests_running {running}"),
            format!("gannet_requests_waiting {waiting}"),
        ];
        let start = Instant::now();
        loop {
            let text = self.get("/metrics").await.body;
            if wanted.iter().all(|wanted| text.lines().any(|line| line == wanted)) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{wanted:?}: {text}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, "content-type: application/json\r\n", body).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\
             content-length: {length}\r\n\r\n"
        );
        self.raw(&[head.as_bytes(), body.as_bytes()].concat()).await
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (headers, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = headers.split(' ').nth(1).and_then(|status| status.parse().ok());
        let (headers, body) = (headers.to_ascii_lowercase(), body.to_owned());
        Self { status: status.unwrap_or(0), headers, body }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that this is an error in the documented form; returns its field.
    pub fn assert_error(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let json = self.json();
        let error = json["error"].as_object().expect("an error object");
        assert_eq!(error.keys().collect::<Vec<_>>(), ["code", "message", "field"]);
        assert_eq!(error["code"], code, "{self:?}");
        assert!(!error["message"].as_str().unwrap().is_empty());
        error["field"].as_str().unwrap_or("").to_owned()
    }

    pub fn items(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{self:?}");
        let candidates = self.json()["candidates"].as_array().unwrap().clone();
        candidates.iter().map(|one| one["item"].as_str().unwrap().to_owned()).collect()
    }
}
