//! Looks at the deadline often enough to keep it and seldom enough to be free.

use crate::Deadline;

/// Steps between two readings of the clock: a step is a few nanoseconds, a reading about 30.
const STEPS_BETWEEN_READINGS: usize = 2048;

/// Counts a channel's steps against its deadline. Once the time is up, it stays up.
pub(super) struct Watch<'a> {
    deadline: &'a Deadline,
    steps_left: usize,
    past: bool,
}

impl<'a> Watch<'a> {
    /// Its first question reads the clock: a channel that starts late does nothing.
    pub(super) fn new(deadline: &'a Deadline) -> Self {
        Self { deadline, steps_left: 0, past: false }
    }

    /// Whether time is up, asked before `steps` more steps.
    #[inline]
    pub(super) fn is_past(&mut self, steps: usize) -> bool {
        if self.steps_left > steps {
            self.steps_left -= steps;
            return self.past;
        }
        self.past = self.past || self.deadline.is_past();
        self.steps_left = STEPS_BETWEEN_READINGS;
        self.past
    }

    /// Whether some answer of [`Watch::is_past`] was yes.
    pub(super) fn was_past(&self) -> bool {
        self.past
    }
}
