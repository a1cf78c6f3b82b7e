//! `[[channel]]`, `[[plan]]` and `[[scene]]` as written in a configuration file, and their checks.

use std::time::Duration;

use gannet_core::{ChannelName, ModelName, PlanName, SceneName};
use gannet_models::MergeWeights;
use serde::{Deserialize, Serialize};

use crate::{ChannelSpec, MergeKind, Plan, PlanChannel, Plans, Quota};

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
    /// Every other key: parameters, which the kind checks.
    #[serde(flatten)]
    pub parameters: toml::Table,
}

/// Which weights a plan's channels have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightSource {
    /// The snapshot's, `rrf_k` included, chosen on validation data; the plan's own where it has
    /// none.
    #[default]
    Learnt,
    /// The plan's own.
    Config,
}

/// A `[[plan]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanConfig {
    /// The name that scenes use.
    pub name: PlanName,
    /// How the lists become one.
    #[serde(default = "merge_default")]
    pub merge: MergeKind,
    /// The constant k of `rrf`.
    #[serde(default = "rrf_k_default")]
    pub rrf_k: f32,
    /// How many candidates go to the ranker.
    #[serde(default = "count_default")]
    pub handover: usize,
    /// When the answer is due.
    #[serde(default = "deadline_ms_default")]
    pub deadline_ms: u64,
    /// Whether consumed items are refused.
    #[serde(default = "refuse_consumed_default")]
    pub refuse_consumed: bool,
    /// Which weights the channels have.
    #[serde(default)]
    pub weights: WeightSource,
    /// `[[plan.channel]]` in order of priority.
    #[serde(default, rename = "channel")]
    pub channels: Vec<PlanChannelConfig>,
}

/// A `[[plan.channel]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanChannelConfig {
    /// The channel.
    pub name: ChannelName,
    /// How many items it is asked for.
    #[serde(default = "count_default")]
    pub fetch_k: usize,
    /// As many as it has, up to this, are kept whatever the others bring.
    #[serde(default)]
    pub min: usize,
    /// What the merge takes in its first pass; absent: `max`.
    #[serde(default)]
    pub target: Option<usize>,
    /// Never more than this; absent: `fetch_k`.
    #[serde(default)]
    pub max: Option<usize>,
    /// What its ranks count in `rrf`.
    #[serde(default = "weight_default")]
    pub weight: f32,
    /// Its own deadline; absent: the plan's.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
}

/// A `[[scene]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneConfig {
    /// The name that requests use.
    pub name: SceneName,
    /// The plan that it runs.
    pub plan: PlanName,
}

fn merge_default() -> MergeKind {
    MergeKind::Rrf
}

fn rrf_k_default() -> f32 {
    60.0
}

fn count_default() -> usize {
    500
}

fn deadline_ms_default() -> u64 {
    50
}

fn refuse_consumed_default() -> bool {
    true
}

fn weight_default() -> f32 {
    1.0
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
        let scenes = self.check_scenes(&plans)?;
        Ok((specs, Plans { plans, scenes }))
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

    fn check_scenes(&self, plans: &[Plan]) -> Result<Vec<(SceneName, usize)>, ConfigError> {
        if self.scenes.is_empty() {
            return refuse("scene".to_owned(), "at least one [[scene]] is needed");
        }
        let mut scenes: Vec<(SceneName, usize)> = Vec::with_capacity(self.scenes.len());
        for SceneConfig { name, plan } in &self.scenes {
            if scenes.iter().any(|(earlier, _)| earlier == name) {
                return refuse(format!("scene.{name}"), "the name is given twice");
            }
            let Some(at) = plans.iter().position(|known| known.name == *plan) else {
                let known: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
                let why = format!("unknown plan {plan:?}; known are {}", known.join(", "));
                return refuse(format!("scene.{name}.plan"), why);
            };
            scenes.push((name.clone(), at));
        }
        Ok(scenes)
    }
}

impl PlanConfig {
    fn check(&self, specs: &[ChannelSpec], learnt: &MergeWeights) -> Result<Plan, ConfigError> {
        let field = |key: &str| format!("plan.{}.{key}", self.name);
        let own_k = check_weight(field("rrf_k"), self.rrf_k)?;
        let rrf_k = match (self.weights, learnt.rrf_k) {
            (WeightSource::Learnt, Some(k)) => check_weight("merge_weights.rrf_k".to_owned(), k)?,
            _ => own_k,
        };
        let handover = check_count(field("handover"), self.handover)?;
        let deadline = check_deadline(field("deadline_ms"), self.deadline_ms)?;
        if self.channels.is_empty() {
            return refuse(field("channel"), "at least one [[plan.channel]] is needed");
        }
        let mut channels: Vec<PlanChannel> = Vec::with_capacity(self.channels.len());
        for (at, channel) in self.channels.iter().enumerate() {
            let path = field(&format!("channel[{at}]"));
            if channels.iter().any(|earlier| earlier.channel == channel.name) {
                return refuse(format!("{path}.name"), format!("{} is there twice", channel.name));
            }
            if !specs.iter().any(|spec| spec.name == channel.name) {
                let known: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
                let why =
                    format!("unknown channel {:?}; known are {}", channel.name, known.join(", "));
                return refuse(format!("{path}.name"), why);
            }
            channels.push(channel.check(&path, deadline, self.weights, learnt)?);
        }
        let minima: usize = channels.iter().map(|channel| channel.quota.min).sum();
        if minima > handover {
            let why = format!("the minima add up to {minima}, the handover size is {handover}");
            return refuse(field("channel"), why);
        }
        Ok(Plan {
            name: self.name.clone(),
            channels,
            merge: self.merge,
            rrf_k,
            handover,
            deadline,
            refuse_consumed: self.refuse_consumed,
        })
    }
}

impl PlanChannelConfig {
    fn check(
        &self,
        path: &str,
        plan_deadline: Duration,
        source: WeightSource,
        learnt: &MergeWeights,
    ) -> Result<PlanChannel, ConfigError> {
        let fetch_k = check_count(format!("{path}.fetch_k"), self.fetch_k)?;
        let max = self.max.unwrap_or(fetch_k);
        let target = self.target.unwrap_or(max);
        let min = self.min;
        if !(min <= target && target <= max) {
            let why = format!("expected min <= target <= max, these are {min}, {target}, {max}");
            return refuse(format!("{path}.target"), why);
        }
        check_count(format!("{path}.max"), max)?;
        let deadline = match self.deadline_ms {
            Some(ms) => check_deadline(format!("{path}.deadline_ms"), ms)?.min(plan_deadline),
            None => plan_deadline,
        };
        let own = check_weight(format!("{path}.weight"), self.weight)?;
        let weight = match (source, learnt.weights.get(&self.name)) {
            (WeightSource::Learnt, Some(weight)) => {
                check_weight(format!("merge_weights.{}", self.name), *weight)?
            }
            _ => own,
        };
        let quota = Quota { min, target, max };
        Ok(PlanChannel { channel: self.name.clone(), fetch_k, quota, weight, deadline })
    }
}
