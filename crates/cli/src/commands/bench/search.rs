//! The highest rate whose p99 stays under a target: a ladder of loads, then halving.

use anyhow::Result;
use serde::Serialize;

use super::times::Times;

/// Shares of the closed loop's throughput that are tried first; they are the points of the curve.
/// A queue's wait grows as 1 / (1 - load), so they lie closer the higher they are.
const LADDER: [f64; 6] = [0.2, 0.4, 0.6, 0.75, 0.85, 0.95];

/// Steps of halving between the last rate that held and the first that did not: an eighth of their
/// distance is left, which is about what two runs of one rate differ by.
const HALVINGS: usize = 3;

/// What was measured at one rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct RatePoint {
    /// Requests a second that were due.
    pub(super) rate: f64,
    /// Requests a second that were answered.
    pub(super) served_rate: f64,
    pub(super) unserved: usize,
    pub(super) degraded: u64,
    pub(super) latency: Times,
}

impl RatePoint {
    /// Everything was answered, whole, and 99 of 100 in time.
    pub(super) fn holds(&self, p99_us: f64) -> bool {
        let requests = self.latency.count as f64;
        self.unserved == 0
            && self.degraded as f64 <= requests * 0.01
            && self.latency.p99_us <= p99_us
    }
}

/// Points in order of rate, and the best that held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Search {
    pub(super) p99_us_max: f64,
    /// 0 where even the lowest rate did not hold.
    pub(super) rate: f64,
    pub(super) points: Vec<RatePoint>,
}

/// Searches below `throughput`, what the closed loop did in a second. `at` measures one rate.
pub(super) fn search(
    throughput: f64,
    p99_us_max: f64,
    mut at: impl FnMut(f64) -> Result<RatePoint>,
) -> Result<Search> {
    let mut points = Vec::new();
    let (mut low, mut high) = (0.0, None);
    for share in LADDER {
        let point = at(throughput * share)?;
        let (rate, holds) = (point.rate, point.holds(p99_us_max));
        points.push(point);
        match holds {
            true => low = rate,
            false => {
                high = Some(rate);
                break;
            }
        }
    }
    // Where the whole ladder held, the loop's own throughput bounds what can.
    let mut high = high.unwrap_or(throughput * 1.05);
    for _ in 0..HALVINGS {
        let point = at(f64::midpoint(low, high))?;
        match point.holds(p99_us_max) {
            true => low = point.rate,
            false => high = point.rate,
        }
        points.push(point);
    }
    points.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    Ok(Search { p99_us_max, rate: low, points })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(rate: f64, p99_us: f64) -> RatePoint {
        let latency = Times { count: 1_000, p99_us, ..Times::default() };
        RatePoint { rate, served_rate: rate, unserved: 0, degraded: 0, latency }
    }

    #[test]
    fn finds_the_edge_of_a_queue_to_an_eighth_of_a_rung() {
        // A queue of rate 1000: the wait grows as 1 / (1 - load); 10 ms are reached at 900.
        let queue = |rate: f64| Ok(point(rate, 1_000.0 / (1.0 - (rate / 1_000.0).min(0.9999))));
        let found = search(1_000.0, 10_000.0, queue).unwrap();
        assert!((880.0..=900.0).contains(&found.rate), "{}", found.rate);
        assert!(found.points.is_sorted_by(|a, b| a.rate <= b.rate));
        let easy = search(1_000.0, 1e9, queue).unwrap();
        assert!(easy.rate > 1_000.0);
        let hopeless = search(1_000.0, 1.0, queue).unwrap();
        assert_eq!(hopeless.rate, 0.0);
    }

    #[test]
    fn what_is_left_unserved_or_degraded_does_not_hold() {
        assert!(point(1.0, 5.0).holds(5.0) && !point(1.0, 5.1).holds(5.0));
        assert!(!RatePoint { unserved: 1, ..point(1.0, 1.0) }.holds(5.0));
        assert!(!RatePoint { degraded: 11, ..point(1.0, 1.0) }.holds(5.0));
        assert!(RatePoint { degraded: 10, ..point(1.0, 1.0) }.holds(5.0));
    }
}
