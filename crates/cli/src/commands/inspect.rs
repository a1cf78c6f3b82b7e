//! `gannet inspect`: what lies in the data folder.

use anyhow::{Context, Result};
use gannet_dataset::{open_truth, read_manifest};
use gannet_storage::Manifest;
use serde_json::json;

use crate::app::App;
use crate::args::InspectArgs;
use crate::output::{grouped, print, print_json, table};

pub(crate) fn run(app: &App, args: &InspectArgs) -> Result<()> {
    match (&args.dataset, &args.snapshot) {
        (None, None) => everything(app),
        (dataset, snapshot) => {
            if let Some(name) = dataset {
                match &args.truth_of {
                    Some(user) => truth_of(app, name, user)?,
                    None => one_dataset(app, name)?,
                }
            }
            match snapshot {
                Some(version) => one_snapshot(app, version),
                None => Ok(()),
            }
        }
    }
}

fn dataset_names(app: &App) -> Result<Vec<String>> {
    let folder = app.folders.datasets();
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if app.folders.dataset(&name).is_ok() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn everything(app: &App) -> Result<()> {
    let (datasets, store) = (dataset_names(app)?, app.snapshots()?);
    let (versions, current) = (store.versions()?, store.current_version()?);
    if app.json {
        return print_json(&json!({
            "datasets": datasets, "snapshots": versions, "current": current,
        }));
    }
    let mut rows = Vec::new();
    for name in &datasets {
        let what = match read_manifest(&app.folders.dataset(name)?) {
            Ok(manifest) => format!(
                "{} items, {} users, {} events",
                grouped(manifest.item_count as usize),
                grouped(manifest.user_count as usize),
                grouped(manifest.event_count as usize)
            ),
            Err(error) => format!("unreadable: {error}"),
        };
        rows.push(vec!["data set".to_owned(), name.clone(), what]);
    }
    for version in &versions {
        let what = match store.inspect(version) {
            Ok(manifest) => format!("{} bytes", grouped(manifest.bytes() as usize)),
            Err(error) => format!("unreadable: {error}"),
        };
        let mark = if current.as_ref() == Some(version) { ", current" } else { "" };
        rows.push(vec!["snapshot".to_owned(), version.clone(), what + mark]);
    }
    if rows.is_empty() {
        return print("nothing here yet; `gannet demo` makes a data set and a snapshot");
    }
    print(&table(&["", "name", ""], &[0, 1, 2], &rows).to_string())
}

fn one_dataset(app: &App, name: &str) -> Result<()> {
    let manifest = read_manifest(&app.folders.dataset(name)?)?;
    print(&serde_json::to_string_pretty(&manifest)?)
}

/// Items of which the true preference is told.
const TRUTH_ITEMS: usize = 20;

fn truth_of(app: &App, name: &str, user: &str) -> Result<()> {
    let folder = app.folders.dataset(name)?;
    let truth = open_truth(&folder)?
        .with_context(|| format!("data set {name} keeps no truth: only simulated ones do"))?;
    let known = truth.find_user(user);
    let index = known.with_context(|| format!("{user:?} is no user of this simulation"))?;
    let moment = read_manifest(&folder)?.last_time.context("the data set has no events")?;
    let best = truth.best(index, moment, TRUTH_ITEMS, truth.shown_at(moment));
    let taste = truth.taste_at(index, moment);
    let told = best.iter().map(|item| (truth.item_id(*item), taste.preference(*item)));
    if app.json {
        let items: Vec<_> = told
            .map(|(item, preference)| json!({ "item": item, "preference": preference }))
            .collect();
        return print_json(&json!({ "user": user, "moment": moment, "items": items }));
    }
    let rows: Vec<Vec<String>> =
        told.map(|(item, preference)| vec![item, format!("{preference:.4}")]).collect();
    print(&table(&["item", "true preference"], &[0], &rows).to_string())
}

fn one_snapshot(app: &App, version: &str) -> Result<()> {
    let store = app.snapshots()?;
    let snapshot = match version {
        "current" => app.current_snapshot()?,
        version => std::sync::Arc::new(store.read(version)?),
    };
    let manifest = store.inspect(&snapshot.version)?;
    let (items, users) = (snapshot.catalogue.len(), snapshot.histories.len());
    if app.json {
        return print_json(&json!({
            "manifest": manifest, "items": items, "users": users, "recipe": snapshot.recipe,
        }));
    }
    print(&format!(
        "snapshot {}: {} items, {} users, {} bytes; every checksum holds\n",
        snapshot.version,
        grouped(items),
        grouped(users),
        grouped(manifest.bytes() as usize)
    ))?;
    print(&files_table(&manifest))?;
    print(&format!("\n{}", snapshot.recipe.trim_end()))
}

fn files_table(manifest: &Manifest) -> String {
    let rows: Vec<Vec<String>> = manifest
        .files
        .iter()
        .map(|file| vec![file.name.clone(), file.kind.clone(), grouped(file.bytes as usize)])
        .collect();
    table(&["file", "kind", "bytes"], &[0, 1], &rows).to_string()
}
