//! `gannet train`: a stored data set to a snapshot.

use std::time::Instant;

use anyhow::{Context, Result};
use gannet_core::Progress;
use gannet_dataset::open;
use gannet_evaluation::Profile;
use gannet_training::Trial;
use serde_json::{Value, json};

use crate::app::App;
use crate::args::TrainArgs;
use crate::memory;
use crate::output::{grouped, print, print_json, table};
use crate::pipeline::{self, Trained};

pub(crate) fn run(app: &App, args: &TrainArgs) -> Result<()> {
    let started = Instant::now();
    let folder = app.folders.dataset(&args.dataset)?;
    app.progress.begin("reading the data set", None, "files");
    let dataset = open(&folder)
        .with_context(|| format!("data set {:?} (`gannet ingest` makes one)", args.dataset))?;
    app.progress.end();
    let dataset = pipeline::as_profile_sees(dataset, Profile::from(args.training.profile))?;
    let trained = pipeline::train(app, dataset, &args.training)?;
    let folder = app.store_snapshot(&trained.snapshot)?;
    let seconds = started.elapsed().as_secs_f64();
    if app.json {
        return print_json(&json!({
            "seconds": seconds,
            "peak_memory_bytes": memory::peak_bytes(),
            "snapshot": trained.snapshot.version,
            "folder": folder,
            "recipe": trained.snapshot.recipe,
            "training": as_json(&trained),
        }));
    }
    if let Some(tuned) = &trained.tuned {
        print(&trials_table(&tuned.trials))?;
    }
    print(&summary(&trained))?;
    for (channel, model) in app.config.retrieval.left_out(&trained.snapshot) {
        print(&format!("channel {channel} is left out: the snapshot has no model {model}"))?;
    }
    let peak = memory::peak_bytes().map(|bytes| format!(", at most {} MB", bytes >> 20));
    let (version, folder) = (&trained.snapshot.version, folder.display());
    let peak = peak.unwrap_or_default();
    print(&format!("snapshot {version} in {folder} ({seconds:.1} s{peak})"))
}

/// What tuning tried, the best of each model marked.
pub(crate) fn trials_table(trials: &[Trial]) -> String {
    let best = |trial: &Trial| {
        let of_model = trials.iter().filter(|other| other.model == trial.model);
        of_model.fold(f64::NEG_INFINITY, |best, other| best.max(other.score))
    };
    let rows: Vec<Vec<String>> = trials
        .iter()
        .map(|trial| {
            let mark = if trial.score == best(trial) { "*" } else { "" };
            let params = trial.params.trim().replace('\n', ", ").replace(" = ", "=");
            vec![
                mark.to_owned(),
                trial.model.to_owned(),
                format!("{:.4}", trial.score),
                format!("{:.1}", trial.seconds),
                params,
            ]
        })
        .collect();
    let header = ["", "model", "validation recall", "s", "settings"];
    table(&header, &[0, 1, 4], &rows).to_string()
}

/// The split and what the merge learnt, in words.
pub(crate) fn summary(trained: &Trained) -> String {
    let mut lines = Vec::new();
    match &trained.split {
        Some(split) => lines.push(format!(
            "{} events train; {} items of {} users are held out ({})",
            grouped(split.train.event_count()),
            grouped(split.test.users().iter().map(|user| user.held_out().len()).sum()),
            grouped(split.test.users().len()),
            crate::split_text::text(&split.kind),
        )),
        None => lines.push("every event trains; nothing is held out".to_owned()),
    }
    if let Some(weights) = &trained.weights {
        let each: Vec<String> =
            weights.weights.iter().map(|(name, weight)| format!("{name} {weight}")).collect();
        lines.push(format!(
            "merge learnt on validation ({:.4} to {:.4}): rrf_k {}, weights {}",
            weights.before,
            weights.after,
            weights.rrf_k,
            each.join(", ")
        ));
    }
    lines.join("\n")
}

/// The same for machines.
pub(crate) fn as_json(trained: &Trained) -> Value {
    let trial = |trial: &Trial| {
        json!({
            "model": trial.model,
            "params": trial.params,
            "score": trial.score,
            "seconds": trial.seconds,
        })
    };
    json!({
        "split": trained.split.as_ref().map(|split| crate::split_text::text(&split.kind)),
        "train_events": trained.split.as_ref().map(|split| split.train.event_count()),
        "trials": trained.tuned.as_ref().map(|tuned| {
            tuned.trials.iter().map(trial).collect::<Vec<_>>()
        }),
        "merge_weights": trained.weights,
    })
}
