//! `gannet simulate`: a made-up catalogue with users and events, as Parquet.

use std::time::Instant;

use anyhow::{Context, Result};
use gannet_dataset::{SimulationOptions, write_simulation};
use serde_json::json;

use crate::app::App;
use crate::args::SimulateArgs;
use crate::memory;
use crate::output::{grouped, print, print_json};

pub(crate) fn run(app: &App, args: &SimulateArgs) -> Result<()> {
    let options = SimulationOptions {
        user_count: args.users,
        item_count: args.items,
        event_count: args.events,
        days: args.days,
        seed: args.seed,
        ..SimulationOptions::default()
    };
    let start = Instant::now();
    let written = write_simulation(&options, &args.out, &app.progress)
        .with_context(|| format!("cannot simulate into {}", args.out.display()))?;
    let seconds = start.elapsed().as_secs_f64();
    if app.json {
        return print_json(&json!({
            "folder": args.out,
            "items": written.items,
            "users": written.users,
            "events": written.events,
            "bytes": written.bytes,
            "seconds": seconds,
            "peak_memory_bytes": memory::peak_bytes(),
        }));
    }
    let folder = args.out.display();
    print(&format!(
        "{} events of {} users on {} items: {} MB in {folder} ({seconds:.1} s)\n\
         next: gannet ingest NAME --format parquet --path {folder} --config {folder}/gannet.toml",
        grouped(written.events as usize),
        grouped(written.users as usize),
        grouped(written.items as usize),
        grouped((written.bytes / 1_000_000) as usize),
    ))
}
