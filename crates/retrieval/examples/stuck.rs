//! What a channel that hangs costs the others: 10,000 requests of a plan with a deadline of 5 ms,
//! one of whose four channels hangs. In the first half it returns when the answer has left, so
//! that every request waits for it; in the second it never returns, and is soon skipped. Prints one
//! JSON object; ends with 1 where an answer was not flagged or threads did not come back.
//! `cargo run --release -p gannet-retrieval --example stuck [REQUESTS]`
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use support::trouble::{DEADLINE_MS, Trouble, never_returns, returns_late};

/// Requests that must have waited in the phase in which all are meant to: else it shows nothing.
const WAITED_MIN: f64 = 0.9;

fn main() -> ExitCode {
    let requests = std::env::args().nth(1).map_or(Ok(10_000), |text| text.parse::<usize>());
    let Some(requests) = requests.ok().filter(|requests| *requests >= 2) else {
        eprintln!("the number of requests must be 2 or more");
        return ExitCode::FAILURE;
    };
    let late = returns_late(requests / 2);
    let stuck = never_returns(requests - requests / 2);
    let worst = |of: fn(&Trouble) -> f64| of(&late).max(of(&stuck));
    println!(
        "{{\"requests\": {requests}, \"deadline_ms\": {DEADLINE_MS}, \
         \"p99_over_deadline_ms\": {:.3}, \"flagged_share\": {}, \"threads_left\": {}, \
         \"resident_kib_left\": {}, \"phases\": [{}, {}]}}",
        worst(|phase| (phase.took_ms_of(0.99) - DEADLINE_MS).max(0.0)),
        late.share(late.flagged).min(stuck.share(stuck.flagged)),
        worst(|phase| phase.threads.left() as f64),
        worst(|phase| phase.resident_kib.left() as f64),
        phase("returns_late", &late),
        phase("never_returns", &stuck),
    );
    let mut faults = [late.faults(), stuck.faults()].concat();
    if late.share(late.waited) < WAITED_MIN {
        faults.push(format!("only {} of {} requests waited", late.waited, late.requests));
    }
    faults.iter().for_each(|fault| eprintln!("{fault}"));
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn phase(name: &str, phase: &Trouble) -> String {
    let (threads, memory) = (phase.threads, phase.resident_kib);
    format!(
        "{{\"name\": \"{name}\", \"requests\": {}, \"waited_share\": {}, \"p50_ms\": {:.3}, \
         \"p99_ms\": {:.3}, \"max_ms\": {:.3}, \"flagged_share\": {}, \
         \"threads_before\": {}, \"threads_most\": {}, \"threads_after\": {}, \
         \"resident_kib_before\": {}, \"resident_kib_most\": {}, \"resident_kib_after\": {}}}",
        phase.requests,
        phase.share(phase.waited),
        phase.took_ms_of(0.5),
        phase.took_ms_of(0.99),
        phase.took_ms_of(1.0),
        phase.share(phase.flagged),
        threads.before,
        threads.most,
        threads.after,
        memory.before,
        memory.most,
        memory.after,
    )
}
