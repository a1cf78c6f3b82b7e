//! Judging a snapshot and writing what came of it: tables, JSON and the page.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use gannet_core::SceneName;
use gannet_dataset::Split;
use gannet_evaluation::{EvaluationReport, ReportAbout, StudyOptions, evaluate, html};
use gannet_models::Snapshot;

use crate::app::App;
use crate::args::JudgingArgs;
use crate::folders::write_whole;
use crate::judging;
use crate::output::{print, table};
use crate::pipeline::Making;

/// Curves go up to this K, so channels are asked for as many.
const FETCH_K: usize = 1_000;

/// Users that are judged where nobody says how many: with more, intervals are narrower than any
/// difference that matters, and judging takes longer than training.
const USERS_DEFAULT: usize = 50_000;

/// A report with the page that shows it.
pub(crate) struct Study {
    pub(crate) report: EvaluationReport,
    pub(crate) page: PathBuf,
}

/// Judges the snapshot on the split's held-out part; writes the page and the JSON beside it.
pub(crate) fn run(
    app: &App,
    snapshot: &Arc<Snapshot>,
    split: &Split,
    making: &Making,
    args: &JudgingArgs,
) -> Result<Study> {
    let scene = args.scene.as_deref().map(SceneName::new).transpose()?;
    let serving = app.engine(snapshot.clone(), &app.config.retrieval)?;
    let plan = judging::plan(&serving.state().plans, scene.as_ref())?.clone();
    let patient = judging::patient(&app.config.retrieval, FETCH_K);
    let engine = app.engine(snapshot.clone(), &patient)?;
    let warning = split.kind.sees_other_users_future().then(|| {
        "the split is per user: training sees what other users did later than the request".into()
    });
    let options = StudyOptions {
        profile: making.profile,
        scene,
        plan: Some(plan),
        users_max: match args.users {
            None => Some(USERS_DEFAULT),
            Some(0) => None,
            given => given,
        },
        split_warning: warning,
        ..StudyOptions::default()
    };
    let report = evaluate(&engine, &split.train, &split.test, &options, &app.progress)?;
    let about = ReportAbout {
        dataset: making.dataset.clone(),
        split: making.split.clone(),
        sees_other_users_future: split.kind.sees_other_users_future(),
        made: jiff::Timestamp::from_millisecond(app.clock.now().0)?
            .strftime("%F %T UTC")
            .to_string(),
        notes: Vec::new(),
    };
    let page = app.folders.report(&snapshot.version, "html");
    write_whole(&page, html(&report, &about).as_bytes())?;
    let json = serde_json::to_vec_pretty(&report)?;
    write_whole(&app.folders.report(&snapshot.version, "json"), &json)?;
    let page = page.canonicalize().with_context(|| format!("cannot find {}", page.display()))?;
    Ok(Study { report, page })
}

/// The report as tables on a terminal.
pub(crate) fn show(study: &Study) -> Result<()> {
    for part in study.report.tables() {
        print("")?;
        print(&format!("{}: {}", part.title, part.note))?;
        let header: Vec<&str> = part.columns.iter().map(|column| column.name.as_str()).collect();
        let left: Vec<usize> = (0..header.len()).filter(|at| !part.columns[*at].numeric).collect();
        print(&table(&header, &left, &part.rows).to_string())?;
    }
    for warning in &study.report.warnings {
        print(&format!("\nwarning: {warning}"))?;
    }
    print(&format!("\nreport: {}", study.page.display()))
}
