//! Data in every common form through the binary: taken, trained on and judged, or refused with the
//! file and line at fault.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{complaint, json, printed, text};

fn write(folder: &Path, name: &str, contents: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), contents).expect("a folder to write to");
}

/// Takes a folder in, and says how many items, users and events there were.
fn counts(here: &Path, name: &str, format: &str) -> [u64; 3] {
    let taken = json(here, &["ingest", name, "--format", format, "--path", "."]);
    ["items", "users", "events"].map(|count| taken[count].as_u64().expect("a count"))
}

/// Refuses a folder: what is said names all these, and nothing is stored.
fn refused(here: &Path, format: &str, named: &[&str]) {
    let said = complaint(here, &["ingest", "broken", "--format", format, "--path", "."], 1);
    for part in named {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    assert!(!here.join("data/datasets/broken").exists(), "nothing is stored");
}

fn names<'a>(rows: &'a Value, key: &str) -> Vec<&'a str> {
    let rows = rows.as_array().expect("a list").iter();
    rows.map(|row| row[key].as_str().expect("a name")).collect()
}

const SMALL: [&str; 8] =
    ["simulate", "--items", "400", "--users", "120", "--events", "6000", "--out"];
const PARQUET: [&str; 7] =
    ["ingest", "made", "--format", "parquet", "--config", "made/gannet.toml", "--path"];

#[test]
fn simulated_parquet_is_taken_with_its_truth_weighed_and_judged_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let made = json(here, &[&SMALL[..], &["made"]].concat());
    let taken = json(here, &[&PARQUET[..], &["made"]].concat());
    assert_eq!((&taken["items"], &taken["users"]), (&400.into(), &120.into()));
    assert_eq!((&taken["events"], &taken["truth"]), (&made["events"], &true.into()));

    let train =
        ["train", "--dataset", "made", "--tune", "weights", "--split", "temporal-global:0.8"];
    let trained = &json(here, &train)["training"];
    let weights = trained["merge_weights"]["weights"].as_object().expect("weights");
    assert!(weights.contains_key("popular") && weights.contains_key("item_cf"), "{weights:?}");
    assert!(trained["trials"].is_null(), "weights alone are learnt");
    let (before, after) = (&trained["merge_weights"]["before"], &trained["merge_weights"]["after"]);
    assert!(after.as_f64() >= before.as_f64());
    let snapshot = json(here, &["inspect", "--snapshot", "current"]);
    let recipe = snapshot["recipe"].as_str().expect("a recipe");
    assert!(recipe.contains("[merge.weights]") && recipe.contains("popular = "), "{recipe}");

    let report = json(here, &["evaluate", "--users", "60"]);
    assert!(report["held_out"].as_u64() > Some(0));
    let scenes: u64 = report["by_scene"]
        .as_array()
        .expect("a table")
        .iter()
        .map(|row| row["count"].as_u64().expect("a count"))
        .sum();
    assert_eq!(Some(scenes), report["held_out"].as_u64());
    let lists = names(&report["truth"]["lists"], "list");
    assert!(lists.ends_with(&["merged", "random", "oracle"]), "{lists:?}");
    // By itself, and by the folder that was written: the same.
    assert_eq!(json(here, &["evaluate", "--users", "60", "--truth"]), report["truth"]);
    assert_eq!(json(here, &["evaluate", "--users", "60", "--truth", "made"]), report["truth"]);
    let shown = printed(here, &["evaluate", "--users", "60"]);
    for title in ["Against the truth", "by scene of the held-out event", "by age of the item"] {
        assert!(shown.contains(title), "{title}:\n{shown}");
    }
    let told = json(here, &["inspect", "--dataset", "made", "--truth-of", "user-3"]);
    let told: Vec<f64> = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["preference"].as_f64())
        .collect();
    assert!(told.len() == 20 && told.is_sorted_by(|better, worse| better >= worse), "{told:?}");
    let nobody = complaint(here, &["inspect", "--dataset", "made", "--truth-of", "user-121"], 1);
    assert!(nobody.contains("user-121"), "{nobody}");
    other_truths(here);
}

/// A truth that is not that of the snapshot, or is damaged.
fn other_truths(here: &Path) {
    json(here, &[&SMALL[..], &["seeded", "--seed", "2"]].concat());
    let said = complaint(here, &["evaluate", "--truth", "seeded"], 1);
    assert!(said.contains("another catalogue") && said.contains("item-1"), "{said}");
    json(
        here,
        &["simulate", "--items", "300", "--users", "120", "--events", "600", "--out", "fewer"],
    );
    let said = complaint(here, &["evaluate", "--truth", "fewer"], 1);
    assert!(said.contains("300 items") && said.contains("400"), "{said}");

    let kept = here.join("data/datasets/made/truth.json");
    let whole = std::fs::read(&kept).expect("the truth is kept");
    let damage = |bytes: &[u8]| std::fs::write(&kept, bytes).expect("a file to write to");
    damage(&whole[..whole.len() / 2]);
    for arguments in [&["evaluate"][..], &["evaluate", "--truth"]] {
        let said = complaint(here, arguments, 1);
        assert!(said.contains("truth.json") && said.contains("bytes"), "{said}");
    }
    damage(text(&whole).replace("\"seed\": 1", "\"seed\": 3").as_bytes());
    let said = complaint(here, &["evaluate", "--truth"], 1);
    assert!(said.contains("truth.json") && said.contains("sha256"), "{said}");

    // A truth that does not fit is not taken in, and the older data set stays.
    write(
        here,
        "made/truth.json",
        text(&std::fs::read(here.join("seeded/truth.json")).expect("a truth")),
    );
    let said = complaint(here, &[&PARQUET[..], &["made"]].concat(), 1);
    assert!(said.contains("truth.json") && said.contains("another time"), "{said}");
    write(here, "made/truth.json", "{\"format\": \"gannet sim");
    let said = complaint(here, &[&PARQUET[..], &["made"]].concat(), 1);
    assert!(said.contains("truth.json") && said.contains("cut short"), "{said}");
    let stored = json(here, &["inspect", "--dataset", "made"]);
    assert_eq!(stored["item_count"], 400);
}

