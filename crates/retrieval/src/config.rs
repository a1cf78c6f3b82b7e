//! `[[channel]]`, `[[plan]]`, `[[scene]]`, `[[segment]]` and `[[experiment]]` as written in a
//! configuration file, and their checks.

mod plan;
mod scene;

use std::sync::Arc;
use std::time::Duration;

use gannet_core::{ChannelName, ModelName};
use gannet_models::MergeWeights;
use serde::Deserialize;

use crate::{ChannelSpec, Plan, Plans};

pub use plan::{PlanChannelConfig, PlanConfig, WeightSource};
pub use scene::{ArmConfig, ExperimentConfig, RuleConfig, SceneConfig, SegmentConfig, WhenConfig};

/// The most items that anything may be asked for: a giant k must not allocate.
pub(crate) const COUNT_MAX: usize = 100_000;

/// The longest deadline, in milliseconds.
const DEADLINE_MS_MAX: u64 = 600_000;

/// The name under which fallback items carry evidence: no channel may have it.
pub(crate) const FALLBACK: &str = "fallback";

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct ConfigError {
    /// The key at fault, as a path such as `plan.home.channel[2].fetch_k`.
    pub field: String,
    /// What was expected.
    pub why: String,
}

/// The retrieval part of a configuration, as written; checked when an engine is built on it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrievalConfig {
    /// `[[channel]]`: configured instances of kinds.
    #[serde(rename = "channel")]
    pub channels: Vec<ChannelConfig>,
    /// `[[plan]]`: what one request runs.
    #[serde(rename = "plan")]
    pub plans: Vec<PlanConfig>,
    /// `[[scene]]`: where candidates are asked for; the first is the default.
    #[serde(rename = "scene")]
    pub scenes: Vec<SceneConfig>,
    /// `[[segment]]`: groups of users, in the order in which they are tried.
    #[serde(rename = "segment")]
    pub segments: Vec<SegmentConfig>,
    /// `[[experiment]]`: at most one a scene.
    #[serde(rename = "experiment")]
    pub experiments: Vec<ExperimentConfig>,
}

/// A `[[channel]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ChannelConfig {
    /// The name that plans use.
    pub name: ChannelName,
    /// The kind, such as `item_cf`.
    pub kind: String,
    /// The model that it reads, where the kind needs one.
    #[serde(default)]
    pub model: Option<ModelName>,
    /// Whether the channel is left out where the snapshot does not have `model`, which must then
    /// be named; otherwise that is an error.
    #[serde(default)]
    pub optional: bool,
    /// Whether it runs at all. A reload sets it where it is written; where it is not, what the
    /// kill switch said stays.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Every other key: parameters, which the kind checks.
    #[serde(flatten)]
    pub parameters: toml::Table,
}

impl RetrievalConfig {
    /// Checks every key, with each plan's own weights.
    pub fn check(&self) -> Result<(Vec<ChannelSpec>, Plans), ConfigError> {
        self.check_with(&MergeWeights::default())
    }

    /// Checks every key. `learnt` replaces the weights of the plans that ask for it.
    pub fn check_with(
        &self,
        learnt: &MergeWeights,
    ) -> Result<(Vec<ChannelSpec>, Plans), ConfigError> {
        let specs = self.check_channels()?;
        let plans = self
            .plans
            .iter()
            .enumerate()
            .map(|(at, plan)| {
                let name = &plan.name;
                if self.plans[..at].iter().any(|earlier| earlier.name == *name) {
                    return refuse(format!("plan.{name}"), "the name is given twice");
                }
                plan.check(&specs, learnt)
            })
            .collect::<Result<Vec<Plan>, ConfigError>>()?;
        let plans = plans.into_iter().map(Arc::new).collect();
        Ok((specs, scene::check(self, plans)?))
    }

    fn check_channels(&self) -> Result<Vec<ChannelSpec>, ConfigError> {
        for (at, channel) in self.channels.iter().enumerate() {
            let field = || format!("channel.{}", channel.name);
            if channel.name.as_str() == FALLBACK {
                return refuse(field(), "the name is kept for the fallback list");
            }
            if self.channels[..at].iter().any(|earlier| earlier.name == channel.name) {
                return refuse(field(), "the name is given twice");
            }
            if channel.optional && channel.model.is_none() {
                return refuse(field(), "an optional channel names its model");
            }
        }
        let spec = |channel: &ChannelConfig| ChannelSpec {
            name: channel.name.clone(),
            kind: channel.kind.clone(),
            model: channel.model.clone(),
            parameters: channel.parameters.clone(),
        };
        Ok(self.channels.iter().map(spec).collect())
    }
}

fn refuse<T>(field: String, why: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError { field, why: why.into() })
}

fn check_count(field: String, count: usize) -> Result<usize, ConfigError> {
    match count {
        1..=COUNT_MAX => Ok(count),
        _ => refuse(field, format!("expected 1 to {COUNT_MAX}, this is {count}")),
    }
}

fn check_deadline(field: String, ms: u64) -> Result<Duration, ConfigError> {
    match ms {
        1..=DEADLINE_MS_MAX => Ok(Duration::from_millis(ms)),
        _ => refuse(field, format!("expected 1 to {DEADLINE_MS_MAX} milliseconds, this is {ms}")),
    }
}

fn check_weight(field: String, weight: f32) -> Result<f32, ConfigError> {
    match weight {
        weight if weight.is_finite() && weight >= 0.0 => Ok(weight),
        _ => refuse(field, format!("expected a finite number of at least 0, this is {weight}")),
    }
}
