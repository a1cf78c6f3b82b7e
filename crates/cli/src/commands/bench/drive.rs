//! Clients that send requests, one after the other or by a schedule.
//!
//! By a schedule, a request's latency counts from when it was due, not from when a client was free
//! to send it: the wait behind slow ones is part of it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::times::Recorder;

/// How long after the last arrival a backlog may take, as a share of the schedule: what is left
/// then is counted as not served, with the time that it has waited.
const GRACE: u64 = 1;

/// Which requests are sent when.
#[derive(Debug, Clone, Copy)]
pub(super) enum Timing<'a> {
    /// So many, each when a client is free.
    Closed(usize),
    /// One at each of these nanoseconds from the start, rising.
    Open(&'a [u64]),
}

/// Time as clients see it.
pub(super) trait Pace: Sync {
    /// Nanoseconds since some start.
    fn now(&self) -> u64;
    /// Returns when that many have passed.
    fn wait_until(&self, at: u64);
}

/// The machine's own time. Waiting sleeps: on one core a spinning client would take the time of
/// the workers that it measures.
pub(super) struct WallPace {
    start: Instant,
}

/// What came of all requests.
#[derive(Debug)]
pub(super) struct Driven<T> {
    /// From when each was due, or sent where there is no schedule.
    pub(super) latency: Recorder,
    pub(super) wall_seconds: f64,
    pub(super) served: usize,
    pub(super) unserved: usize,
    /// One of each client.
    pub(super) tallies: Vec<T>,
}

impl WallPace {
    pub(super) fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Pace for WallPace {
    fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    fn wait_until(&self, at: u64) {
        let left = at.saturating_sub(self.now());
        if left > 0 {
            std::thread::sleep(Duration::from_nanos(left));
        }
    }
}

/// Sends every request from `clients` threads. `serve` answers the request of a number and keeps
/// account in the client's own tally; its first error ends all clients.
pub(super) fn drive<T: Send>(
    timing: Timing<'_>,
    clients: usize,
    pace: &impl Pace,
    tally: impl Fn() -> Result<T> + Sync,
    serve: impl Fn(usize, &mut T) -> Result<()> + Sync,
) -> Result<Driven<T>> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let start = pace.now();
    let client = || -> Result<(Recorder, usize, usize, T)> {
        sharpen_sleep();
        let (mut latency, mut tally) = (Recorder::new()?, tally()?);
        let (mut served, mut unserved) = (0, 0);
        while !stop.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let since = match timing {
                Timing::Closed(count) if at >= count => break,
                Timing::Closed(_) => pace.now(),
                Timing::Open(due) => {
                    let Some(due_at) = due.get(at) else { break };
                    let (due_at, last) = (start + due_at, due.last().copied().unwrap_or(0));
                    let overdue = start + last + last * GRACE + 1_000_000;
                    if pace.now() > overdue {
                        latency.record(pace.now() - due_at);
                        unserved += 1;
                        continue;
                    }
                    pace.wait_until(due_at);
                    due_at
                }
            };
            let answered = serve(at, &mut tally);
            if answered.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            answered?;
            latency.record(pace.now().saturating_sub(since));
            served += 1;
        }
        Ok((latency, served, unserved, tally))
    };
    let parts = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients.max(1)).map(|_| scope.spawn(client)).collect();
        let join = |one: std::thread::ScopedJoinHandle<'_, Result<_>>| {
            one.join().unwrap_or_else(|_| Err(anyhow!("a client panicked")))
        };
        clients.into_iter().map(join).collect::<Result<Vec<_>>>()
    })?;
    let wall_seconds = pace.now().saturating_sub(start) as f64 / 1e9;
    let (mut latency, mut tallies) = (Recorder::new()?, Vec::new());
    let (mut served, mut unserved) = (0, 0);
    for (part, of_client, left, tally) in parts {
        latency.add(&part)?;
        served += of_client;
        unserved += left;
        tallies.push(tally);
    }
    Ok(Driven { latency, wall_seconds, served, unserved, tallies })
}

/// Linux wakes a sleeper up to 50 microseconds late unless the thread asks for better; elsewhere,
/// or where it is not allowed, that time is part of what is measured.
fn sharpen_sleep() {
    let thread = std::fs::read_link("/proc/thread-self").ok();
    if let Some(id) = thread.as_deref().and_then(|path| path.file_name()) {
        let file = std::path::Path::new("/proc").join(id).join("timerslack_ns");
        let _ = std::fs::write(file, "1");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    /// Time that passes only while somebody waits or works.
    struct ManualPace(AtomicU64);

    impl Pace for ManualPace {
        fn now(&self) -> u64 {
            self.0.load(Ordering::SeqCst)
        }

        fn wait_until(&self, at: u64) {
            self.0.fetch_max(at, Ordering::SeqCst);
        }
    }

    const MS: u64 = 1_000_000;

    #[test]
    fn latency_counts_from_the_schedule_and_not_from_when_a_client_was_free() {
        let pace = ManualPace(AtomicU64::new(5));
        let due: Vec<u64> = (0..200).map(|at| at * MS).collect();
        let work = |at: usize, _: &mut ()| {
            // One request of 50 ms, the others of 1 microsecond.
            pace.0.fetch_add(if at == 10 { 50 * MS } else { 1_000 }, Ordering::SeqCst);
            Ok(())
        };
        let open = drive(Timing::Open(&due), 1, &pace, || Ok(()), work).unwrap();
        // The 49 that came meanwhile waited 49, 48, ... ms: a quarter of 200 is late.
        let times = open.latency.times("x");
        assert_eq!((times.count, open.served, open.unserved), (200, 200, 0));
        assert!(times.p99_us > 48_000.0, "{times:?}");
        assert!(times.mean_us > 6_000.0, "{times:?}");
        // The closed loop does not see it: this is what a schedule is for.
        let closed = drive(Timing::Closed(200), 1, &pace, || Ok(()), work).unwrap();
        assert!(closed.latency.times("x").p99_us < 2.0);
    }

    #[test]
    fn a_backlog_that_never_ends_is_given_up_and_counted() {
        let pace = ManualPace(AtomicU64::new(0));
        let due: Vec<u64> = (0..1_000).map(|at| at * MS).collect();
        let slow = |_: usize, _: &mut ()| {
            pace.0.fetch_add(10 * MS, Ordering::SeqCst);
            Ok(())
        };
        let driven = drive(Timing::Open(&due), 1, &pace, || Ok(()), slow).unwrap();
        assert_eq!(driven.served + driven.unserved, 1_000);
        assert!((195..=205).contains(&driven.served), "{}", driven.served);
        assert!(driven.latency.times("x").p99_us > 1e6);
    }

    #[test]
    fn every_request_is_sent_once_by_one_of_the_clients_and_an_error_ends_all() {
        let seen = std::sync::Mutex::new(Vec::new());
        let serve = |at: usize, count: &mut usize| {
            seen.lock().expect("no panic").push(at);
            *count += 1;
            Ok(())
        };
        let driven = drive(Timing::Closed(500), 3, &WallPace::new(), || Ok(0), serve).unwrap();
        assert_eq!(driven.tallies.iter().sum::<usize>(), 500);
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..500));
        let fail = |at: usize, _: &mut ()| if at < 3 { Ok(()) } else { Err(anyhow!("broken")) };
        let failed = drive(Timing::Closed(usize::MAX), 2, &WallPace::new(), || Ok(()), fail);
        assert!(failed.unwrap_err().to_string().contains("broken"));
    }
}
