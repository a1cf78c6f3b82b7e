//! `gannet ingest`: files in, checked Parquet out.

use anyhow::{Context, Result, bail};
use gannet_core::Progress;
use gannet_dataset::{BadRows, ingest_with_truth};
use serde_json::json;

use crate::app::App;
use crate::args::IngestArgs;
use crate::output::{grouped, print, print_json};
use crate::source::{MOVIELENS_1M, Origin, Read, SIMULATED, read_from};

pub(crate) fn run(app: &App, args: &IngestArgs) -> Result<()> {
    let origin = match (args.format, &args.path) {
        (Some(format), Some(folder)) => Origin::Files { format, folder: folder.clone() },
        _ if args.name == MOVIELENS_1M || args.name == SIMULATED => Origin::parse(&args.name)?,
        _ => bail!(
            "--format and --path say where {:?} comes from; only {MOVIELENS_1M} and {SIMULATED} \
             need neither",
            args.name
        ),
    };
    let folder = app.folders.dataset(&args.name)?;
    let read = read_from(app, &origin, &args.name, args.max_bad_rows)?;
    store(app, &read)?;
    let (dataset, bad_rows) = (&read.dataset, &read.bad_rows);
    if app.json {
        let first: Vec<String> = bad_rows.first().iter().map(ToString::to_string).collect();
        return print_json(&json!({
            "name": dataset.name,
            "folder": folder,
            "items": dataset.catalogue.len(),
            "users": dataset.users.len(),
            "events": dataset.events.interactions.len(),
            "test_events": dataset.test_events.as_ref().map(|events| events.interactions.len()),
            "truth": read.truth.is_some(),
            "bad_rows": bad_rows.count(),
            "rows": bad_rows.row_count(),
            "first_bad_rows": first,
        }));
    }
    print(&summary(&read))?;
    print(&format!("stored in {}", folder.display()))
}

/// Stores a data set, with the truth behind it, under its name; an older one of that name gives
/// way when the new is whole.
pub(crate) fn store(app: &App, read: &Read) -> Result<()> {
    let Read { dataset, truth, .. } = read;
    let folder = app.folders.dataset(&dataset.name)?;
    app.progress.begin("store as Parquet", None, "events");
    let stored = ingest_with_truth(dataset, truth.as_ref(), &folder);
    app.progress.end();
    stored.with_context(|| format!("cannot store {}", dataset.name))?;
    Ok(())
}

/// What was read, and the bad rows that were left out.
pub(crate) fn summary(read: &Read) -> String {
    let Read { dataset, bad_rows, truth } = read;
    let mut text = format!(
        "{}: {} events of {} users on {} items",
        dataset.name,
        grouped(dataset.events.interactions.len()),
        grouped(dataset.users.len()),
        grouped(dataset.catalogue.len()),
    );
    if let Some(test) = &dataset.test_events {
        text += &format!(", {} more in a test file", grouped(test.interactions.len()));
    }
    if truth.is_some() {
        text += "; what the users truly prefer is kept with them";
    }
    text + &bad_row_lines(bad_rows)
}

fn bad_row_lines(bad_rows: &BadRows) -> String {
    if bad_rows.count() == 0 {
        return String::new();
    }
    let mut text = format!(
        "\n{} of {} rows were bad and are left out; the first:",
        grouped(bad_rows.count() as usize),
        grouped(bad_rows.row_count() as usize),
    );
    for row in bad_rows.first() {
        text += &format!("\n  {row}");
    }
    text
}
