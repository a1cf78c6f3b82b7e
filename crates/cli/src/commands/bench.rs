//! `gannet bench retrieve`: what a request costs, stage by stage and channel by channel, at what
//! rate it still comes in time, and how many cores and how much memory a company's load takes.

mod arrivals;
mod asking;
mod capacity;
mod draw;
mod drive;
mod footprint;
mod picture;
mod search;
mod show;
mod tally;
mod times;

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use gannet_core::SceneName;
use gannet_retrieval::{ChannelKinds, Engine, EngineOptions, RetrievalConfig};
use serde::Serialize;

use crate::app::App;
use crate::args::BenchRetrieveArgs;
use crate::clock::SystemClock;
use crate::folders::write_whole;
use crate::output::print_json;

pub(crate) use arrivals::Arrivals;
use arrivals::schedule;
use asking::{AskingUsers, Weight};
use capacity::{Capacity, Measured};
use drive::{Driven, Timing, WallPace, drive};
use footprint::{Footprint, Steps};
use search::{RatePoint, Search, search};
use tally::Tally;
use times::Times;

/// Kinds of channels that search vectors.
const VECTOR_KINDS: [&str; 2] = ["u2i_vector", "i2i_vector"];

/// The most requests of a closed loop, and the most clients.
const REQUESTS_MAX: usize = 100_000_000;
const THREADS_MAX: usize = 1_024;

/// A stage or channel against what it may take.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Budget {
    name: String,
    budget_us: u64,
    p99_us: f64,
}

#[derive(Debug, Serialize)]
struct BenchReport {
    snapshot: String,
    /// `closed` or `open`: whether `latency` counts from when a request was sent or was due.
    mode: &'static str,
    requests: u64,
    unserved: usize,
    clients: usize,
    workers: usize,
    asking_users: usize,
    consumed_min: usize,
    blocked_authors_min: usize,
    candidates_mean: f64,
    degraded: u64,
    degraded_share: f64,
    requests_a_second: f64,
    latency: Times,
    total: Times,
    stages: Vec<Times>,
    channels: Vec<Times>,
    budgets: Vec<Budget>,
    footprint: Footprint,
    search: Option<Search>,
    capacity: Vec<Capacity>,
}

/// An engine with the users that ask it.
struct Bench<'a> {
    args: &'a BenchRetrieveArgs,
    engine: Engine,
    users: Arc<AskingUsers>,
    scene: Option<SceneName>,
    clients: usize,
    workers: usize,
}

pub(crate) fn retrieve(app: &App, args: &BenchRetrieveArgs) -> Result<()> {
    check(args)?;
    let mut steps = Steps { start: footprint::now(), ..Steps::default() };
    let snapshot = app.current_snapshot()?;
    steps.snapshot = footprint::now();
    let weight = Weight { consumed: args.consumed, blocked_authors: args.blocked_authors };
    let users = Arc::new(AskingUsers::new(&snapshot, args.users, weight, args.seed)?);
    steps.users = footprint::now();
    let config = match args.without_vectors {
        true => without_vectors(&app.config.retrieval)?,
        false => app.config.retrieval.clone(),
    };
    let workers = args.threads.unwrap_or_else(|| app.config.engine.worker_count());
    let options = EngineOptions {
        clock: Arc::new(SystemClock::from(users.now)),
        kinds: ChannelKinds::builtin(),
        workers,
        abandoned_max: app.config.engine.abandoned_max,
    };
    let engine = Engine::new(options, snapshot.clone(), &config, Some(users.clone()))?;
    steps.engine = footprint::now();
    let scene = args.scene.as_deref().map(SceneName::new).transpose()?;
    let clients = args.threads.unwrap_or(1);
    let bench = Bench { args, engine, users, scene, clients, workers };
    let manifest = app.snapshots()?.inspect(&snapshot.version)?;
    let (items, known) = (snapshot.catalogue.len(), snapshot.histories.len());
    let footprint = Footprint::of(&manifest, items, known);
    let report = bench.run(app, footprint, steps)?;
    if let (Some(path), Some(search)) = (&args.picture, &report.search) {
        let title = format!("{} items, {} cores", items, bench.clients);
        write_whole(path, picture::page(&title, search).as_bytes())?;
    }
    if app.json { print_json(&report) } else { show::show(&report) }
}

