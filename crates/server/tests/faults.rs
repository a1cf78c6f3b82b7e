//! Bad input, bad channels, bad clients, too many clients: each has its answer.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gannet_server::{Reloaded, Reloader};
use proptest::prelude::*;
use serde_json::json;
use support::{PATIENCE, Server, TITLES, engine, exchange, gated_engine};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn malformed_json_is_refused_with_its_position() {
    let server = Server::start().await;
    let deep = format!("{{\"user\": {}", "[".repeat(100_000));
    for body in [
        "",
        "{",
        "nonsense",
        r#"{"user": 1,}"#,
        r#"{"size": 1e999}"#,
        r#"{"size": NaN}"#,
        r#"{"user": 1} x"#,
        "\u{0}",
    ] {
        let answer = server.post("/v1/retrieve", body).await;
        answer.assert_error(400, "malformed_json");
        assert!(answer.body.contains("line 1 column"), "{answer:?}");
    }
    let answer = server.post("/v1/retrieve", &deep).await;
    assert!([400, 422].contains(&answer.status), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_at_fault_is_named() {
    let server = Server::start().await;
    let cases = [
        (r#"{"usr": 1}"#, "unknown_field", "usr"),
        (r#"{"history": [{"item": 1}, {"itm": 1}]}"#, "unknown_field", "history[1].itm"),
        (r#"{"filter": {"tag": []}}"#, "unknown_field", "filter.tag"),
        (r#"{"history": [{}]}"#, "missing_field", "history[0].item"),
        (r#"{"size": -1}"#, "bad_field", "size"),
        (r#"{"size": 1.5}"#, "bad_field", "size"),
        (r#"{"size": 0}"#, "out_of_range", "size"),
        (r#"{"size": 1000000}"#, "out_of_range", "size"),
        (r#"{"top": 0}"#, "out_of_range", "top"),
        (r#"{"top": 100001}"#, "out_of_range", "top"),
        (r#"{"user": "1", "user": "2"}"#, "bad_field", ""),
        (r#"{"explain": "yes"}"#, "bad_field", "explain"),
        (r#"{"scene": "attic"}"#, "unknown_scene", "scene"),
        (r#"{"scene": "No Such Name"}"#, "bad_field", "scene"),
        (r#"{"user": ""}"#, "bad_field", "user"),
        (r#"{"user": {}}"#, "bad_field", "user"),
        (r#"{"history": [{"item": 1, "value": 1e300}]}"#, "not_finite", "history[0].value"),
        (r#"{"history": [{"item": 1, "kind": "x"}]}"#, "unknown_kind", "history[0].kind"),
        (r#"{"now": -1}"#, "out_of_range", "now"),
        (
            r#"{"vectors": [{"model": "x", "version": "1", "values": []}]}"#,
            "unknown_model",
            "vectors[0].model",
        ),
        (
            r#"{"filter": {"published_from": 2, "published_before": 1}}"#,
            "bad_filter",
            "filter.published_before",
        ),
    ];
    for (body, code, field) in cases {
        let answer = server.post("/v1/retrieve", body).await;
        assert_eq!(answer.assert_error(422, code), field, "{body}");
    }
    server.post("/v1/retrieve", "[]").await;
    server.post("/v1/retrieve", "\"text\"").await.assert_error(422, "bad_field");
    let filter = json!({ "published_from": 2, "published_before": 2 });
    let empty = json!({ "item": TITLES[0], "filter": filter }).to_string();
    let empty = server.post("/v1/similar", &empty).await;
    assert_eq!(empty.assert_error(422, "bad_filter"), "filter.published_before");
    let missing = server.post("/v1/similar", "{}").await;
    assert_eq!(missing.assert_error(422, "missing_field"), "item");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_is_taken_and_unknown_routes_are_told_so() {
    let server = Server::start().await;
    for kind in
        ["", "content-type: text/plain\r\n", "content-type: application/x-www-form-urlencoded\r\n"]
    {
        server.send("POST", "/v1/retrieve", kind, "{}").await.assert_error(415, "not_json");
    }
    let charset = "content-type: Application/JSON; charset=utf-8\r\n";
    assert_eq!(server.send("POST", "/v1/retrieve", charset, "{}").await.status, 200);
    server.get("/v1/nothing").await.assert_error(404, "unknown_route");
    server.send("DELETE", "/v1/items/42", "", "").await.assert_error(405, "wrong_method");
    assert_eq!(server.send("HEAD", "/livez", "", "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused() {
    let server = Server::start_with(engine(), None, |options| options.body_bytes_max = 1000).await;
    let fits = json!({ "user": "x".repeat(200), "scene": "home" }).to_string();
    assert_eq!(server.post("/v1/retrieve", &fits).await.status, 200);
    let large = json!({ "blocked": vec!["x"; 1000] }).to_string();
    server.post("/v1/retrieve", &large).await.assert_error(413, "too_large");
    // The same without a length given beforehand.
    let head = "POST /v1/retrieve HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\
                content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunked = format!("{head}{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    server.raw(chunked.as_bytes()).await.assert_error(413, "too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_channel_costs_its_list_and_not_the_answer() {
    let server = Server::start().await;
    let answer = server.post("/v1/retrieve", r#"{"scene": "broken", "user": 1}"#).await;
    assert_eq!(answer.items().len(), 5);
    assert_eq!(answer.json()["degraded"], true);
    assert_eq!(answer.json()["report"]["channels"][1]["status"], "panicked");
    assert!(answer.headers.contains("x-gannet-degraded: true"));
    assert!(!answer.body.contains("secret"), "what a panic says stays inside");
}

#[tokio::test(flavor = "multi_thread")]
async fn overload_is_refused_while_others_still_wait() {
    let (engine, gate) = gated_engine();
    let server = Server::start_with(engine, None, |options| {
        options.running_max = 1;
        options.waiting_max = 1;
        options.request_timeout = PATIENCE;
    })
    .await;
    let body = r#"{"scene": "gated"}"#;
    let admitted = async {
        tokio::join!(server.post("/v1/retrieve", body), server.post("/v1/retrieve", body))
    };
    let refused = async {
        server.until(1, 1).await;
        // The gate is shut: an answer that comes now has waited for nobody.
        let refused = server.post("/v1/retrieve", body).await;
        gate.open();
        refused
    };
    let ((first, second), third) = tokio::join!(admitted, refused);
    assert_eq!((first.status, second.status), (200, 200), "{first:?} {second:?}");
    third.assert_error(503, "overloaded");
    assert!(third.headers.contains("retry-after: 1"));
    server.until(0, 0).await;
    assert_eq!(server.post("/v1/retrieve", "{}").await.status, 200, "and then it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_no_thread_takes_in_time_is_refused() {
    let (engine, gate) = gated_engine();
    let server = Server::start_with(engine, None, |options| {
        options.running_max = 1;
        options.request_timeout = Duration::from_millis(100);
    })
    .await;
    let stuck = server.post("/v1/retrieve", r#"{"scene": "gated"}"#);
    let refused = async {
        server.until(1, 0).await;
        let refused = server.post("/v1/retrieve", "{}").await;
        gate.open();
        refused
    };
    let (stuck, refused) = tokio::join!(stuck, refused);
    refused.assert_error(503, "overloaded");
    assert_eq!(stuck.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_does_not_keep_its_place() {
    // More than the buffers of both sides take.
    let page = "x".repeat(64 << 20);
    let server = Server::start_with(engine(), Some(&page), |options| {
        options.connections_max = 1;
        options.answer_timeout = Duration::from_millis(100);
    })
    .await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    silent.write_all(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    assert_eq!(server.get("/livez").await.status, 200);
    let mut taken = Vec::new();
    let _ = silent.read_to_end(&mut taken).await;
    assert!(taken.len() < page.len(), "cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_dawdles_is_dropped() {
    let server = Server::start_with(engine(), None, |options| {
        options.header_timeout = Duration::from_millis(100);
        options.request_timeout = Duration::from_millis(100);
    })
    .await;
    // The last one is a whole request, after which the connection is kept and idles.
    for head in ["", "GET /livez HTTP/1.1\r\nhost", "GET /livez HTTP/1.1\r\nhost: t\r\n\r\n"] {
        exchange(server.address, head.as_bytes().to_vec()).await;
    }
    let body = "POST /v1/retrieve HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    server.raw(body.as_bytes()).await.assert_error(408, "slow_body");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_over_the_limit_wait_their_turn() {
    let idle_max = Duration::from_millis(200);
    let server = Server::start_with(engine(), None, |options| {
        options.connections_max = 1;
        options.header_timeout = idle_max;
    })
    .await;
    let start = Instant::now();
    let _idle = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(server.get("/livez").await.status, 200);
    assert!(start.elapsed() >= idle_max, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_finishes_what_is_under_way_and_waits_for_nobody_idle() {
    let (engine, gate) = gated_engine();
    let mut server = Server::start_with(engine, None, |options| {
        options.header_timeout = PATIENCE * 2;
        options.shutdown_grace = PATIENCE * 2;
    })
    .await;
    let address = server.address;
    let _silent = TcpStream::connect(address).await.unwrap();
    let mut kept = TcpStream::connect(address).await.unwrap();
    kept.write_all(b"GET /livez HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    kept.readable().await.unwrap();
    let request = "POST /v1/retrieve HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\n\
                   content-length: 18\r\n\r\n{\"scene\": \"gated\"}";
    let client = tokio::spawn(exchange(address, request.as_bytes().to_vec()));
    server.until(1, 0).await;
    server.stop();
    // Nobody listens any more.
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    gate.open();
    let answer = String::from_utf8(client.await.unwrap()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let ended = tokio::time::timeout(PATIENCE, &mut server.running).await;
    assert!(ended.is_ok(), "an idle connection held it up");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_when_the_grace_is_over() {
    let (engine, gate) = gated_engine();
    let mut server = Server::start_with(engine, None, |options| {
        options.shutdown_grace = Duration::from_millis(100);
    })
    .await;
    let request = "POST /v1/retrieve HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\n\
                   content-length: 18\r\n\r\n{\"scene\": \"gated\"}";
    let mut client = TcpStream::connect(server.address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    server.until(1, 0).await;
    server.stop();
    let ended = tokio::time::timeout(PATIENCE, &mut server.running).await;
    assert!(ended.is_ok(), "a stuck request held it up");
    gate.open();
}

#[test]
fn any_bytes_get_an_answer_that_is_no_server_error() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let token = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("\"user\":".to_owned()),
        Just("\"history\":[".to_owned()),
        Just("]".to_owned()),
        Just("1e308".to_owned()),
        Just(",".to_owned()),
        Just("\"size\":".to_owned()),
        Just("-0".to_owned()),
        ".{0,4}",
    ];
    let bodies = prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat());
    proptest!(ProptestConfig::with_cases(200), |(body in bodies)| {
        let answer = runtime.block_on(server.post("/v1/retrieve", &body));
        prop_assert!([200, 400, 422].contains(&answer.status), "{body}: {answer:?}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn reloads_asked_for_at_once_come_one_after_the_other_and_the_last_is_remembered() {
    let (inside, calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let called = calls.clone();
    let reload = move || {
        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at once");
        std::thread::sleep(Duration::from_millis(20));
        inside.fetch_sub(1, Ordering::SeqCst);
        let call = called.fetch_add(1, Ordering::SeqCst);
        Reloaded { config: Err(format!("refusal {call}")), snapshot: Ok(None) }
    };
    let reloader = Reloader { reload: Arc::new(reload), is_due: Arc::new(|| false) };
    let server =
        Server::start_with(engine(), None, |options| options.reloader = Some(reloader)).await;
    let ask = || server.post("/v1/admin/reload", "{}");
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    for answer in [one, two, three] {
        answer.assert_error(422, "bad_config");
        assert!(!answer.body.contains("panicked"), "{}", answer.body);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    let plans = server.get("/v1/admin/plans").await.body;
    assert!(plans.contains("refusal 2"), "{plans}");
}
