//! The binary as a person uses it: every command, one after the other, on the simulated catalogue.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{complaint, json, printed};

fn recall_at_500(report: &Value, list: &str) -> f64 {
    let merged = &report["merged"]["list"]["curve"];
    let channels = report["channels"].as_array().expect("a list of channels");
    let channel = channels.iter().find(|one| one["channel"] == list);
    let curve = channel.map_or(merged, |channel| &channel["list"]["curve"]);
    let points = curve.as_array().expect("a curve");
    let point = points.iter().find(|point| point["k"] == 500).expect("a point at 500");
    point["recall"].as_f64().expect("a number")
}

fn candidates(answer: &Value) -> &[Value] {
    answer["candidates"].as_array().expect("a list of candidates")
}

#[test]
fn from_a_demo_to_an_explained_answer() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let none = complaint(here, &["retrieve", "--user", "user-1"], 1);
    assert!(none.contains("`gannet demo`"), "{none}");

    let demo = ["demo", "--data", "simulated", "--no-serve", "--tune", "off", "--users", "300"];
    let demo = json(here, &demo);
    assert_eq!(demo["dataset"], "simulated");
    let report = &demo["report"];
    assert_eq!(report["users"], 300);
    assert!(recall_at_500(report, "merged") > recall_at_500(report, "popular") + 0.05);
    let page = std::fs::read_to_string(demo["page"].as_str().unwrap()).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("u2i_vector"));

    // The same snapshot and the split made anew from its recipe: the same figures.
    let again = json(here, &["evaluate", "--users", "300"]);
    for list in ["merged", "u2i_vector", "item_cf", "user_cf", "inverted", "popular", "recent"] {
        assert_eq!(recall_at_500(&again, list), recall_at_500(report, list), "{list}");
    }
    answers(here);

    let bench = json(here, &["bench", "retrieve", "--requests", "50"]);
    assert_eq!((&bench["requests"], &bench["degraded"]), (&50.into(), &0.into()));
    let everything = json(here, &["inspect"]);
    assert_eq!(everything["datasets"][0], "simulated");
    assert_eq!(everything["current"], demo["snapshot"]);
    let one = printed(here, &["inspect", "--snapshot", "current"]);
    assert!(one.contains("ials.safetensors") && one.contains("[making]"), "{one}");
}

fn answers(here: &Path) {
    let answer = json(here, &["retrieve", "--user", "user-1", "--size", "20"]);
    assert_eq!(candidates(&answer).len(), 20);
    let has_evidence = |one: &Value| one["evidence"].as_array().is_some_and(|all| !all.is_empty());
    assert!(candidates(&answer).iter().all(has_evidence));
    let item = candidates(&answer)[0]["item"].as_str().expect("an id");
    let top = json(here, &["retrieve", "--user", "user-1", "--top", "5"]);
    assert_eq!(candidates(&top).len(), 5);
    let similar = json(here, &["retrieve", "--item", item, "--size", "5"]);
    assert_eq!(similar["scene"], "detail");
    let similar = candidates(&similar);
    assert!(similar.len() == 5 && similar.iter().all(|one| one["item"] != item));
    let stranger = json(here, &["retrieve", "--history", item, "--size", "5"]);
    assert_eq!(candidates(&stranger).len(), 5);
    let explained = printed(here, &["retrieve", "--user", "user-1", "--top", "3", "--explain"]);
    for word in ["because of", "u2i_vector #", "dropped", "snapshot simulated-"] {
        assert!(explained.contains(word), "{word}:\n{explained}");
    }
    let unknown = complaint(here, &["retrieve", "--user", "nobody"], 1);
    assert!(unknown.contains("nobody") && unknown.contains("--history"), "{unknown}");
}

#[test]
fn wrong_usage_says_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    complaint(here, &["retrieve"], 2);
    complaint(here, &["fetch", "everything"], 2);
    let data = complaint(here, &["demo", "--data", "gopher:x", "--no-serve"], 1);
    assert!(data.contains("unknown format"), "{data}");
    let absent = complaint(here, &["train", "--dataset", "absent"], 1);
    assert!(absent.contains("gannet ingest"), "{absent}");
    let setting = complaint(here, &["config", "show", "--set", "server.listne=1"], 1);
    assert!(setting.contains("listne") && setting.contains("--set"), "{setting}");
    let shown = json(here, &["config", "show", "--set", "server.listen=127.0.0.1:1"]);
    let listen = shown.as_array().unwrap().iter().find(|one| one["key"] == "server.listen");
    assert_eq!(listen.unwrap()["origin"], "--set server.listen");
}

const MAPPING: &str = r#"
[data]
kinds = [{ name = "buy", weight = 1.0 }, { name = "dislike", weight = -1.0 }]
[csv.events]
file = "events.csv"
user = "customer"
item = "sku"
kind = "action"
time = "at"
"#;

#[test]
fn files_of_ones_own_are_read_by_a_mapping_and_bad_rows_store_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("shop.toml"), MAPPING).unwrap();
    let mut events = String::from("customer,sku,action,at\n");
    for user in 0..40 {
        for step in 0..12 {
            let item = (user * 7 + step * step) % 50;
            events += &format!("c{user},s{item},buy,{}\n", 1_700_000_000 + user * 100 + step);
        }
    }
    events += "c1,s2,gift,1700000000\n";
    std::fs::write(here.join("events.csv"), events).unwrap();
    let ingest = ["ingest", "shop", "--format", "csv", "--path", ".", "--config", "shop.toml"];
    let refused = complaint(here, &ingest, 1);
    assert!(refused.contains("events.csv:482") && refused.contains("gift"), "{refused}");
    assert!(!here.join("data/datasets/shop").exists(), "nothing is stored");

    let taken = json(here, &[&ingest[..], &["--max-bad-rows", "0.01"]].concat());
    assert_eq!((&taken["events"], &taken["bad_rows"]), (&480.into(), &1.into()));
    let train = ["train", "--dataset", "shop", "--config", "shop.toml", "--tune", "off"];
    printed(here, &[&train[..], &["--split", "none"]].concat());
    let unjudged = complaint(here, &["evaluate", "--config", "shop.toml"], 1);
    assert!(unjudged.contains("--split auto"), "{unjudged}");
    printed(here, &train);
    let report = json(here, &["evaluate", "--config", "shop.toml"]);
    assert_eq!(report["users"], 40);
    let answer = json(here, &["retrieve", "--user", "c3", "--config", "shop.toml"]);
    assert!(!answer["candidates"].as_array().unwrap().is_empty());
}
