//! `[[plan]]` as written, and its checks.

use std::time::Duration;

use gannet_core::{ChannelName, PlanName};
use gannet_models::MergeWeights;
use serde::{Deserialize, Serialize};

use super::{ConfigError, check_count, check_deadline, check_weight, refuse};
use crate::{
    Cap, ChannelSpec, EligibilityRule, MergeKind, Normalisation, Plan, PlanChannel, Quota,
};

/// The longest window: what is longer is meant to be for ever, which has a way to say so.
const WINDOW_MAX: f32 = 1e6;

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
    /// How `weighted` makes scores comparable.
    #[serde(default)]
    pub normalisation: Normalisation,
    /// Whether consumed items are refused; absent: they are.
    #[serde(default)]
    pub refuse_consumed: Option<bool>,
    /// For how many days; absent: for ever.
    #[serde(default)]
    pub consumed_days: Option<f32>,
    /// Whether exposed items are refused; absent: they are.
    #[serde(default)]
    pub refuse_exposed: Option<bool>,
    /// For how many days; absent: 7.
    #[serde(default)]
    pub exposed_days: Option<f32>,
    /// Whether delivered items are refused; absent: they are.
    #[serde(default)]
    pub refuse_delivered: Option<bool>,
    /// For how many minutes; absent: 10.
    #[serde(default)]
    pub delivered_minutes: Option<f32>,
    /// Which weights the channels have.
    #[serde(default)]
    pub weights: WeightSource,
    /// `[[plan.channel]]` in order of priority.
    #[serde(default, rename = "channel")]
    pub channels: Vec<PlanChannelConfig>,
    /// `[[plan.cap]]`: diversity.
    #[serde(default, rename = "cap")]
    pub caps: Vec<Cap>,
}

/// A `[[plan.channel]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanChannelConfig {
    /// The channel.
    pub name: ChannelName,
    /// Whether this plan runs it.
    #[serde(default = "enabled_default")]
    pub enabled: bool,
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
    /// What its ranks count in `rrf`, and its scores in `weighted`.
    #[serde(default = "weight_default")]
    pub weight: f32,
    /// Its own deadline; absent: the plan's.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
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

fn enabled_default() -> bool {
    true
}

fn weight_default() -> f32 {
    1.0
}

impl PlanConfig {
    pub(super) fn check(
        &self,
        specs: &[ChannelSpec],
        learnt: &MergeWeights,
    ) -> Result<Plan, ConfigError> {
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
        let minima: usize = channels
            .iter()
            .filter(|channel| channel.enabled)
            .map(|channel| channel.quota.min)
            .sum();
        if minima > handover {
            let why = format!("the minima add up to {minima}, the handover size is {handover}");
            return refuse(field("channel"), why);
        }
        for (at, cap) in self.caps.iter().enumerate() {
            check_cap(&field(&format!("cap[{at}]")), cap, &self.caps[..at])?;
        }
        Ok(Plan {
            name: self.name.clone(),
            channels,
            merge: self.merge,
            rrf_k,
            normalisation: self.normalisation,
            handover,
            deadline,
            eligibility: self.check_eligibility()?,
            caps: self.caps.clone(),
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
        Ok(PlanChannel {
            channel: self.name.clone(),
            enabled: self.enabled,
            fetch_k,
            quota,
            weight,
            deadline,
        })
    }
}

impl PlanConfig {
    fn check_eligibility(&self) -> Result<EligibilityRule, ConfigError> {
        let window = |key: &str, given: Option<f32>| match given {
            Some(length) if !(length > 0.0 && length <= WINDOW_MAX) => refuse(
                format!("plan.{}.{key}", self.name),
                format!("expected more than 0, at most {WINDOW_MAX}, this is {length}"),
            ),
            given => Ok(given),
        };
        let rule = EligibilityRule::default();
        Ok(EligibilityRule {
            refuse_consumed: self.refuse_consumed.unwrap_or(rule.refuse_consumed),
            consumed_days: window("consumed_days", self.consumed_days)?.or(rule.consumed_days),
            refuse_exposed: self.refuse_exposed.unwrap_or(rule.refuse_exposed),
            exposed_days: window("exposed_days", self.exposed_days)?.or(rule.exposed_days),
            refuse_delivered: self.refuse_delivered.unwrap_or(rule.refuse_delivered),
            delivered_minutes: window("delivered_minutes", self.delivered_minutes)?
                .or(rule.delivered_minutes),
        })
    }
}

/// Deeper tags than this are no tags that people made.
const LEVEL_MAX: usize = 16;

fn check_cap(path: &str, cap: &Cap, earlier: &[Cap]) -> Result<(), ConfigError> {
    check_count(format!("{path}.max"), cap.max)?;
    if let Some(level) = cap.level {
        if cap.field != "tags" {
            return refuse(format!("{path}.level"), "only tags have levels");
        }
        if !(1..=LEVEL_MAX).contains(&level) {
            let why = format!("expected 1 (the topmost) to {LEVEL_MAX}, this is {level}");
            return refuse(format!("{path}.level"), why);
        }
    }
    if earlier.iter().any(|one| one.field == cap.field && one.level == cap.level) {
        return refuse(path.to_owned(), format!("{:?} is capped twice", cap.field));
    }
    Ok(())
}
