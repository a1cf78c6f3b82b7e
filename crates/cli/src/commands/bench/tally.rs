//! What one client's requests cost, stage by stage and channel by channel.

use anyhow::Result;
use gannet_retrieval::Retrieval;

use super::times::{Recorder, Times};

/// One client's account; added up at the end.
#[derive(Debug)]
pub(super) struct Tally {
    /// Inside the engine, from start to answer.
    service: Recorder,
    stages: Vec<(&'static str, Recorder)>,
    channels: Vec<(String, Recorder)>,
    pub(super) requests: u64,
    pub(super) candidates: u64,
    pub(super) degraded: u64,
}

impl Tally {
    pub(super) fn new() -> Result<Self> {
        let service = Recorder::new()?;
        let (stages, channels) = (Vec::new(), Vec::new());
        Ok(Self { service, stages, channels, requests: 0, candidates: 0, degraded: 0 })
    }

    pub(super) fn take(&mut self, answer: &Retrieval) -> Result<()> {
        let report = &answer.report;
        self.service.record(report.total_us * 1_000);
        for (at, stage) in report.stages.iter().enumerate() {
            if at == self.stages.len() {
                self.stages.push((stage.stage.as_str(), Recorder::new()?));
            }
            self.stages[at].1.record(stage.took_us * 1_000);
        }
        for (at, channel) in report.channels.iter().enumerate() {
            if at == self.channels.len() {
                self.channels.push((channel.channel.to_string(), Recorder::new()?));
            }
            self.channels[at].1.record(channel.run_us * 1_000);
        }
        self.requests += 1;
        self.candidates += answer.candidates.len() as u64;
        self.degraded += u64::from(report.degraded);
        Ok(())
    }

    /// Both together. All requests are of one scene, so that stages and channels agree; a client
    /// that sent none has none.
    pub(super) fn with(mut self, other: Self) -> Result<Self> {
        self.service.add(&other.service)?;
        add_named(&mut self.stages, other.stages)?;
        add_named(&mut self.channels, other.channels)?;
        self.requests += other.requests;
        self.candidates += other.candidates;
        self.degraded += other.degraded;
        Ok(self)
    }

    pub(super) fn service(&self) -> Times {
        self.service.times("total")
    }

    pub(super) fn stages(&self) -> Vec<Times> {
        self.stages.iter().map(|(name, recorder)| recorder.times(name)).collect()
    }

    pub(super) fn channels(&self) -> Vec<Times> {
        self.channels.iter().map(|(name, recorder)| recorder.times(name)).collect()
    }
}

fn add_named<N: PartialEq>(
    ours: &mut Vec<(N, Recorder)>,
    theirs: Vec<(N, Recorder)>,
) -> Result<()> {
    for (name, recorder) in theirs {
        match ours.iter_mut().find(|one| one.0 == name) {
            Some((_, own)) => own.add(&recorder)?,
            None => ours.push((name, recorder)),
        }
    }
    Ok(())
}
