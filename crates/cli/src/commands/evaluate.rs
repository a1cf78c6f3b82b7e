//! `gannet evaluate`: the current snapshot on what its training did not see.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use gannet_core::SceneName;
use gannet_dataset::{TruePreference, open, open_truth, read_truth, split};
use gannet_evaluation::{EvaluationReport, TruthOptions, TruthReport, evaluate_truth};
use gannet_models::Snapshot;
use serde::Serialize;

use crate::app::App;
use crate::args::{EvaluateArgs, JudgingArgs};
use crate::output::{print, print_json, table};
use crate::pipeline::Making;
use crate::{judging, pipeline, split_text, study};

/// The report, and beside it what the truth says where the data set keeps one.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    report: &'a EvaluationReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    truth: Option<&'a TruthReport>,
}

pub(crate) fn run(app: &App, args: &EvaluateArgs) -> Result<()> {
    let snapshot = app.current_snapshot()?;
    if let Some(path) = &args.truth {
        let truth = match path {
            Some(path) => read_truth(path).context("cannot read the truth")?,
            None => kept_truth(app, &pipeline::making(&snapshot)?)?.context(
                "the snapshot's data set keeps no truth: only simulated ones do; name the folder \
                 of `gannet simulate` with --truth PATH",
            )?,
        };
        let users = args.judging.users.unwrap_or(TRUTH_USERS);
        let report = against_truth(app, snapshot, &truth, users, &args.judging)?;
        return if app.json { print_json(&report) } else { show(&report) };
    }
    let making = pipeline::making(&snapshot)?;
    if making.split == "none" {
        bail!(
            "snapshot {} was trained on every event, so nothing is left to judge it by; train \
             with --split auto",
            snapshot.version
        );
    }
    // First, as it is quick to find broken.
    let truth = kept_truth(app, &making)?;
    let study = judge(app, &snapshot, &making, args)?;
    let told = truth.map(|truth| {
        let users = args.judging.users.filter(|users| (1..TRUTH_USERS).contains(users));
        let users = users.unwrap_or(TRUTH_USERS);
        against_truth(app, snapshot, &truth, users, &args.judging)
    });
    let told = told.transpose()?;
    if app.json {
        return print_json(&Whole { report: &study.report, truth: told.as_ref() });
    }
    if let Some(told) = &told {
        show(told)?;
    }
    study::show(&study)
}

fn judge(
    app: &App,
    snapshot: &Arc<Snapshot>,
    making: &Making,
    args: &EvaluateArgs,
) -> Result<study::Study> {
    let dataset = open(&app.folders.dataset(&making.dataset)?)
        .with_context(|| format!("data set {:?} of the snapshot", making.dataset))?;
    let dataset = pipeline::as_profile_sees(dataset, making.profile)?;
    let kind = split_text::parse(&making.split, &dataset, making.profile)?
        .context("the snapshot names a split")?;
    let split = split(&dataset, &kind)?;
    drop(dataset);
    study::run(app, snapshot, &split, making, &args.judging)
}

/// Lists are judged up to this K, so channels are asked for as many.
const TRUTH_FETCH_K: usize = 500;
/// Users asked for where the command names no number.
const TRUTH_USERS: usize = 200;

fn kept_truth(app: &App, making: &Making) -> Result<Option<TruePreference>> {
    open_truth(&app.folders.dataset(&making.dataset)?)
        .with_context(|| format!("data set {:?} of the snapshot", making.dataset))
}

fn against_truth(
    app: &App,
    snapshot: Arc<Snapshot>,
    truth: &TruePreference,
    users_max: usize,
    judging: &JudgingArgs,
) -> Result<TruthReport> {
    let patient = judging::patient(&app.config.retrieval, TRUTH_FETCH_K);
    let engine = app.engine(snapshot, &patient)?;
    let scene = judging.scene.as_deref().map(SceneName::new).transpose()?;
    let options = TruthOptions { scene, users_max, ..TruthOptions::default() };
    Ok(evaluate_truth(&engine, truth, &options, &app.progress)?)
}

fn show(report: &TruthReport) -> Result<()> {
    let shown = report.table();
    print(&format!("{}: {}", shown.title, shown.note))?;
    let header: Vec<&str> = shown.columns.iter().map(|column| column.name.as_str()).collect();
    print(&table(&header, &[0], &shown.rows).to_string())
}
