//! Bad input, bad channels, bad clients, too many clients: each has its answer.

mod support;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;
use support::{Server, engine, exchange};
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
        (r#"{"history": [{}]}"#, "missing_field", "history[0]"),
        (r#"{"size": -1}"#, "bad_field", "size"),
        (r#"{"size": 1.5}"#, "bad_field", "size"),
        (r#"{"size": 0}"#, "out_of_range", "size"),
        (r#"{"size": 1000000}"#, "out_of_range", "size"),
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
    let missing = server.post("/v1/similar", "{}").await;
    missing.assert_error(422, "missing_field");
    assert!(missing.body.contains("item"));
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
async fn overload_is_refused_at_once() {
    let server = Server::start_with(engine(), None, |options| {
        options.running_max = 1;
        options.waiting_max = 1;
    })
    .await;
    let body = r#"{"scene": "sleepy"}"#;
    let slow = async {
        tokio::join!(server.post("/v1/retrieve", body), server.post("/v1/retrieve", body))
    };
    let refused = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        let answer = server.post("/v1/retrieve", body).await;
        (answer, start.elapsed())
    };
    let ((first, second), (third, took)) = tokio::join!(slow, refused);
    assert_eq!((first.status, second.status), (200, 200), "{first:?} {second:?}");
    third.assert_error(503, "overloaded");
    assert!(third.headers.contains("retry-after: 1"));
    assert!(took < Duration::from_millis(150), "{took:?}");
    assert_eq!(server.post("/v1/retrieve", "{}").await.status, 200, "and then it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_dawdles_is_dropped() {
    let server = Server::start_with(engine(), None, |options| {
        options.header_timeout = Duration::from_millis(100);
        options.request_timeout = Duration::from_millis(100);
    })
    .await;
    for head in ["", "GET /livez HTTP/1.1\r\nhost"] {
        let start = Instant::now();
        exchange(server.address, head.as_bytes().to_vec()).await;
        assert!(start.elapsed() < Duration::from_secs(5), "closed after {head:?}");
    }
    let body = "POST /v1/retrieve HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    server.raw(body.as_bytes()).await.assert_error(408, "slow_body");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_over_the_limit_wait_their_turn() {
    let server = Server::start_with(engine(), None, |options| {
        options.connections_max = 1;
        options.header_timeout = Duration::from_millis(200);
    })
    .await;
    let _idle = TcpStream::connect(server.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    let start = Instant::now();
    assert_eq!(server.get("/livez").await.status, 200);
    assert!(start.elapsed() > Duration::from_millis(100), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_finishes_what_is_under_way() {
    let mut server = Server::start().await;
    let address = server.address;
    let request = "POST /v1/retrieve HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\n\
                   content-length: 19\r\n\r\n{\"scene\": \"sleepy\"}";
    let client = tokio::spawn(exchange(address, request.as_bytes().to_vec()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop();
    let answer = String::from_utf8(client.await.unwrap()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let ended = tokio::time::timeout(Duration::from_secs(5), &mut server.running).await;
    assert!(ended.is_ok());
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
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
