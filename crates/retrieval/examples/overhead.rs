//! What the engine itself costs: six channels that do next to nothing, then six that return
//! 500 items each. `cargo run --release -p gannet-retrieval --example overhead`
#![allow(clippy::print_stdout)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use support::{Behaviour, World, of_user};

const REQUESTS: usize = 4_000;

fn main() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let channels: Vec<(&str, Behaviour)> =
        names.iter().map(|name| (*name, Behaviour::Sound)).collect();
    for (fetch_k, handover) in [(1, 1), (50, 100), (500, 500)] {
        let plan = format!("handover = {handover}\ndeadline_ms = 1000");
        measure(&World::of_size(&channels, &plan, fetch_k, 20_000), fetch_k, handover);
    }
}

fn measure(world: &World, fetch_k: usize, handover: usize) {
    let mut whole_us = Vec::with_capacity(REQUESTS);
    let mut stages: Vec<(&'static str, Vec<u64>)> = Vec::new();
    for at in 0..REQUESTS {
        let request = world.engine.admit(of_user(at as u32 % 40)).expect("a sound request");
        let since = Instant::now();
        let retrieval = world.engine.retrieve(request);
        whole_us.push(since.elapsed().as_nanos() as u64 / 100);
        assert!(!retrieval.report.degraded && retrieval.candidates.len() == handover);
        for (place, stage) in retrieval.report.stages.iter().enumerate() {
            if stages.len() == place {
                stages.push((stage.stage.as_str(), Vec::new()));
            }
            stages[place].1.push(stage.took_us);
        }
    }
    whole_us.sort_unstable();
    let at = |share: f64| whole_us[(share * (REQUESTS - 1) as f64) as usize] as f64 / 10.0;
    println!("6 channels x {fetch_k} items, {handover} handed over: ");
    println!("  whole: p50 {:.1} us, p90 {:.1} us, p99 {:.1} us", at(0.5), at(0.9), at(0.99));
    for (stage, times) in &mut stages {
        times.sort_unstable();
        println!(
            "  {stage}: p50 {} us, p99 {} us",
            times[REQUESTS / 2],
            times[REQUESTS * 99 / 100]
        );
    }
}
