//! What the operator reads of a fault that clients are told nothing about.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

mod support;

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use support::Server;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps every event of the server as a line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("gannet_server")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_a_channel_is_logged_with_its_message_and_not_once_a_request() {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).unwrap();
    let server = Server::start().await;
    for _ in 0..3 {
        let answer = server.post("/v1/retrieve", r#"{"scene": "broken"}"#).await;
        assert_eq!(answer.json()["report"]["channels"][1]["status"], "panicked");
    }
    let lines = lines.0.lock().unwrap().clone();
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["ERROR", "channel=\"broken\"", "a secret of the program", "a channel panicked"] {
        assert!(lines[0].contains(part), "{part}: {lines:?}");
    }
}
