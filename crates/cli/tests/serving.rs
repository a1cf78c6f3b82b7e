//! A running `gannet serve` takes changed plans and newer snapshots, and refuses broken ones.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longer than anything here takes on the slowest machine; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

const DATA: &str = r#"
[data]
kinds = [{ name = "buy", weight = 1.0 }]
[csv.events]
file = "events.csv"
user = "customer"
item = "sku"
time = "at"
[csv.items]
file = "items.csv"
id = "sku"
author = "maker"
"#;

/// One plan over some channels, each named as its kind.
fn config(handover: usize, channels: &[(&str, &str)]) -> String {
    let mut text = format!(
        "{DATA}
         [[scene]]
         name = \"home\"
         plan = \"home\"
         [[plan]]
         name = \"home\"
         handover = {handover}
         deadline_ms = 20000\n"
    );
    for (kind, _) in channels {
        text += &format!("[[plan.channel]]\nname = \"{kind}\"\nfetch_k = 500\n");
    }
    for (kind, model) in channels {
        text +=
            &format!("[[channel]]\nname = \"{kind}\"\nkind = \"{kind}\"\nmodel = \"{model}\"\n");
    }
    text
}

const BOTH: [(&str, &str); 2] = [("popular", "popularity"), ("recent", "recency")];

fn gannet(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gannet"));
    command.current_dir(folder).args(arguments);
    command.args(["--data-dir", "data", "--cache-dir", "cache", "--quiet"]);
    command.args(["--config", "shop.toml"]);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = gannet(folder, arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

fn train(folder: &Path, models: &str) -> String {
    let arguments = ["train", "--dataset", "shop", "--tune", "off", "--split", "none", "--json"];
    let text = run(folder, &[&arguments[..], &["--models", models]].concat());
    let json: Value = serde_json::from_str(&text).unwrap();
    json["snapshot"].as_str().unwrap().to_owned()
}

/// A shop of 50 items by 5 makers, trained and configured.
fn shop(folder: &Path) {
    fs::write(folder.join("shop.toml"), config(20, &BOTH)).unwrap();
    let mut events = String::from("customer,sku,at\n");
    for user in 0..40 {
        for step in 0..12 {
            let item = (user * 7 + step * step) % 50;
            events += &format!("c{user},s{item},{}\n", 1_700_000_000 + user * 100 + step);
        }
    }
    fs::write(folder.join("events.csv"), events).unwrap();
    let item = |at: u32| format!("s{at},maker {}\n", at % 5);
    let items: String = (0..50).map(item).collect();
    fs::write(folder.join("items.csv"), format!("sku,maker\n{items}")).unwrap();
    run(folder, &["ingest", "shop", "--format", "csv", "--path", "."]);
    train(folder, "popularity,recency");
}

/// A process that serves, ended with the test.
struct Served {
    process: Child,
    address: String,
    log: PathBuf,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Served {
    fn start(folder: &Path) -> Self {
        let log = folder.join("log");
        let mut command = gannet(folder, &["serve", "--json", "--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut process = command.spawn().unwrap();
        let mut text = String::new();
        let mut printed = BufReader::new(process.stdout.take().unwrap());
        while serde_json::from_str::<Value>(&text).is_err() {
            let read = printed.read_line(&mut text).unwrap();
            assert!(read > 0, "{text}\n{}", fs::read_to_string(&log).unwrap());
        }
        let json: Value = serde_json::from_str(&text).unwrap();
        let address = json["address"].as_str().unwrap().to_owned();
        let served = Self { process, address, log };
        assert_eq!(served.get("/readyz").0, 200);
        served
    }

    fn send(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.send("GET", path, "")
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.send(method, path, &body.to_string());
        (status, serde_json::from_str(&text).unwrap())
    }

    fn plans(&self) -> Value {
        serde_json::from_str(&self.get("/v1/admin/plans").1).unwrap()
    }

    fn reload(&self) -> (u16, Value) {
        self.json("POST", "/v1/admin/reload", &json!({}))
    }

    /// How many configurations were taken.
    fn taken(&self) -> u32 {
        let metrics = self.get("/metrics").1;
        let line = "gannet_config_reloads_total{outcome=\"taken\"} ";
        let count = metrics.lines().find_map(|found| found.strip_prefix(line));
        count.map_or(0, |count| count.parse().unwrap())
    }

    fn signal(&self, name: &str) {
        let process = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().unwrap().success());
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < PATIENCE, "{what}: {}\n{}", self.plans(), self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn handover(plans: &Value) -> &Value {
    &plans["plans"][0]["handover"]
}

fn switch(plans: &Value, channel: &str) -> Value {
    let channels = plans["channels"].as_array().unwrap();
    channels.iter().find(|one| one["channel"] == channel).unwrap()["enabled"].clone()
}

#[test]
fn a_changed_configuration_takes_effect_and_a_broken_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    shop(folder.path());
    let served = Served::start(folder.path());
    assert_eq!(handover(&served.plans()), 20);
    let off = served.json("POST", "/v1/admin/channels/recent", &json!({ "enabled": false }));
    assert_eq!(off.0, 200);

    let listen = "[server]\nlisten = \"127.0.0.1:1\"\n";
    fs::write(&file, config(30, &BOTH) + listen).unwrap();
    served.until("a changed file", || handover(&served.plans()) == 30);
    assert_eq!(switch(&served.plans(), "recent"), false, "a switch stays over a reload");
    let ask = json!({ "user": "c1", "dry_run": true });
    let answered = || served.json("POST", "/v1/retrieve", &ask).1;
    assert_eq!(answered()["candidates"].as_array().unwrap().len(), 30);
    assert!(served.log().contains("server.listen"), "it cannot be taken: {}", served.log());

    fs::write(&file, config(30, &BOTH).replace("handover = 30", "handover = \"many\"")).unwrap();
    served.until("a broken file", || !served.plans()["reload_error"].is_null());
    let why = served.plans()["reload_error"].as_str().unwrap().to_owned();
    assert!(why.starts_with("shop.toml") && why.contains("handover"), "{why}");
    assert_eq!(answered()["candidates"].as_array().unwrap().len(), 30, "the old plans serve");
    let (status, refused) = served.reload();
    assert_eq!((status, &refused["error"]["code"]), (422, &json!("bad_config")));
    assert!(refused["error"]["message"].as_str().unwrap().contains("handover"), "{refused}");
    fs::write(&file, config(30, &[("popular", "nobodys")])).unwrap();
    let (status, refused) = served.reload();
    assert_eq!((status, &refused["error"]["code"]), (422, &json!("bad_config")));
    assert!(refused["error"]["message"].as_str().unwrap().contains("nobodys"), "{refused}");

    let on = "name = \"recent\"\nenabled = true\nkind";
    fs::write(&file, config(25, &BOTH).replace("name = \"recent\"\nkind", on)).unwrap();
    let (status, plans) = served.reload();
    assert_eq!((status, handover(&plans), &plans["reload_error"]), (200, &25.into(), &Value::Null));
    assert_eq!(switch(&plans, "recent"), true, "unless the configuration says otherwise");
}

#[cfg(unix)]
#[test]
fn a_hang_up_reloads_and_a_request_to_end_ends() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let mut served = Served::start(folder.path());
    served.signal("HUP");
    served.until("a hang-up", || served.taken() == 1);
    served.signal("TERM");
    assert!(served.process.wait().unwrap().success());
}

#[test]
fn a_newer_snapshot_is_served_and_one_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    shop(here);
    let served = Served::start(here);
    let first = served.plans()["snapshot"].clone();
    let block = json!({ "authors": ["maker 1"], "items": ["s2"] });
    assert_eq!(served.json("PUT", "/v1/users/c1/blocked", &block).0, 200);
    let event = json!({ "events": [{ "user": "c1", "item": "s3" }] });
    assert_eq!(served.json("POST", "/v1/events", &event).0, 200);
    let blocked = served.get("/v1/users/c1/blocked").1;

    let ended = AtomicBool::new(false);
    let ask = json!({ "user": "c2", "dry_run": true });
    let second = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let (status, answer) = served.json("POST", "/v1/retrieve", &ask);
                assert_eq!((status, &answer["degraded"]), (200, &json!(false)));
            }
        });
        let second = train(here, "popularity,recency");
        served.until("a newer snapshot", || served.plans()["snapshot"] == *second);
        ended.store(true, Ordering::Relaxed);
        second
    });
    assert_ne!(first, *second);
    assert!(served.get("/readyz").1.contains(&second));
    assert_eq!(served.get("/v1/users/c1/blocked").1, blocked, "blocks are taken over");
    let ask = json!({ "user": "c1", "size": 50, "dry_run": true });
    let answer = served.json("POST", "/v1/retrieve", &ask).1;
    assert_eq!(answer["snapshot"], *second);
    let items: Vec<String> = answer["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["item"].to_string())
        .collect();
    assert!(!items.is_empty());
    for gone in ["\"s1\"", "\"s6\"", "\"s2\"", "\"s3\""] {
        assert!(!items.iter().any(|item| item == gone), "{gone} was blocked or bought: {items:?}");
    }

    // Without a model that the configuration wants; with the configuration that fits, both.
    let third = train(here, "popularity");
    served.until("a snapshot that does not fit", || !served.plans()["snapshot_error"].is_null());
    let plans = served.plans();
    let why = plans["snapshot_error"].as_str().unwrap();
    assert!(why.contains(&third) && why.contains("recency"), "{why}");
    assert_eq!((&plans["snapshot"], &plans["reload_error"]), (&json!(second), &Value::Null));
    let (status, refused) = served.reload();
    assert_eq!((status, &refused["error"]["code"]), (422, &json!("bad_snapshot")));
    fs::write(here.join("shop.toml"), config(15, &[("popular", "popularity")])).unwrap();
    served.until("a configuration that fits", || served.plans()["snapshot"] == *third);
    assert_eq!(handover(&served.plans()), 15);
    assert!(served.plans()["snapshot_error"].is_null());

    // A damaged one is refused by name.
    let fourth = train(here, "popularity");
    served.until("one more snapshot", || served.plans()["snapshot"] == *fourth);
    fs::write(here.join("data/snapshots/CURRENT"), "nonsense").unwrap();
    served.until("a damaged pointer", || !served.plans()["snapshot_error"].is_null());
    let plans = served.plans();
    assert!(plans["snapshot_error"].as_str().unwrap().contains("CURRENT"), "{plans}");
    assert_eq!(plans["snapshot"], *fourth);
    assert_eq!(served.json("POST", "/v1/retrieve", &ask).0, 200);
}
