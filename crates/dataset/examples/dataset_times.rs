//! Times a data set's way from files to a split: read, ingest, open, split; and the peak memory.
//!
//! `cargo run --release -p gannet-dataset --example dataset_times [-- CACHE_DIR]`: with a cache
//! folder MovieLens-1M (fetched where it is not there), without one a simulated million of events.

#![allow(clippy::print_stdout, reason = "it is a report")]

use std::path::Path;
use std::time::Instant;

use gannet_core::{Silent, Timestamp};
use gannet_dataset::{
    Dataset, SimulationOptions, SplitKind, fetch_movielens_1m, ingest, normal_form_checksum, open,
    read_movielens_1m, simulate, split,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dataset = match std::env::args_os().nth(1) {
        Some(cache) => movielens_1m(Path::new(&cache))?,
        None => timed("simulate", || Ok(simulate(&a_million(), &Silent)?.dataset))?,
    };
    let place = tempfile::tempdir()?;
    let folder = place.path().join("set");
    timed("ingest", || Ok(ingest(&dataset, &folder)?))?;
    let opened = timed("open", || Ok(open(&folder)?))?;
    assert_eq!(opened, dataset, "the round trip changed the data");
    let kind = SplitKind::TemporalPerUser { train_share: 0.8 };
    let split = timed("split", || Ok(split(&dataset, &kind)?))?;
    println!(
        "{} users tested, {} events in all",
        split.test.users().len(),
        dataset.events.users.len()
    );
    Ok(())
}

fn movielens_1m(cache: &Path) -> Result<Dataset, Box<dyn std::error::Error>> {
    let fetched = timed("fetch", || Ok(fetch_movielens_1m(cache, &Silent)?))?;
    let now = Timestamp(i64::MAX);
    let dataset = timed("read", || Ok(read_movielens_1m(&fetched, now, &Silent)?.dataset))?;
    timed("checksum", || Ok(normal_form_checksum(&dataset)))?;
    Ok(dataset)
}

fn a_million() -> SimulationOptions {
    SimulationOptions {
        user_count: 10_000,
        item_count: 10_000,
        event_count: 1_000_000,
        ..SimulationOptions::default()
    }
}

fn timed<T>(
    name: &str,
    work: impl FnOnce() -> Result<T, Box<dyn std::error::Error>>,
) -> Result<T, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let done = work()?;
    println!("{name:9} {:7.3} s   peak {}", start.elapsed().as_secs_f64(), peak_memory());
    Ok(done)
}

/// The process's peak so far, where Linux tells it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or("unknown".to_owned(), |peak| peak.trim().to_owned())
}
