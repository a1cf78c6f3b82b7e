//! The machine's clock, handed to everything that must not read one itself.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gannet_core::{Clock, Timestamp};

/// Wall time and a monotonic time since its making.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock {
    start: Instant,
    /// Milliseconds that wall time is told too late or, negative, too early.
    shift_ms: i64,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), shift_ms: 0 }
    }

    /// The same going on from `now`: a measurement on data of last year runs as on their last day.
    pub(crate) fn from(now: Timestamp) -> Self {
        let clock = Self::new();
        Self { shift_ms: now.0.saturating_sub(clock.now().0), ..clock }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is a broken one; ages are then measured from 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Timestamp(wall.saturating_add(self.shift_ms))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_clock_goes_on_from_its_moment() {
        let clock = SystemClock::from(Timestamp(1_000));
        assert!((1_000..61_000).contains(&clock.now().0));
        assert!(SystemClock::new().now().0 > 1_700_000_000_000);
    }
}