fn check(args: &BenchRetrieveArgs) -> Result<()> {
    if !(1..=REQUESTS_MAX).contains(&args.requests) {
        bail!("--requests: expected 1 to {REQUESTS_MAX}, not {}", args.requests);
    }
    if args.threads.is_some_and(|threads| !(1..=THREADS_MAX).contains(&threads)) {
        bail!("--threads: expected 1 to {THREADS_MAX}");
    }
    if args.p99_us.is_some_and(|us| !(us > 0.0 && us.is_finite())) {
        bail!("--p99-us: expected a number of microseconds above 0");
    }
    if let Some(rate) = args.rate {
        // Before the snapshot is read, which takes a while.
        schedule(args.arrivals, rate, args.seconds, args.seed)?;
    }
    if args.open_loop {
        schedule(args.arrivals, 1.0, args.seconds, args.seed)?;
    }
    Ok(())
}

/// The configuration without vector channels; a plan of nothing else is refused.
fn without_vectors(config: &RetrievalConfig) -> Result<RetrievalConfig> {
    let mut config = config.clone();
    let is_vector = |kind: &str| VECTOR_KINDS.contains(&kind);
    let (dropped, kept): (Vec<_>, Vec<_>) =
        config.channels.into_iter().partition(|channel| is_vector(&channel.kind));
    config.channels = kept;
    for plan in &mut config.plans {
        plan.channels.retain(|channel| dropped.iter().all(|one| one.name != channel.name));
        if plan.channels.is_empty() {
            bail!("--without-vectors: plan {} has no other channel", plan.name);
        }
    }
    Ok(config)
}

impl Bench<'_> {
    fn run(&self, app: &App, footprint: Footprint, steps: Steps) -> Result<BenchReport> {
        self.drive(Timing::Closed((self.args.requests / 10).max(self.clients)))?;
        let p99_us = self.p99_us_max()?;
        let (mode, driven) = match self.args.rate {
            Some(rate) => {
                let due = schedule(self.args.arrivals, rate, self.args.seconds, self.args.seed)?;
                ("open", self.drive(Timing::Open(&due))?)
            }
            None => ("closed", self.drive(Timing::Closed(self.args.requests))?),
        };
        let throughput = driven.served as f64 / driven.wall_seconds;
        let found = match self.args.open_loop {
            true => Some(search(throughput, p99_us, |rate| self.at_rate(rate))?),
            false => None,
        };
        let footprint = footprint.measured(steps, self.users.len());
        let measured = Measured {
            // Without a search, what the closed loop did: an upper bound, and said so.
            rate: found.as_ref().map_or(throughput, |found| found.rate),
            cores: self.clients,
            resident_bytes: footprint.resident_bytes,
        };
        let (latency, served, unserved) =
            (driven.latency.times("latency"), driven.served, driven.unserved);
        let tally = self.tally_of(driven)?;
        let (stages, channels) = (tally.stages(), tally.channels());
        let budgets = budgets(app, &stages, &channels);
        Ok(BenchReport {
            snapshot: self.engine.state().snapshot.version.clone(),
            mode,
            requests: served as u64,
            unserved,
            clients: self.clients,
            workers: self.workers,
            asking_users: self.users.len(),
            consumed_min: self.args.consumed,
            blocked_authors_min: self.args.blocked_authors,
            candidates_mean: tally.candidates as f64 / tally.requests.max(1) as f64,
            degraded: tally.degraded,
            degraded_share: tally.degraded as f64 / tally.requests.max(1) as f64,
            requests_a_second: throughput,
            latency,
            total: tally.service(),
            stages,
            channels,
            budgets,
            footprint,
            search: found,
            capacity: capacity::table(capacity::REQUESTS_A_SECOND, measured),
        })
    }

    /// The target: what was asked for, else the deadline of the plan that the requests get.
    fn p99_us_max(&self) -> Result<f64> {
        if let Some(us) = self.args.p99_us {
            return Ok(us);
        }
        let request = self.engine.admit(self.request(0))?;
        let state = self.engine.state();
        let plan = state.plans.resolve(request.scene(), None, None).context("a checked scene")?;
        Ok(plan.deadline.as_secs_f64() * 1e6)
    }

    fn request(&self, at: usize) -> gannet_retrieval::RawRequest {
        let (scene, size) = (self.scene.clone(), self.args.size);
        gannet_retrieval::RawRequest { scene, size, ..self.users.request(at) }
    }

    fn drive(&self, timing: Timing<'_>) -> Result<Driven<Tally>> {
        drive(timing, self.clients, &WallPace::new(), Tally::new, |at, tally| {
            tally.take(&self.engine.retrieve(self.engine.admit(self.request(at))?))
        })
    }

    fn at_rate(&self, rate: f64) -> Result<RatePoint> {
        let due = schedule(self.args.arrivals, rate, self.args.seconds, self.args.seed)?;
        let driven = self.drive(Timing::Open(&due))?;
        let (latency, unserved) = (driven.latency.times("latency"), driven.unserved);
        let served_rate = driven.served as f64 / driven.wall_seconds;
        let degraded = self.tally_of(driven)?.degraded;
        Ok(RatePoint { rate, served_rate, unserved, degraded, latency })
    }

    fn tally_of(&self, driven: Driven<Tally>) -> Result<Tally> {
        let none = Tally::new()?;
        driven.tallies.into_iter().try_fold(none, Tally::with).context("clients' accounts")
    }
}

