//! What the operator reads in the log: why a channel did not go through, in words that clients
//! never see.
//!
//! A fault in every request would be thousands of lines a second, so the first of a kind is told
//! at once and the next ones with their number at most every ten seconds. Metrics count them all.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gannet_core::Clock;
use gannet_retrieval::{ChannelReport, ChannelStatus, Report};

/// The shortest time between two notices of one kind.
const SILENCE: Duration = Duration::from_secs(10);

pub(crate) struct Notices {
    clock: Arc<dyn Clock>,
    /// By channel and kind, both from closed lists.
    told: Mutex<BTreeMap<(String, &'static str), Told>>,
}

struct Told {
    at: Duration,
    untold: u64,
}

impl Notices {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, told: Mutex::default() }
    }

    /// Tells of every channel of an answer that has to be looked at.
    pub(crate) fn tell(&self, report: &Report) {
        report.channels.iter().for_each(|channel| self.tell_channel(channel));
    }

    fn tell_channel(&self, report: &ChannelReport) {
        let channel = report.channel.as_str();
        let faults = report.faults.total();
        if faults > 0
            && let Some(untold) = self.due(channel, "mended")
        {
            let faults = report.faults;
            tracing::warn!(channel, ?faults, untold, "a channel's list had to be mended");
        }
        let reason = match &report.status {
            // A partial list is a matter of tuning, which metrics show.
            ChannelStatus::Complete | ChannelStatus::Partial | ChannelStatus::Disabled => return,
            ChannelStatus::Late => "its deadline passed",
            ChannelStatus::Panicked(reason)
            | ChannelStatus::Failed(reason)
            | ChannelStatus::Skipped(reason) => reason,
        };
        let status = report.status.as_str();
        let Some(untold) = self.due(channel, status) else { return };
        if let ChannelStatus::Panicked(_) = report.status {
            tracing::error!(channel, status, reason, untold, "a channel panicked");
        } else {
            tracing::warn!(channel, status, reason, untold, "a channel did not go through");
        }
    }

    /// How many of this kind went untold since the last notice; `None` while it is too early.
    fn due(&self, channel: &str, kind: &'static str) -> Option<u64> {
        let now = self.clock.elapsed();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = told.get_mut(&(channel.to_owned(), kind)) else {
            told.insert((channel.to_owned(), kind), Told { at: now, untold: 0 });
            return Some(0);
        };
        if now.saturating_sub(last.at) < SILENCE {
            last.untold += 1;
            return None;
        }
        last.at = now;
        Some(std::mem::take(&mut last.untold))
    }
}

/// Tells of a panic outside the channels, which is a bug and cost a request.
pub(crate) fn tell_panic(panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(reason = text.unwrap_or("a panic without a text"), "a request panicked");
}

#[cfg(test)]
mod tests {
    use super::*;
    use gannet_core::Timestamp;

    #[derive(Default)]
    struct HandClock(Mutex<Duration>);

    impl Clock for HandClock {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        fn elapsed(&self) -> Duration {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn a_fault_in_every_request_is_told_once_in_ten_seconds_with_its_number() {
        let clock = Arc::new(HandClock::default());
        let notices = Notices::new(clock.clone());
        assert_eq!(notices.due("item_cf", "panicked"), Some(0));
        assert_eq!(notices.due("item_cf", "panicked"), None);
        assert_eq!(notices.due("item_cf", "late"), Some(0), "of another kind");
        assert_eq!(notices.due("popular", "panicked"), Some(0), "of another channel");
        assert_eq!(notices.due("item_cf", "panicked"), None);
        *clock.0.lock().unwrap() = SILENCE;
        assert_eq!(notices.due("item_cf", "panicked"), Some(2));
        assert_eq!(notices.due("item_cf", "panicked"), None);
    }
}
