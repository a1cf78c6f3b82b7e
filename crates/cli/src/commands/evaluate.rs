//! `gannet evaluate`: the current snapshot on what its training did not see.

use anyhow::{Context, Result, bail};
use gannet_dataset::{open, split};

use crate::app::App;
use crate::args::EvaluateArgs;
use crate::output::print_json;
use crate::{pipeline, split_text, study};

pub(crate) fn run(app: &App, args: &EvaluateArgs) -> Result<()> {
    let snapshot = app.current_snapshot()?;
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