/// What has a budget in `bench.budget_us`, in the order of stages and channels.
fn budgets(app: &App, stages: &[Times], channels: &[Times]) -> Vec<Budget> {
    let budget = |times: &Times| {
        let budget_us = *app.config.bench.budget_us.get(&times.name)?;
        Some(Budget { name: times.name.clone(), budget_us, p99_us: times.p99_us })
    };
    stages.iter().chain(channels).filter_map(budget).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{BenchCommand, Cli, Command};
    use clap::Parser;

    fn args(words: &[&str]) -> BenchRetrieveArgs {
        let cli = Cli::parse_from([&["gannet", "bench", "retrieve"], words].concat());
        let Command::Bench(bench) = cli.command else { panic!("bench was asked for") };
        let BenchCommand::Retrieve(args) = bench.command;
        args
    }

    #[test]
    fn impossible_loads_are_refused_before_anything_is_read() {
        for (words, says) in [
            (["--rate", "0"], "--rate"),
            (["--rate", "1e9"], "--rate"),
            (["--requests", "0"], "--requests"),
            (["--requests", "99999999999"], "--requests"),
            (["--threads", "0"], "--threads"),
            (["--threads", "100000"], "--threads"),
            (["--p99-us", "nan"], "--p99-us"),
        ] {
            let why = check(&args(&words)).unwrap_err().to_string();
            assert!(why.starts_with(says), "{words:?}: {why}");
        }
        assert!(check(&args(&["--rate", "100", "--seconds", "1e7"])).is_err());
        assert!(check(&args(&["--open-loop", "--seconds", "0"])).is_err());
        assert!(check(&args(&["--rate", "100", "--consumed", "5000"])).is_ok());
    }

    #[test]
    fn without_vectors_no_plan_names_one() {
        let defaults = toml::from_str::<toml::Table>(crate::config::DEFAULTS).unwrap();
        let mut kept = toml::Table::new();
        for key in ["channel", "plan", "scene"] {
            kept.insert(key.to_owned(), defaults[key].clone());
        }
        let config: RetrievalConfig = kept.try_into().unwrap();
        let without = without_vectors(&config).unwrap();
        assert!(without.channels.len() < config.channels.len());
        assert!(without.check().is_ok());
        let only: Vec<_> = config.channels.iter().filter(|one| one.kind == "u2i_vector").collect();
        let mut bare = config.clone();
        bare.plans[0].channels.retain(|one| one.name == only[0].name);
        let why = without_vectors(&bare).unwrap_err().to_string();
        assert!(why.contains("no other channel"), "{why}");
    }
}
