//! `gannet evaluate`: the current snapshot on what its training did not see.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use gannet_core::SceneName;
use gannet_dataset::{open, read_truth, split};
use gannet_evaluation::{TruthOptions, evaluate_truth};
use gannet_models::Snapshot;

use crate::app::App;
use crate::args::{EvaluateArgs, JudgingArgs};
use crate::output::{print, print_json, table};
use crate::{judging, pipeline, split_text, study};

pub(crate) fn run(app: &App, args: &EvaluateArgs) -> Result<()> {
    let snapshot = app.current_snapshot()?;
    if let Some(path) = &args.truth {
        return against_truth(app, snapshot, path, &args.judging);
    }
    let making = pipeline::making(&snapshot)?;
    if making.split == "none" {
        bail!(
            "snapshot {} was trained on every event, so nothing is left to judge it by; train \
             with --split auto",
            snapshot.version
        );
    }
    let dataset = open(&app.folders.dataset(&making.dataset)?)
        .with_context(|| format!("data set {:?} of the snapshot", making.dataset))?;
    let dataset = pipeline::as_profile_sees(dataset, making.profile)?;
    let kind = split_text::parse(&making.split, &dataset, making.profile)?
        .context("the snapshot names a split")?;
    let split = split(&dataset, &kind)?;
    let study = study::run(app, &snapshot, &split, &making, &args.judging)?;
    if app.json { print_json(&study.report) } else { study::show(&study) }
}

/// Lists are judged up to this K, so channels are asked for as many.
const TRUTH_FETCH_K: usize = 500;
/// Users asked for where the command names no number.
const TRUTH_USERS: usize = 200;

fn against_truth(
    app: &App,
    snapshot: Arc<Snapshot>,
    path: &Path,
    judging: &JudgingArgs,
) -> Result<()> {
    let truth = read_truth(path).context("cannot read the truth")?;
    let patient = judging::patient(&app.config.retrieval, TRUTH_FETCH_K);
    let engine = app.engine(snapshot, &patient)?;
    let options = TruthOptions {
        scene: judging.scene.as_deref().map(SceneName::new).transpose()?,
        users_max: judging.users.unwrap_or(TRUTH_USERS),
        ..TruthOptions::default()
    };
    let report = evaluate_truth(&engine, &truth, &options, &app.progress)?;
    if app.json {
        return print_json(&report);
    }
    let shown = report.table();
    print(&format!("{}: {}", shown.title, shown.note))?;
    let header: Vec<&str> = shown.columns.iter().map(|column| column.name.as_str()).collect();
    print(&table(&header, &[0], &shown.rows).to_string())
}
