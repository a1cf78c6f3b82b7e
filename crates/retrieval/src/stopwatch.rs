//! How long each stage of one request takes.

use std::sync::Arc;
use std::time::Duration;

use gannet_core::{Clock, Stage};

use crate::{Deadline, StageReport};

/// Runs from the arrival of a request to its answer.
pub(crate) struct Stopwatch {
    clock: Arc<dyn Clock>,
    started: Duration,
    stages: Vec<StageReport>,
}

impl Stopwatch {
    pub(crate) fn start(clock: Arc<dyn Clock>) -> Self {
        let started = clock.elapsed();
        Self { clock, started, stages: Vec::with_capacity(Stage::ALL.len()) }
    }

    /// Does the work of a stage and notes its time.
    pub(crate) fn time<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let before = self.clock.elapsed();
        let result = work();
        let took_us = self.clock.elapsed().saturating_sub(before).as_micros() as u64;
        self.stages.push(StageReport { stage, took_us });
        result
    }

    /// A deadline that is `after` from the start.
    pub(crate) fn deadline(&self, after: Duration) -> Deadline {
        let passed = self.clock.elapsed().saturating_sub(self.started);
        Deadline::after(self.clock.clone(), after.saturating_sub(passed))
    }

    /// The stages so far and the whole in microseconds.
    pub(crate) fn read(self) -> (Vec<StageReport>, u64) {
        let whole = self.clock.elapsed().saturating_sub(self.started);
        (self.stages, whole.as_micros() as u64)
    }
}
