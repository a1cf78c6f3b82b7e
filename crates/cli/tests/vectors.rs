//! Vectors that a user brings: exported, imported, read by channels, met by query vectors over
//! HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

const CONFIG: &str = r#"
[[channel]]
name = "brought"
kind = "u2i_vector"
model = "brought"

[[channel]]
name = "near"
kind = "i2i_vector"
model = "brought"

[[channel]]
name = "popular"
kind = "popular"
model = "popularity"

[[plan]]
name = "home"
merge = "rrf"
handover = 50
deadline_ms = 1000
weights = "config"

[[plan.channel]]
name = "brought"
fetch_k = 50

[[plan.channel]]
name = "near"
fetch_k = 50

[[scene]]
name = "home"
plan = "home"
"#;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gannet"));
    command.current_dir(folder).args(arguments).args(["--data-dir", "data", "--quiet"]);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the binary starts")
}

fn as_json(folder: &Path, arguments: &[&str]) -> Value {
    let output = run(folder, &[arguments, &["--json"]].concat());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

fn complaint(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn import<'a>(items: &'a str, ids: &'a str, version: &'a str) -> Vec<&'a str> {
    let fixed = ["vectors", "import", "brought", "--metric", "inner_product", "--items"];
    [&fixed[..], &[items, "--ids", ids, "--model-version", version]].concat()
}

fn items(answer: &Value) -> Vec<&str> {
    let candidates = answer["candidates"].as_array().expect("a list");
    candidates.iter().filter_map(|one| one["item"].as_str()).collect()
}

#[test]
fn what_is_exported_comes_back_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let demo = ["demo", "--data", "simulated", "--no-serve", "--tune", "off", "--users", "50"];
    let trained = as_json(here, &demo)["snapshot"].clone();
    as_json(here, &["vectors", "export", "ials", "--out", "out"]);
    let mut ids = std::fs::read_to_string(here.join("out/items.ids.txt")).unwrap();
    let count = ids.lines().count();

    // An id that the snapshot does not know is counted, not an error.
    ids = ids.replacen(&format!("{}\n", ids.lines().next().unwrap()), "ghost\n", 1);
    std::fs::write(here.join("ids.txt"), &ids).unwrap();
    let users = ["--users", "out/users.npy", "--user-ids", "out/users.ids.txt"];
    let imported = [&import("out/items.npy", "ids.txt", "7")[..], &users].concat();
    let imported = as_json(here, &imported);
    assert_eq!(imported["items"]["known"], count - 1);
    assert_eq!(imported["items"]["unknown"], 1);
    let stored = as_json(here, &["inspect"]);
    assert_eq!(stored["current"], imported["snapshot"]);
    assert!(stored["snapshots"].as_array().unwrap().contains(&trained), "the old one stays");
    let shown = as_json(here, &["vectors", "show"]);
    let brought = shown["vectors"].as_array().unwrap().iter().find(|one| one["model"] == "brought");
    assert_eq!(brought.unwrap()["items"], count - 1);
    assert_eq!(brought.unwrap()["version"], "7");

    refuses_bad_files(here, &imported["snapshot"]);

    std::fs::write(here.join("own.toml"), CONFIG).unwrap();
    let ask = ["retrieve", "--user", "user-1", "--size", "20", "--config", "own.toml"];
    let answer = as_json(here, &ask);
    assert_eq!(items(&answer).len(), 20);
    let evidence = answer["candidates"][0]["evidence"].to_string();
    assert!(evidence.contains("brought") || evidence.contains("near"), "{evidence}");
    query_vectors_over_http(here);
}

