//! What benches of the request path share: made-up data, a clock that runs, and percentiles.

use std::io::Write;
use std::time::{Duration, Instant};

use gannet_core::{Clock, Timestamp};

/// Splitmix64: enough for made-up data.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// From 0 to 1.
    pub(crate) fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Below `count`; low numbers are common: with a power of 3 the first of five million is 0.6 %
    /// of all.
    pub(crate) fn skewed(&mut self, count: usize, power: i32) -> u32 {
        ((self.unit().powi(power) * count as f32) as u32).min(count as u32 - 1)
    }
}

/// Its day stands still; time runs.
pub(crate) struct SystemClock {
    pub(crate) started: Instant,
    pub(crate) now: Timestamp,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A line on standard output.
pub(crate) fn say(text: &str) {
    writeln!(std::io::stdout(), "{text}").expect("stdout");
}

/// Puts the times in order and says their median and their 99th percentile.
pub(crate) fn print_percentiles(name: &str, times_us: &mut [f64]) {
    times_us.sort_by(f64::total_cmp);
    let at = |share: f64| times_us[((times_us.len() - 1) as f64 * share) as usize];
    say(&format!("{name:<24} p50 {:8.1} us   p99 {:8.1} us", at(0.5), at(0.99)));
}
