//! Times of one thing over many requests, kept as a histogram: exact to a thousandth at any load.

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::Serialize;

/// Longest time that is told apart from longer ones: an hour, in nanoseconds.
const NANOSECONDS_MAX: u64 = 3_600_000_000_000;

/// Significant decimal digits that a histogram keeps.
const DIGITS: u8 = 3;

/// Collects times; each client has its own and they are added at the end.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    histogram: Histogram<u64>,
}

/// Times of one thing over all requests, in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Times {
    pub(super) name: String,
    pub(super) count: u64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    pub(super) mean_us: f64,
    pub(super) max_us: f64,
}

impl Recorder {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { histogram: Histogram::new_with_bounds(1, NANOSECONDS_MAX, DIGITS)? })
    }

    pub(super) fn record(&mut self, nanoseconds: u64) {
        self.histogram.saturating_record(nanoseconds);
    }

    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        Ok(self.histogram.add(&other.histogram)?)
    }

    /// Percentiles are nearest ranks: the time that this share of the requests did not exceed.
    pub(super) fn times(&self, name: &str) -> Times {
        let us = |nanoseconds: u64| nanoseconds as f64 / 1e3;
        // A histogram's value is the upper end of its bucket; no time was longer than the longest.
        let at = |share: f64| match self.histogram.len() {
            0 => 0.0,
            _ => us(self.histogram.value_at_quantile(share).min(self.histogram.max())),
        };
        Times {
            name: name.to_owned(),
            count: self.histogram.len(),
            p50_us: at(0.5),
            p99_us: at(0.99),
            p999_us: at(0.999),
            mean_us: self.histogram.mean() / 1e3,
            max_us: at(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn recorder(samples: &[u64]) -> Recorder {
        let mut recorder = Recorder::new().expect("sound bounds");
        samples.iter().for_each(|sample| recorder.record(*sample));
        recorder
    }

    proptest! {
        #[test]
        fn percentiles_are_the_nearest_ranks_to_a_thousandth(
            mut samples in prop::collection::vec(1u64..100_000_000, 1..400),
            parts in 1usize..4,
        ) {
            let mut all = Recorder::new().expect("sound bounds");
            for part in samples.chunks(samples.len().div_ceil(parts)) {
                all.add(&recorder(part)).expect("the same bounds");
            }
            let times = all.times("x");
            samples.sort_unstable();
            for (share, got) in
                [(0.5, times.p50_us), (0.99, times.p99_us), (0.999, times.p999_us)]
            {
                let rank = (samples.len() as f64 * share).ceil() as usize;
                let exact = samples[rank - 1] as f64 / 1e3;
                let far = (got - exact).abs();
                prop_assert!(far <= exact * 1.1e-3 + 1e-3, "{share}: {got}, {exact}");
            }
            prop_assert_eq!(times.count, samples.len() as u64);
        }
    }

    #[test]
    fn nothing_recorded_is_zero_and_a_day_counts_as_the_longest() {
        let none = recorder(&[]).times("x");
        assert_eq!((none.p50_us, none.p999_us, none.max_us, none.count), (0.0, 0.0, 0.0, 0));
        let day = recorder(&[86_400_000_000_000]).times("x");
        assert!(day.max_us > 3.59e9, "{}", day.max_us);
    }
}
