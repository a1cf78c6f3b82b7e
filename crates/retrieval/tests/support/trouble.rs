//! What a channel that hangs costs the requests beside it: how long they take, whether the answers
//! say so, and whether threads and memory come back.

use std::time::Instant;

use gannet_retrieval::ChannelStatus;

use super::{Behaviour, World, of_user};

/// The deadline of every request.
pub(crate) const DEADLINE_MS: f64 = 5.0;

/// The channel that hangs, beside three sound ones.
const HANGING: &str = "hanging";

/// What requests beside a hanging channel came to.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) requests: usize,
    /// Answers that said that something is missing.
    pub(crate) flagged: usize,
    /// Requests that waited for the channel and left it behind; it was skipped by the others.
    pub(crate) waited: usize,
    /// Rising.
    pub(crate) took_ms: Vec<f64>,
    pub(crate) threads: Usage,
    pub(crate) resident_kib: Usage,
    /// Whether the engine has its own threads back, and none is inside a call.
    pub(crate) settled: bool,
}

/// Before the first request, at the most between two of them, and after the channel returned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) before: u64,
    pub(crate) most: u64,
    pub(crate) after: u64,
}

/// Every request waits: the channel returns, but after the answer has left. Its thread is awaited
/// outside the time that is measured, so that no request finds the channel stuck.
pub(crate) fn returns_late(requests: usize) -> Trouble {
    suffer(Behaviour::Outlasts, requests, |world| {
        world.settles();
    })
}

/// The first requests wait, then the channel is known to be stuck.
pub(crate) fn never_returns(requests: usize) -> Trouble {
    suffer(Behaviour::Stuck, requests, |_| ())
}

fn suffer(behaviour: Behaviour, requests: usize, between: impl Fn(&World)) -> Trouble {
    let sound = ["a", "b", "c"].map(|name| (name, Behaviour::Sound));
    let channels = [&sound[..], &[(HANGING, behaviour)]].concat();
    let plan = format!("handover = 100\ndeadline_ms = {DEADLINE_MS}");
    let world = World::of_size(&channels, &plan, 100, 20_000);
    let mut took_ms = Vec::with_capacity(requests);
    let (mut flagged, mut waited) = (0, 0);
    let mut threads = Usage::now(thread_count(&world));
    let mut resident = Usage::now(resident_kib());
    for at in 0..requests {
        let request = world.engine.admit(of_user(at as u32 % 40)).expect("a sound request");
        let since = Instant::now();
        let retrieval = world.engine.retrieve(request);
        took_ms.push(since.elapsed().as_secs_f64() * 1e3);
        let report = &retrieval.report;
        let hanging = report.channels.iter().find(|one| one.channel.as_str() == HANGING);
        waited += usize::from(hanging.is_some_and(|one| one.status == ChannelStatus::Late));
        flagged += usize::from(report.degraded);
        threads.most = threads.most.max(thread_count(&world));
        // The system's account takes longer than a request.
        if at % 100 == 0 {
            resident.most = resident.most.max(resident_kib());
        }
        drop(retrieval);
        between(&world);
    }
    world.gate.open();
    let settled = world.settles();
    threads.after = thread_count(&world);
    resident.after = resident_kib();
    took_ms.sort_by(f64::total_cmp);
    Trouble { requests, flagged, waited, took_ms, threads, resident_kib: resident, settled }
}

impl Trouble {
    /// A number of requests as a share of all.
    pub(crate) fn share(&self, count: usize) -> f64 {
        count as f64 / self.requests as f64
    }

    /// The time within which that share of the requests was answered.
    pub(crate) fn took_ms_of(&self, share: f64) -> f64 {
        let rank = (self.took_ms.len() as f64 * share).ceil() as usize;
        self.took_ms[rank.max(1) - 1]
    }

    /// Answers that did not say what was missing, or threads that did not come back.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.flagged < self.requests {
            let silent = self.requests - self.flagged;
            faults.push(format!("{silent} of {} answers were not flagged", self.requests));
        }
        if !self.settled || self.threads.after > self.threads.before {
            faults.push(format!("threads did not come back: {:?}", self.threads));
        }
        faults
    }
}

impl Usage {
    const fn now(amount: u64) -> Self {
        Self { before: amount, most: amount, after: amount }
    }

    /// What has not come back.
    pub(crate) fn left(&self) -> u64 {
        self.after.saturating_sub(self.before)
    }
}

fn thread_count(world: &World) -> u64 {
    world.engine.thread_counts().0 as u64
}

/// Resident memory by the system's own account; 0 where it keeps none.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