#[test]
fn a_truncated_parquet_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    json(here, &[&SMALL[..], &["made"]].concat());
    let events = std::fs::read(here.join("made/events.parquet")).unwrap();
    write(here, "made/events.parquet", &events[..events.len() / 2]);
    let said = complaint(here, &[&PARQUET[..], &["made"]].concat(), 1);
    assert!(said.contains("events.parquet") && said.contains("truncated"), "{said}");
    assert!(!here.join("data/datasets/made").exists(), "nothing is stored");
}

#[test]
fn json_lines_are_taken_and_a_broken_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(
        here,
        "items.jsonl",
        "{\"id\": 7, \"title\": \"A\", \"tags\": [\"x/y\"]}\n{\"id\": \"8\"}\n",
    );
    write(here, "users.jsonl", "{\"id\": \"w\", \"city\": \"Oslo\"}\n");
    let event = |user: &str, item: u32, time: u32| {
        format!(
            "{{\"user\": \"{user}\", \"item\": {item}, \"time\": {time}, \"scene\": \"home\"}}\n"
        )
    };
    let events = event("w", 7, 5) + &event("v", 8, 6) + &event("w", 9, 7);
    write(here, "events.jsonl", &events);
    assert_eq!(counts(here, "lines", "jsonl"), [3, 2, 3]);
    let stored = json(here, &["inspect", "--dataset", "lines"]);
    assert_eq!(stored["scenes"], serde_json::json!(["home"]));
    write(here, "events.jsonl", events + "{\"user\": \"w\", \"item\n");
    refused(here, "jsonl", &["events.jsonl:4"]);
}

const KUAIRAND_LOG: &str = "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,\
    is_comment,is_forward,is_hate,long_view,play_time_ms,duration_ms,profile_stay_time,\
    comment_stay_time,is_profile_enter,is_rand,tab\n";
const KUAIRAND_VIDEOS: &str = "video_id,author_id,video_type,upload_dt,upload_type,\
    visible_status,video_duration,server_width,server_height,music_id,music_type,tag\n";

#[test]
fn kuairand_is_taken_with_its_tabs_and_judged_by_them() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut videos = KUAIRAND_VIDEOS.to_owned();
    for video in 0..60 {
        videos += &format!(
            "{video},{},NORMAL,2022-04-10,Web,0.0,9000.0,720,1280,{},9.0,\"{}\"\n",
            video / 6,
            video % 9,
            video % 7
        );
    }
    write(here, "video_features_basic_small.csv", videos);
    write(
        here,
        "user_features_small.csv",
        "user_id,user_active_degree,follow_user_num\n99,full,5\n",
    );
    let mut log = KUAIRAND_LOG.to_owned();
    for user in 0..30 {
        for step in 0..12 {
            let (video, time) =
                ((user * 7 + step * 5) % 60, 1_650_000_000_000_u64 + step * 1000 + user);
            let liked = u8::from(step % 4 == 0);
            log += &format!(
                "{user},{video},20220425,0,{time},1,{liked},0,0,0,0,1,9000,9000,0,0,0,0,{}\n",
                step % 2
            );
        }
    }
    write(here, "log_standard_small.csv", &log);
    // 360 plays, 90 of them with a like; user 99 has no events.
    assert_eq!(counts(here, "videos", "kuairand"), [60, 31, 450]);
    let train =
        ["train", "--dataset", "videos", "--tune", "off", "--split", "temporal-per-user:0.7"];
    json(here, &train);
    let report = json(here, &["evaluate"]);
    assert_eq!(report["users"], 30);
    let mut tabs = names(&report["by_scene"], "name");
    tabs.sort_unstable();
    assert_eq!(tabs, ["tab-0", "tab-1"]);
    assert!(report["merged"]["recall"].as_f64() > Some(0.0));
    assert!(report.get("truth").is_none(), "real data has none");
    let said = complaint(here, &["evaluate", "--truth"], 1);
    assert!(said.contains("keeps no truth"), "{said}");
    log += "1,6,20220425,0,1650000000000,1,0,0,0,0,0,1,long,9000,0,0,0,0,1\n";
    write(here, "log_standard_small.csv", log);
    refused(here, "kuairand", &["log_standard_small.csv:362", "play_time_ms", "long"]);
}

#[test]
fn kuairec_is_taken_and_a_row_without_a_time_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let log = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n\
               14,148,4381,6067,2020-07-05 05:27:48.378,20200705.0,1593898068.378,0.722\n\
               15,183,0,6100,2020-07-05 05:28:00.057,20200705.0,1593898080.057,0\n";
    write(here, "big_matrix.csv", log);
    write(here, "item_categories.csv", "video_id,feat\n148,\"[27, 9]\"\n500,[8]\n");
    write(
        here,
        "user_features.csv",
        "user_id,user_active_degree,follow_user_num\n14,full,5\n16,low,0\n",
    );
    assert_eq!(counts(here, "rec", "kuairec"), [3, 3, 2]);
    write(here, "big_matrix.csv", format!("{log}14,500,5000,6100,,,,0.8\n"));
    refused(here, "kuairec", &["big_matrix.csv:4", "timestamp"]);
}
