//! When requests are due: a schedule made before the first is sent.
//!
//! A client that waits for an answer before it asks again asks less often when answers are slow,
//! and so measures least where it hurts most (coordinated omission: Gil Tene, "How NOT to Measure
//! Latency", 2013; wrk2 corrects it in this way). Users do not wait for one another.

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::draw::Draw;

/// The most requests of one schedule: 8 bytes each.
const REQUESTS_MAX: f64 = 20e6;

/// The highest rate, in requests a second: one each 100 ns.
const RATE_MAX: f64 = 1e7;

/// How requests follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arrivals {
    /// As from many users who know nothing of each other: exponential gaps.
    Poisson,
    /// Equal gaps.
    Constant,
}

/// When each request is due, in nanoseconds from the start, rising.
pub(super) fn schedule(arrivals: Arrivals, rate: f64, seconds: f64, seed: u64) -> Result<Vec<u64>> {
    if !(rate > 0.0 && rate <= RATE_MAX) {
        bail!("--rate: expected more than 0 and at most {RATE_MAX} requests a second, not {rate}");
    }
    if !(seconds > 0.0 && seconds <= 86_400.0) {
        bail!("--seconds: expected more than 0 and at most a day, not {seconds}");
    }
    if rate * seconds > REQUESTS_MAX {
        bail!(
            "--rate times --seconds: expected at most {REQUESTS_MAX} requests, these are {}",
            rate * seconds
        );
    }
    let gap = 1e9 / rate;
    let end = seconds * 1e9;
    let mut random = Draw::new(seed);
    let mut due = Vec::with_capacity((rate * seconds) as usize + 1);
    let mut at = 0.0f64;
    while at < end || due.is_empty() {
        due.push(at as u64);
        at += match arrivals {
            Arrivals::Constant => gap,
            Arrivals::Poisson => gap * random.exponential(),
        };
    }
    Ok(due)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_arrivals_have_equal_gaps() {
        let due = schedule(Arrivals::Constant, 1_000.0, 0.005, 1).unwrap();
        assert_eq!(due, [0, 1_000_000, 2_000_000, 3_000_000, 4_000_000]);
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_spread_of_independent_users() {
        let due = schedule(Arrivals::Poisson, 10_000.0, 20.0, 7).unwrap();
        assert_eq!(due, schedule(Arrivals::Poisson, 10_000.0, 20.0, 7).unwrap());
        assert!((due.len() as f64 - 200_000.0).abs() < 2_000.0, "{}", due.len());
        assert!(due.is_sorted());
        // A Poisson process: as many arrivals a millisecond vary as there are (mean 10).
        let mut counts = vec![0f64; 20_000];
        due.iter().for_each(|at| counts[(*at / 1_000_000) as usize] += 1.0);
        let mean = counts.iter().sum::<f64>() / counts.len() as f64;
        let spread = counts.iter().map(|one| (one - mean).powi(2)).sum::<f64>();
        let ratio = spread / counts.len() as f64 / mean;
        assert!((ratio - 1.0).abs() < 0.05, "variance over mean is {ratio}");
    }

    #[test]
    fn impossible_schedules_are_refused_by_name() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e8] {
            let why = schedule(Arrivals::Poisson, rate, 1.0, 1).unwrap_err().to_string();
            assert!(why.starts_with("--rate"), "{why}");
        }
        for seconds in [0.0, -1.0, f64::NAN, 1e9] {
            let why = schedule(Arrivals::Poisson, 1.0, seconds, 1).unwrap_err().to_string();
            assert!(why.starts_with("--seconds"), "{why}");
        }
        assert!(schedule(Arrivals::Constant, 1e6, 1e3, 1).is_err(), "a billion requests");
    }
}
