//! What a channel that never returns costs the others: 10,000 requests of a plan with a deadline
//! of 5 ms, one of whose four channels is stuck. Prints one JSON object.
//! `cargo run --release -p gannet-retrieval --example stuck [REQUESTS]`
#![allow(clippy::print_stdout)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use support::{Behaviour, World, of_user};

const DEADLINE_MS: f64 = 5.0;

fn main() {
    let requests = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let channels = [
        ("a", Behaviour::Sound),
        ("b", Behaviour::Sound),
        ("c", Behaviour::Sound),
        ("stuck", Behaviour::Stuck),
    ];
    let world = World::of_size(&channels, "handover = 100\ndeadline_ms = 5", 100, 20_000);
    let (threads_before, memory_before) = (world.engine.thread_counts().0, resident_kib());
    let (mut took_ms, mut flagged) = (Vec::with_capacity(requests), 0);
    let mut threads_most = threads_before;
    for at in 0..requests {
        let request = world.engine.admit(of_user(at as u32 % 40)).expect("a sound request");
        let since = Instant::now();
        let retrieval = world.engine.retrieve(request);
        took_ms.push(since.elapsed().as_secs_f64() * 1e3);
        flagged += usize::from(retrieval.report.degraded);
        threads_most = threads_most.max(world.engine.thread_counts().0);
    }
    let memory_during = resident_kib();
    world.gate.open();
    let settled = world.settles();
    std::thread::sleep(Duration::from_millis(50));
    took_ms.sort_by(f64::total_cmp);
    let p99 = took_ms[(took_ms.len() * 99).div_ceil(100).saturating_sub(1)];
    println!(
        "{{\"requests\": {requests}, \"deadline_ms\": {DEADLINE_MS}, \"p50_ms\": {:.3}, \
         \"p99_ms\": {p99:.3}, \"max_ms\": {:.3}, \"p99_over_deadline_ms\": {:.3}, \
         \"flagged_share\": {}, \"threads_before\": {threads_before}, \
         \"threads_most\": {threads_most}, \"threads_after\": {}, \"settled\": {settled}, \
         \"resident_kib_before\": {memory_before}, \"resident_kib_during\": {memory_during}, \
         \"resident_kib_after\": {}}}",
        took_ms[took_ms.len() / 2],
        took_ms[took_ms.len() - 1],
        (p99 - DEADLINE_MS).max(0.0),
        flagged as f64 / requests as f64,
        world.engine.thread_counts().0,
        resident_kib(),
    );
}

/// Resident memory by the system's own account; 0 where it keeps none.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
