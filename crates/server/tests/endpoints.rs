//! Every endpoint, asked as a client would.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

mod support;

use gannet_server::{EngineSlot, ROUTES};
use serde_json::{Value, json};
use support::{Server, TITLES, engine, live_engine};

fn encode(id: &str) -> String {
    id.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn retrieve_gives_a_known_user_what_he_has_not_consumed() {
    let server = Server::start().await;
    let answer = server.post("/v1/retrieve", r#"{"user": "1", "size": 3}"#).await;
    assert_eq!(answer.items(), TITLES[..3]);
    let json = answer.json();
    assert_eq!(json["snapshot"], "20260101-120000");
    assert_eq!((&json["scene"], &json["degraded"]), (&json!("home"), &json!(false)));
    let first = &json["candidates"][0];
    assert_eq!(first["title"], "Toy Story (1995) as shown");
    assert!(first["merge_score"].as_f64().unwrap() > 0.0);
    assert!(first.get("evidence").is_none(), "only where explain is set");
    let channel = &json["report"]["channels"][0];
    assert_eq!((&channel["channel"], &channel["status"]), (&json!("finder"), &json!("complete")));
    assert!(channel["returned"].as_u64().unwrap() >= 3);
    assert!(!json["report"]["stages"].as_array().unwrap().is_empty());
    assert!(answer.headers.contains("x-gannet-snapshot: 20260101-120000"));
    assert!(answer.headers.contains("x-gannet-degraded: false"));
    let all = server.post("/v1/retrieve", r#"{"user": "1"}"#).await;
    assert!(!all.items().contains(&"Heat (1995)".to_owned()), "consumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_names_channel_rank_score_and_trigger() {
    let server = Server::start().await;
    let answer = server.post("/v1/retrieve", r#"{"user": "1", "explain": true}"#).await.json();
    let evidence = &answer["candidates"][0]["evidence"][0];
    assert_eq!((&evidence["channel"], &evidence["channel_rank"]), (&json!("finder"), &json!(1)));
    assert_eq!(evidence["channel_score"], 9.0);
    let trigger = json!({ "item": "Heat (1995)", "title": "Heat (1995) as shown" });
    assert_eq!(evidence["trigger"], trigger);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_as_an_id_is_its_decimal_text() {
    let server = Server::start().await;
    let number = server.post("/v1/retrieve", r#"{"user": 1}"#).await.items();
    assert_eq!(number, server.post("/v1/retrieve", r#"{"user": "1"}"#).await.items());
    let history = r#"{"history": [{"item": 42}]}"#;
    assert!(!server.post("/v1/retrieve", history).await.items().contains(&"42".to_owned()));
    let similar =
        async |id: &str| server.post("/v1/similar", &format!(r#"{{"item": {id}}}"#)).await;
    for id in ["-9223372036854775808", "18446744073709551615"] {
        similar(id).await.assert_error(404, "unknown_item");
    }
    // Ids that a number has no exact form for are written as text.
    for id in ["1.5", "1e3", "-0", "18446744073709551616", "true", "[1]", "{}", "null", "\"\""] {
        let answer = similar(id).await;
        assert_eq!(answer.assert_error(422, "bad_field"), "item", "{id}");
        assert!(id == "\"\"" || answer.body.contains("expected an id: a string"), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_can_be_described_in_the_request() {
    let server = Server::start().await;
    let body = json!({
        "user": "never heard of",
        "history": [{ "item": TITLES[0], "value": 5, "time": 1_600_000_000_000i64 },
            { "item": "not in the catalogue" }],
        "blocked": [TITLES[1]],
        "filter": { "tags_any": ["Comedy"], "published_from": 0 },
        "scene": "home",
    });
    let answer = server.post("/v1/retrieve", &body.to_string()).await;
    assert_eq!(answer.items(), TITLES[2..]);
    assert_eq!(answer.json()["unknown_history_items"], 1);
    let nothing = r#"{"filter": {"tags_any": ["Horror"]}}"#;
    assert!(server.post("/v1/retrieve", nothing).await.items().is_empty());
    assert_eq!(server.post("/v1/retrieve", "{}").await.items().len(), TITLES.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn top_ranks_the_best_few() {
    let server = Server::start().await;
    let answer = server.post("/v1/retrieve", r#"{"top": 2}"#).await;
    assert_eq!(answer.items().len(), 2);
    let json = answer.json();
    let score = |at: usize| json["candidates"][at]["rank_score"].as_f64().unwrap();
    assert!(score(0) >= score(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn similar_never_names_the_item_itself() {
    let server = Server::start().await;
    for title in TITLES {
        let body = json!({ "item": title }).to_string();
        let answer = server.post("/v1/similar", &body).await;
        assert!(!answer.items().contains(&title.to_owned()));
        assert_eq!(answer.items().len(), TITLES.len() - 1);
        assert_eq!(answer.json()["scene"], "detail");
    }
    let unknown = server.post("/v1/similar", r#"{"item": "no such"}"#).await;
    assert_eq!(unknown.assert_error(404, "unknown_item"), "item");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_id_can_be_looked_up_when_it_is_encoded() {
    let server = Server::start().await;
    for title in TITLES {
        let answer = server.get(&format!("/v1/items/{}", encode(title))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["item"], title);
        assert_eq!(answer.json()["tags"], json!(["Comedy/Dark"]));
    }
    let plain = server.get("/v1/items/Toy%20Story%20(1995)").await;
    assert_eq!(plain.json()["title"], "Toy Story (1995) as shown");
    let unknown = server.get("/v1/items/Nowhere").await;
    assert_eq!(unknown.assert_error(404, "unknown_item"), "id");
    server.get("/v1/items/Face/Off").await.assert_error(404, "unknown_route");
    assert_eq!(server.get("/v1/items/%FF%FE").await.assert_error(400, "bad_id"), "id");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_an_engine_lives_but_is_not_ready() {
    let slot = EngineSlot::empty();
    let server = Server::start_with(slot.clone(), None, |_| {}).await;
    assert_eq!(server.get("/livez").await.json()["status"], "ok");
    for path in ["/readyz", "/v1/items/42"] {
        server.get(path).await.assert_error(503, "not_ready");
    }
    let answer = server.post("/v1/retrieve", "{}").await;
    answer.assert_error(503, "not_ready");
    assert!(answer.headers.contains("retry-after: 1"));
    server.post("/v1/similar", r#"{"item": 42}"#).await.assert_error(503, "not_ready");
    assert!(slot.fill(engine()));
    assert!(!slot.fill(engine()), "the first one stays");
    assert_eq!(server.get("/readyz").await.json()["snapshot"], "20260101-120000");
    assert_eq!(server.post("/v1/retrieve", "{}").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_the_report_or_says_how_to_make_one() {
    let with = Server::start_with(engine(), Some("<p>report</p>"), |_| {}).await;
    let answer = with.get("/").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "<p>report</p>"));
    assert!(answer.headers.contains("content-type: text/html"));
    assert!(answer.headers.contains("default-src 'none'"));
    assert!(Server::start().await.get("/").await.body.contains("gannet evaluate"));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_parse_and_count_what_happened() {
    let server = Server::start().await;
    server.post("/v1/retrieve", r#"{"user": 1}"#).await;
    server.post("/v1/retrieve", r#"{"scene": "broken"}"#).await;
    server.post("/v1/retrieve", "nonsense").await;
    server.get("/no/such/route").await;
    let text = server.get("/metrics").await.body;
    assert!(text.ends_with("# EOF\n"));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        assert!(name.starts_with("gannet_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    for line in [
        r#"gannet_http_requests_total{route="/v1/retrieve",method="post",status="200"} 2"#,
        r#"gannet_http_requests_total{route="/v1/retrieve",method="post",status="400"} 1"#,
        r#"gannet_http_requests_total{route="unmatched",method="get",status="404"} 1"#,
        r#"gannet_channel_answers_total{channel="broken",status="panicked"} 1"#,
        r#"gannet_channel_faults_total{channel="finder"} 0"#,
        r#"gannet_channel_seconds_count{channel="finder"} 2"#,
        r#"gannet_stage_seconds_count{stage="merge"} 2"#,
        r#"gannet_http_request_seconds_bucket{le="+Inf",route="/v1/retrieve"} 3"#,
        "gannet_requests_running 0",
        "gannet_requests_waiting 0",
        "gannet_degraded_answers_total 1",
        r#"gannet_answers_total{scene="home"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

fn documented(openapi: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        found.extend(methods.as_object().unwrap().keys().map(|way| (way.clone(), path.clone())));
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_lists_exactly_the_routes_that_exist() {
    let server = Server::start().await;
    let openapi = server.get("/openapi.json").await.json();
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut routes: Vec<_> =
        ROUTES.iter().map(|(way, path)| ((*way).to_owned(), (*path).to_owned())).collect();
    routes.sort();
    assert_eq!(documented(&openapi), routes);
    for (way, path) in routes {
        let path = path.replace("{id}", "42").replace("{name}", "finder").replace("{user}", "1");
        let refused = server.send("PATCH", &path, "", "").await;
        refused.assert_error(405, "wrong_method");
        let allowed = refused.headers.lines().find_map(|line| line.strip_prefix("allow: "));
        assert!(allowed.is_some_and(|all| all.split(',').any(|one| one == way)), "{refused:?}");
        let answer = server.send(&way.to_uppercase(), &path, "", "").await;
        assert!([200, 415].contains(&answer.status), "{way} {path}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_schema_has_an_example_and_the_server_takes_those_of_requests() {
    let server = Server::start().await;
    let openapi = server.get("/openapi.json").await.json();
    let schemas = openapi["components"]["schemas"].as_object().unwrap();
    let example = |schema: &Value| -> Value {
        let found = schema.get("example").or_else(|| schema["examples"].get(0));
        found.unwrap_or_else(|| panic!("no example: {schema}")).clone()
    };
    schemas.values().for_each(|schema| drop(example(schema)));
    for (path, name) in [("/v1/retrieve", "RetrieveBody"), ("/v1/similar", "SimilarBody")] {
        let answer = server.post(path, &example(&schemas[name]).to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let history = json!({ "history": [example(&schemas["HistoryBody"])],
        "filter": example(&schemas["FilterBody"]) });
    assert_eq!(server.post("/v1/retrieve", &history.to_string()).await.status, 200);
    let number = |schema: &Value, name: &str| schema["properties"][name]["oneOf"][1].clone();
    let whole = json!({ "type": "integer", "minimum": i64::MIN, "maximum": u64::MAX });
    assert_eq!(number(&schemas["SimilarBody"], "item"), whole);
    assert_eq!(number(&schemas["RetrieveBody"], "user"), whole);
    assert_eq!(server.post("/v1/retrieve", r#"{"user": null, "scene": null}"#).await.status, 200);
    for body in
        ["RetrieveBody", "SimilarBody", "HistoryBody", "VectorBody", "FilterBody", "BlockedBody"]
    {
        assert_eq!(schemas[body]["additionalProperties"], false, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_what_is_in_force_and_switches_a_channel_off() {
    let server = Server::start().await;
    let plans = server.get("/v1/admin/plans").await.json();
    let home = &plans["plans"][0];
    assert_eq!((&home["plan"], &home["merge"]), (&json!("home"), &json!("rrf")));
    let rule = json!({ "refuse_consumed": true, "consumed_days": null, "refuse_exposed": true,
        "exposed_days": 3.0, "refuse_delivered": true, "delivered_minutes": 10.0 });
    assert_eq!(home["eligibility"], rule);
    let caps = json!([{ "field": "tags", "max": 100, "level": 1, "hard": false }]);
    assert_eq!((&home["caps"], &home["deadline_ms"]), (&caps, &json!(5_000)));
    let finder = json!({ "channel": "finder", "enabled": true, "fetch_k": 500, "min": 1,
        "target": 400, "max": 450, "weight": 1.0, "deadline_ms": 5_000 });
    assert_eq!(home["channels"], json!([finder]));
    let detail = json!({ "scene": "detail", "plan": "home", "eligible": "tags any [\"Comedy\"]",
        "items": TITLES.len() });
    assert_eq!(plans["scenes"][1], detail);
    assert_eq!((&plans["reload_error"], &plans["snapshot_error"]), (&Value::Null, &Value::Null));
    assert_eq!(
        plans["routes"][0],
        json!({ "scene": "home", "segment": null, "arm": null,
        "plan": "home" })
    );
    let switch = server.post("/v1/admin/channels/finder", r#"{"enabled": false}"#).await.json();
    assert_eq!(switch, json!({ "channel": "finder", "enabled": false }));
    let answer = server.post("/v1/retrieve", "{}").await.json();
    assert_eq!(answer["report"]["channels"][0]["status"], "disabled");
    assert_eq!(answer["degraded"], false);
    let metrics = server.get("/metrics").await;
    assert!(metrics.body.contains("gannet_channel_enabled{channel=\"finder\"} 0"), "{metrics:?}");
    let unknown = server.post("/v1/admin/channels/nobody", r#"{"enabled": false}"#).await;
    unknown.assert_error(404, "unknown_channel");
    server.post("/v1/admin/reload", "{}").await.assert_error(501, "no_reload");
    let proxied = server.send("GET", "/v1/admin/plans", "x-forwarded-for: 10.0.0.1\r\n", "").await;
    proxied.assert_error(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_pages_over_http_repeat_nothing_and_events_count_at_once() {
    let server = Server::start_with(live_engine(), None, |_| {}).await;
    let mut shown = Vec::new();
    for page in 0..5 {
        let answer = server.post("/v1/retrieve", r#"{"user": "1", "size": 1}"#).await;
        shown.extend(answer.items());
        assert_eq!(shown.len(), page + 1);
    }
    let mut distinct = shown.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 5, "{shown:?}");
    let dry = r#"{"user": "stranger", "size": 1, "dry_run": true}"#;
    assert_eq!(server.post("/v1/retrieve", dry).await.items(), [TITLES[0]]);
    let event = json!({ "events": [{ "user": "stranger", "item": TITLES[0], "value": 5.0 },
        { "user": "stranger", "item": 42 }] });
    let answer = server.post("/v1/events", &event.to_string()).await;
    assert_eq!(answer.json(), json!({ "applied": 2 }), "{answer:?}");
    assert_eq!(server.post("/v1/retrieve", dry).await.items(), [TITLES[1]]);
    for (event, field, code) in [
        (json!({ "user": "2", "item": "gone" }), "events[1].item", "unknown_item"),
        (json!({ "user": "2", "item": "" }), "events[1].item", "bad_field"),
        (json!({ "user": "2", "item": 42, "kind": "stare" }), "events[1].kind", "unknown_kind"),
        (json!({ "user": "2", "item": 42, "time": -1 }), "events[1].time", "out_of_range"),
        (json!({ "user": "2", "item": 42, "scene": "attic" }), "events[1].scene", "unknown_scene"),
        (json!({ "user": "2" }), "events[1].item", "missing_field"),
    ] {
        let body = json!({ "events": [{ "user": "2", "item": TITLES[0] }, event] });
        let refused = server.post("/v1/events", &body.to_string()).await;
        assert_eq!(refused.assert_error(422, code), field);
    }
    let other = r#"{"user": "2", "size": 1, "dry_run": true}"#;
    assert_eq!(server.post("/v1/retrieve", other).await.items(), [TITLES[0]], "nothing was taken");
    let text = server.get("/metrics").await.body;
    assert!(text.lines().any(|line| line == "gannet_events_total 2"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_is_text_or_the_older_object() {
    let server = Server::start().await;
    let ask = async |filter: Value| {
        server.post("/v1/retrieve", &json!({ "filter": filter }).to_string()).await
    };
    let all = TITLES.len();
    assert_eq!(
        ask(json!("tags any [\"Comedy\"] and published < \"2000-01-01\"")).await.items().len(),
        all
    );
    assert_eq!(ask(json!("not tags = \"Comedy\"")).await.items().len(), 0);
    let object = json!({ "tags_any": [" Comedy / Dark "], "published_before": 789_000_000_001i64 });
    assert_eq!(ask(object).await.items().len(), all);
    assert_eq!(ask(json!({ "tags_none": ["Comedy"] })).await.items().len(), 0);
    assert_eq!(ask(json!({})).await.items().len(), all);
    assert_eq!(ask(Value::Null).await.items().len(), all);
    for bad in [json!("color = 1"), json!("tags ="), json!("(".repeat(100)), json!("tags < \"a\"")]
    {
        assert_eq!(ask(bad).await.assert_error(422, "bad_filter"), "filter");
    }
    let unknown = ask(json!({ "tag_any": [] })).await;
    assert_eq!(unknown.assert_error(422, "unknown_field"), "filter.tag_any");
    ask(json!(7)).await.assert_error(422, "bad_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_blocks_is_in_none_of_his_answers_until_he_unblocks_it() {
    let server = Server::start_with(live_engine(), None, |_| {}).await;
    let path = format!("/v1/users/{}/blocked", encode("a/b ü"));
    let nothing = json!({ "user": "a/b ü", "items": [], "authors": [], "tags": [] });
    assert_eq!(server.get(&path).await.json(), nothing);
    let send = async |method: &str, body: Value| {
        let json = "content-type: application/json\r\n";
        server.send(method, &path, json, &body.to_string()).await
    };
    let put = send("PUT", json!({ "items": [42, TITLES[0]] })).await.json();
    assert_eq!(put["items"], json!(["42", TITLES[0]]));
    let ask = json!({ "user": "a/b ü", "dry_run": true }).to_string();
    let answer = server.post("/v1/retrieve", &ask).await;
    assert_eq!(answer.items().len(), TITLES.len() - 2);
    assert!(!answer.items().iter().any(|item| item == "42" || item == TITLES[0]));
    let put = send("PUT", json!({ "tags": [" Comedy / Dark "] })).await.json();
    assert_eq!((&put["tags"], &put["items"]), (&json!(["Comedy/Dark"]), &json!(["42", TITLES[0]])));
    assert!(server.post("/v1/retrieve", &ask).await.items().is_empty());
    let left = send("DELETE", json!({ "tags": ["Comedy/Dark"], "items": [TITLES[0]] })).await;
    assert_eq!(left.json()["items"], json!(["42"]));
    assert_eq!(server.get(&path).await.json(), left.json());
    assert_eq!(server.post("/v1/retrieve", &ask).await.items().len(), TITLES.len() - 1);
    for (body, field, code) in [
        (json!({ "items": ["gone"] }), "items[0]", "unknown_item"),
        (json!({ "authors": ["nobody"] }), "authors[0]", "unknown_author"),
        (json!({ "items": [42], "tags": ["Horror"] }), "tags[0]", "unknown_tag"),
        (json!({ "tag": ["Comedy"] }), "tag", "unknown_field"),
        (json!({ "items": [""] }), "items[0]", "bad_field"),
    ] {
        for method in ["PUT", "DELETE"] {
            let refused = send(method, body.clone()).await;
            assert_eq!(refused.assert_error(422, code), field, "{method}");
        }
    }
    assert_eq!(server.get(&path).await.json(), left.json(), "nothing was half-applied");
    let bad = server.get("/v1/users/%FF/blocked").await;
    assert_eq!(bad.assert_error(400, "bad_id"), "user");
    let long = format!("/v1/users/{}/blocked", "u".repeat(300));
    assert_eq!(server.get(&long).await.assert_error(422, "bad_id"), "user");
}
