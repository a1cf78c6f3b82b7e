//! `gannet bench retrieve`: what a request costs, stage by stage and channel by channel.

use anyhow::{Context, Result, bail};
use gannet_core::{SceneName, UserId, UserIndex};
use gannet_retrieval::{Engine, RawRequest, Report};
use serde::Serialize;

use crate::app::App;
use crate::args::BenchRetrieveArgs;
use crate::output::{print, print_json, table};

/// Times of one thing over all requests, in microseconds.
#[derive(Debug, Serialize)]
struct Times {
    name: String,
    p50_us: u64,
    p99_us: u64,
    mean_us: f64,
}

#[derive(Debug, Serialize)]
struct BenchReport {
    snapshot: String,
    requests: usize,
    candidates_mean: f64,
    workers: usize,
    total: Times,
    stages: Vec<Times>,
    channels: Vec<Times>,
    degraded: usize,
}

impl Times {
    fn of(name: &str, mut samples: Vec<u64>) -> Self {
        samples.sort_unstable();
        let at = |share: f64| {
            let rank = (samples.len() as f64 * share).ceil() as usize;
            samples.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        let mean_us = samples.iter().sum::<u64>() as f64 / samples.len().max(1) as f64;
        Self { name: name.to_owned(), p50_us: at(0.5), p99_us: at(0.99), mean_us }
    }
}

pub(crate) fn retrieve(app: &App, args: &BenchRetrieveArgs) -> Result<()> {
    if args.requests == 0 {
        bail!("--requests: expected at least 1");
    }
    let snapshot = app.current_snapshot()?;
    let engine = app.engine(snapshot.clone(), &app.config.retrieval)?;
    let users = snapshot.histories.len();
    if users == 0 {
        bail!("the snapshot has no users to ask for");
    }
    let scene = args.scene.as_deref().map(SceneName::new).transpose()?;
    let ask = |at: usize| -> Result<RawRequest> {
        // A stride that is prime to most counts visits users in no particular order.
        let user = UserIndex((at.wrapping_mul(7919) % users) as u32);
        let events = snapshot.histories.events(user);
        Ok(RawRequest {
            user: Some(UserId::new(snapshot.histories.id(user))?),
            scene: scene.clone(),
            size: args.size,
            now: events.last().and_then(|event| event.time),
            dry_run: true,
            ..RawRequest::default()
        })
    };
    for at in 0..args.requests / 10 {
        engine.retrieve(engine.admit(ask(at)?)?);
    }
    let (mut reports, mut candidates) = (Vec::with_capacity(args.requests), 0);
    for at in 0..args.requests {
        let answer = engine.retrieve(engine.admit(ask(at)?)?);
        candidates += answer.candidates.len();
        reports.push(answer.report);
    }
    let report = summarize(app, &engine, &reports, candidates)?;
    if app.json { print_json(&report) } else { show(&report) }
}

fn summarize(
    app: &App,
    engine: &Engine,
    reports: &[Report],
    candidates: usize,
) -> Result<BenchReport> {
    let first = reports.first().context("at least one request")?;
    let stages = (0..first.stages.len()).map(|at| {
        let samples = reports.iter().map(|report| report.stages[at].took_us).collect();
        Times::of(first.stages[at].stage.as_str(), samples)
    });
    let channels = (0..first.channels.len()).map(|at| {
        let samples = reports.iter().map(|report| report.channels[at].run_us).collect();
        Times::of(first.channels[at].channel.as_str(), samples)
    });
    Ok(BenchReport {
        snapshot: engine.state().snapshot.version.clone(),
        requests: reports.len(),
        candidates_mean: candidates as f64 / reports.len() as f64,
        workers: app.config.engine.worker_count(),
        total: Times::of("total", reports.iter().map(|report| report.total_us).collect()),
        stages: stages.collect(),
        channels: channels.collect(),
        degraded: reports.iter().filter(|report| report.degraded).count(),
    })
}

fn show(report: &BenchReport) -> Result<()> {
    let row = |kind: &str, times: &Times| {
        vec![
            kind.to_owned(),
            times.name.clone(),
            times.p50_us.to_string(),
            times.p99_us.to_string(),
            format!("{:.1}", times.mean_us),
        ]
    };
    let mut rows = vec![row("request", &report.total)];
    rows.extend(report.stages.iter().map(|times| row("stage", times)));
    rows.extend(report.channels.iter().map(|times| row("channel", times)));
    print(&table(&["", "", "p50 µs", "p99 µs", "mean µs"], &[0, 1], &rows).to_string())?;
    print(&format!(
        "\n{} requests, one after the other; {:.0} candidates a request; {} workers; {} degraded; \
         snapshot {}",
        report.requests, report.candidates_mean, report.workers, report.degraded, report.snapshot
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let times = Times::of("x", (1..=100).rev().collect());
        assert_eq!((times.p50_us, times.p99_us, times.mean_us), (50, 99, 50.5));
        assert_eq!(Times::of("x", vec![]).p99_us, 0);
    }
}