fn refuses_bad_files(here: &Path, current: &Value) {
    let whole = std::fs::read(here.join("out/items.npy")).expect("exported");
    std::fs::write(here.join("cut.npy"), &whole[..whole.len() - 100]).expect("written");
    let mut nan = whole.clone();
    let last = nan.len() - 4;
    nan[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(here.join("nan.npy"), &nan).expect("written");
    let ids = std::fs::read_to_string(here.join("ids.txt")).expect("there");
    let twice = ids.replacen("ghost\n", &format!("{}\n", ids.lines().nth(1).expect("ids")), 1);
    std::fs::write(here.join("twice.txt"), twice).expect("written");
    let strangers: String = (0..ids.lines().count()).map(|at| format!("stranger{at}\n")).collect();
    std::fs::write(here.join("strangers.txt"), strangers).expect("written");
    for (items, ids, expected) in [
        ("cut.npy", "ids.txt", "cut off"),
        ("nan.npy", "ids.txt", "not a finite number"),
        ("out/items.npy", "twice.txt", "was given before"),
        ("out/items.npy", "strangers.txt", "nothing was written"),
        ("out/items.npy", "absent.txt", "absent.txt"),
    ] {
        let refused = complaint(here, &import(items, ids, "8"));
        assert!(refused.contains(expected), "{expected}: {refused}");
    }
    let named = ["vectors", "import", "ials", "--items", "out/items.npy", "--ids", "ids.txt"];
    let refused =
        complaint(here, &[&named[..], &["--metric", "cosine", "--model-version", "8"]].concat());
    assert!(refused.contains("training made"), "{refused}");
    assert_eq!(&as_json(here, &["inspect"])["current"], current, "nothing was half applied");
}

/// A server that ends with the test.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(here: &Path) -> Self {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", "own.toml"];
        let mut child =
            command(here, &arguments).stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        while !line.contains("http://") {
            line.clear();
            assert!(out.read_line(&mut line).expect("a line") > 0, "ended without an address");
        }
        let (_, rest) = line.split_once("http://").expect("an address");
        let end = |c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':'));
        let address = rest.split(end).next().expect("an address").to_owned();
        Self { child, address }
    }

    fn retrieve(&self, body: &Value) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let body = body.to_string();
        let head = format!(
            "POST /v1/retrieve HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let status = answer[9..12].parse().expect("a status");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        (status, serde_json::from_str(body).expect("JSON"))
    }
}

fn query_vectors_over_http(here: &Path) {
    let server = Server::start(here);
    let npy = std::fs::read(here.join("out/items.npy")).expect("exported");
    let ids = std::fs::read_to_string(here.join("ids.txt")).expect("there");
    let dim = (npy.len() - 128) / 4 / ids.lines().count();
    let start = npy.len() - ids.lines().count() * dim * 4;
    let row = 5;
    let values: Vec<f32> = npy[start + row * dim * 4..][..dim * 4]
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes(four.try_into().expect("four")))
        .collect();
    let ask = |model: &str, version: &str, values: &[f32]| {
        let vector = json!({ "model": model, "version": version, "values": values });
        server.retrieve(&json!({ "vectors": [vector], "size": 5 }))
    };
    let (status, answer) = ask("brought", "7", &values);
    assert_eq!(status, 200, "{answer}");
    // The oracle: inner products of all rows, the unknown first one left out.
    let row_of = |at: usize| {
        npy[start + at * dim * 4..][..dim * 4]
            .chunks_exact(4)
            .zip(&values)
            .map(|(four, value)| f32::from_le_bytes(four.try_into().expect("four")) * value)
            .sum::<f32>()
    };
    let mut order: Vec<usize> = (1..ids.lines().count()).collect();
    order.sort_by(|a, b| row_of(*b).total_cmp(&row_of(*a)));
    let best: Vec<&str> = order[..5].iter().filter_map(|at| ids.lines().nth(*at)).collect();
    assert_eq!(items(&answer)[0], best[0]);
    assert!(items(&answer).iter().all(|item| best.contains(item)), "{answer} {best:?}");
    for (model, version, values, field) in [
        ("brought", "8", values.clone(), "vectors[0].version"),
        ("absent", "7", values.clone(), "vectors[0].model"),
        ("popularity", "7", values.clone(), "vectors[0].model"),
        ("brought", "7", values[1..].to_vec(), "vectors[0].values"),
    ] {
        let (status, answer) = ask(model, version, &values);
        assert_eq!(status, 422, "{answer}");
        assert!(answer.to_string().contains(field), "{field}: {answer}");
    }
}
