//! A channel's calls that were left behind and have not returned, and when they make it stuck.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Calls that may be overdue at once, for a moment each, before their channel counts as stuck:
/// each of them holds a thread.
const OVERDUE_MAX: usize = 2;

/// One call that comes a millisecond late must not take the channel from every other request. So
/// an overdue call is excused for a time, and only one past it, or too many at once, say stuck.
#[derive(Debug, Default)]
pub(crate) struct Overdue {
    /// By call: until when it is excused, on the clock's own scale.
    excused_until: Mutex<Vec<Duration>>,
}

impl Overdue {
    /// Notes a call as left behind.
    pub(crate) fn add(&self, excused_until: Duration) {
        self.lock().push(excused_until);
    }

    /// A call that was left behind has returned.
    pub(crate) fn remove(&self, excused_until: Duration) {
        let mut calls = self.lock();
        if let Some(at) = calls.iter().position(|call| *call == excused_until) {
            calls.swap_remove(at);
        }
    }

    /// Whether the channel is to be skipped at this moment.
    pub(crate) fn is_stuck(&self, now: Duration) -> bool {
        let calls = self.lock();
        calls.len() > OVERDUE_MAX || calls.iter().any(|excused_until| now >= *excused_until)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Duration>> {
        self.excused_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_call_that_is_a_little_late_does_not_take_the_channel_from_others() {
        let overdue = Overdue::default();
        overdue.add(ms(100));
        assert!(!overdue.is_stuck(ms(51)));
        overdue.remove(ms(100));
        assert!(!overdue.is_stuck(ms(500)));
    }

    #[test]
    fn one_call_past_its_excuse_or_many_at_once_are_stuck_until_they_return() {
        let overdue = Overdue::default();
        overdue.add(ms(100));
        overdue.add(ms(110));
        assert!(!overdue.is_stuck(ms(99)));
        assert!(overdue.is_stuck(ms(100)));
        overdue.add(ms(120));
        assert!(overdue.is_stuck(ms(60)));
        overdue.remove(ms(100));
        assert!(!overdue.is_stuck(ms(60)));
        assert!(overdue.is_stuck(ms(115)));
    }
}
