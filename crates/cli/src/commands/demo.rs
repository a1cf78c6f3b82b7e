//! `gannet demo`: from nothing to a served retrieval layer, on real ratings where they can be had.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Result;
use gannet_dataset::FetchError;
use gannet_evaluation::Profile;
use gannet_models::Snapshot;
use serde_json::{Value, json};

use crate::app::App;
use crate::args::DemoArgs;
use crate::commands::{ingest, train};
use crate::output::{print, print_json};
use crate::pipeline::{self, Trained};
use crate::source::{Origin, Read, read_from};
use crate::study::{self, Study};
use crate::{memory, serving};

pub(crate) fn run(app: &App, args: &DemoArgs) -> Result<()> {
    let start = Instant::now();
    let read = read_or_simulate(app, &Origin::parse(&args.data)?)?;
    if !app.json {
        print(&ingest::summary(&read))?;
    }
    ingest::store(app, &read)?;
    let profile = Profile::from(args.training.profile);
    let dataset = pipeline::as_profile_sees(read.dataset, profile)?;
    let name = dataset.name.clone();
    let trained = pipeline::train(app, dataset, &args.training)?;
    if !app.json {
        print(&train::summary(&trained))?;
    }
    let study = judge(app, &trained, args)?;
    app.store_snapshot(&trained.snapshot)?;
    let seconds = start.elapsed().as_secs_f64();
    if app.json {
        print_json(&as_json(&name, &trained, study.as_ref(), seconds))?;
    } else {
        if let Some(study) = &study {
            study::show(study)?;
        }
        print(&format!(
            "from nothing to here: {seconds:.1} s, at most {} MiB of memory",
            memory::peak_bytes().map_or_else(|| "?".to_owned(), |bytes| (bytes >> 20).to_string())
        ))?;
    }
    if args.no_serve {
        return Ok(());
    }
    let examples = Examples::of(&trained.snapshot);
    let listen = args.listen.as_deref();
    serving::serve(app, trained.snapshot, listen, |address| print(&examples.text(address)))
}

/// The data asked for; the simulated catalogue where it is out of reach for want of a network.
fn read_or_simulate(app: &App, origin: &Origin) -> Result<Read> {
    match read_from(app, origin, &origin.name(), None) {
        Err(error) if error.downcast_ref::<FetchError>().is_some_and(is_unreachable) => {
            app.progress.say(&format!("{error:#}"));
            app.progress.say("continuing with the simulated catalogue instead");
            let simulated = Origin::Simulated;
            read_from(app, &simulated, &simulated.name(), None)
        }
        read => read,
    }
}

/// Whether nothing could be had, rather than something wrong: that must not pass in silence.
fn is_unreachable(error: &FetchError) -> bool {
    use FetchError::{Download, NoOrigin, NoPip, Pip};
    let NoOrigin { wheel, .. } = error else { return false };
    matches!(**wheel, Download { .. } | NoPip { .. } | Pip { .. })
}

fn judge(app: &App, trained: &Trained, args: &DemoArgs) -> Result<Option<Study>> {
    let Some(split) = &trained.split else { return Ok(None) };
    let making = pipeline::making(&trained.snapshot)?;
    study::run(app, &trained.snapshot, split, &making, &args.judging).map(Some)
}

fn as_json(dataset: &str, trained: &Trained, study: Option<&Study>, seconds: f64) -> Value {
    json!({
        "dataset": dataset,
        "snapshot": trained.snapshot.version,
        "seconds": seconds,
        "peak_memory_bytes": memory::peak_bytes(),
        "training": train::as_json(trained),
        "page": study.map(|study| &study.page),
        "report": study.map(|study| &study.report),
    })
}

/// A user and an item that are there, for a person to try first.
struct Examples {
    user: String,
    item: String,
}

impl Examples {
    fn of(snapshot: &Snapshot) -> Self {
        let histories = &snapshot.histories;
        let user = (!histories.is_empty()).then(|| histories.id(gannet_core::UserIndex(0)));
        let most = (0..histories.len() as u32)
            .map(gannet_core::UserIndex)
            .find_map(|user| histories.events(user).last())
            .map(|event| snapshot.catalogue.id(event.item));
        let text = |found: Option<&str>| found.unwrap_or("1").to_owned();
        Self { user: text(user), item: text(most) }
    }

    fn text(&self, address: SocketAddr) -> String {
        let quote = |text: &str| text.replace('\'', r"'\''");
        let body = |key: &str, id: &str| quote(&json!({ key: id, "size": 5 }).to_string());
        let json = "-H 'content-type: application/json'";
        format!(
            "\nserving on http://{address} (report at /); ^C ends. Three things to try:\n\n  \
             curl -s http://{address}/v1/retrieve {json} -d '{}'\n  \
             curl -s http://{address}/v1/similar {json} -d '{}'\n  \
             curl -s 'http://{address}/v1/items/{}'",
            body("user", &self.user),
            body("item", &self.item),
            percent_encoded(&self.item),
        )
    }
}

/// For a path's segment in single quotes of a shell.
fn percent_encoded(id: &str) -> String {
    let mut encoded = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_survive_a_shell_and_a_path() {
        let examples = Examples { user: "it's".into(), item: "Face/Off (1997)".into() };
        let text = examples.text(SocketAddr::from(([127, 0, 0, 1], 8080)));
        assert!(text.contains(r#"{"user":"it'\''s","size":5}"#), "{text}");
        assert!(text.contains("/v1/items/Face%2FOff%20%281997%29'"), "{text}");
    }
}
