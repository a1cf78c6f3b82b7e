//! `[[scene]]`, `[[segment]]` and `[[experiment]]` as written, and their checks.

use std::sync::Arc;

use gannet_core::{ArmName, ExperimentName, PlanName, SceneName, SegmentName};
use serde::Deserialize;

use super::{ConfigError, RetrievalConfig, refuse};
use crate::plans::{Arm, Experiment, Rule, Scene};
use crate::segment::{Segment, Wanted, When};
use crate::{Plan, Plans};

/// The most events that a segment can ask about: user state keeps so many of a user at least.
const EVENTS_MAX: usize = 100;

/// A `[[scene]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneConfig {
    /// The name that requests use.
    pub name: SceneName,
    /// The plan that it runs where no rule holds.
    pub plan: PlanName,
    /// What its items must satisfy, in the language of request filters; the others are refused
    /// as `policy`. Absent: every available item.
    #[serde(default)]
    pub eligible: Option<String>,
    /// `[[scene.rule]]`: the first that holds wins.
    #[serde(default, rename = "rule")]
    pub rules: Vec<RuleConfig>,
}

/// A `[[scene.rule]]`: a plan for some of a scene's requests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Only requests of this segment.
    #[serde(default)]
    pub segment: Option<SegmentName>,
    /// Only requests of this arm of the scene's experiment.
    #[serde(default)]
    pub arm: Option<ArmName>,
    /// What they run.
    pub plan: PlanName,
}

/// A `[[segment]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentConfig {
    /// The name that rules and requests use.
    pub name: SegmentName,
    /// Which users are of it; absent: those whose request says so.
    #[serde(default)]
    pub when: Option<WhenConfig>,
}

/// What must hold of a user, all of it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct WhenConfig {
    /// At least so many known events, the request's own included.
    pub events_min: Option<usize>,
    /// At most so many.
    pub events_max: Option<usize>,
    /// Every other key is a field of users: a text or a number, a list of them (one of which
    /// must hold), or `{ min = .., max = .. }`.
    #[serde(flatten)]
    pub fields: toml::Table,
}

/// An `[[experiment]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentConfig {
    /// Its name, which decides who gets which arm.
    pub name: ExperimentName,
    /// The scene whose requests it shares out.
    pub scene: SceneName,
    /// The arms.
    pub arms: Vec<ArmConfig>,
}

/// One of an experiment's `arms`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmConfig {
    /// The name that rules, requests and answers use.
    pub name: ArmName,
    /// Its share of the users, 0 to 1; of 0: only requests that name it.
    #[serde(default)]
    pub share: f64,
    /// What it runs where no rule of the scene holds; absent: the scene's plan.
    #[serde(default)]
    pub plan: Option<PlanName>,
}

/// Checks everything that names a plan.
pub(super) fn check(config: &RetrievalConfig, plans: Vec<Arc<Plan>>) -> Result<Plans, ConfigError> {
    let segments = check_segments(&config.segments)?;
    if config.scenes.is_empty() {
        return refuse("scene".to_owned(), "at least one [[scene]] is needed");
    }
    let mut scenes: Vec<Scene> = Vec::with_capacity(config.scenes.len());
    for scene in &config.scenes {
        let SceneConfig { name, plan, eligible, .. } = scene;
        if scenes.iter().any(|earlier| earlier.name == *name) {
            return refuse(format!("scene.{name}"), "the name is given twice");
        }
        let plan = find_plan(&format!("scene.{name}.plan"), plan, &plans)?;
        let (eligible, rules, experiment) = (eligible.clone(), Vec::new(), None);
        scenes.push(Scene { name: name.clone(), plan, eligible, rules, experiment });
    }
    check_experiments(&config.experiments, &mut scenes, &plans)?;
    for (config, scene) in config.scenes.iter().zip(&mut scenes) {
        let rule = |(at, rule): (usize, &RuleConfig)| rule.check(at, scene, &segments, &plans);
        scene.rules = config.rules.iter().enumerate().map(rule).collect::<Result<_, _>>()?;
    }
    Ok(Plans { plans, scenes, segments })
}

fn find_plan(field: &str, plan: &PlanName, plans: &[Arc<Plan>]) -> Result<usize, ConfigError> {
    let at = plans.iter().position(|known| known.name == *plan);
    at.map_or_else(
        || refuse(field.to_owned(), unknown("plan", plan, plans.iter().map(|one| &one.name))),
        Ok,
    )
}

fn unknown<N: std::fmt::Display>(
    what: &str,
    name: &N,
    known: impl Iterator<Item = impl std::fmt::Display>,
) -> String {
    let known: Vec<String> = known.map(|name| name.to_string()).collect();
    match known.is_empty() {
        true => format!("unknown {what} {name}; none is configured"),
        false => format!("unknown {what} {name}; known are {}", known.join(", ")),
    }
}

impl RuleConfig {
    fn check(
        &self,
        at: usize,
        scene: &Scene,
        segments: &[Segment],
        plans: &[Arc<Plan>],
    ) -> Result<Rule, ConfigError> {
        let field = |key: &str| format!("scene.{}.rule[{at}].{key}", scene.name);
        if let Some(name) = &self.segment
            && !segments.iter().any(|segment| segment.name == *name)
        {
            let known = segments.iter().map(|segment| &segment.name);
            return refuse(field("segment"), unknown("segment", name, known));
        }
        let arms = || scene.experiment.iter().flat_map(|experiment| &experiment.arms);
        if let Some(name) = &self.arm
            && !arms().any(|arm| arm.name == *name)
        {
            return refuse(field("arm"), unknown("arm", name, arms().map(|arm| &arm.name)));
        }
        if self.segment.is_none() && self.arm.is_none() {
            return refuse(field("segment"), "expected a segment, an arm or both");
        }
        let plan = find_plan(&field("plan"), &self.plan, plans)?;
        Ok(Rule { segment: self.segment.clone(), arm: self.arm.clone(), plan })
    }
}

fn check_experiments(
    experiments: &[ExperimentConfig],
    scenes: &mut [Scene],
    plans: &[Arc<Plan>],
) -> Result<(), ConfigError> {
    for (at, experiment) in experiments.iter().enumerate() {
        let ExperimentConfig { name, scene, arms } = experiment;
        let field = |key: &str| format!("experiment.{name}.{key}");
        if experiments[..at].iter().any(|earlier| earlier.name == *name) {
            return refuse(format!("experiment.{name}"), "the name is given twice");
        }
        let Some(place) = scenes.iter().position(|known| known.name == *scene) else {
            let known = scenes.iter().map(|known| &known.name);
            return refuse(field("scene"), unknown("scene", scene, known));
        };
        if let Some(other) = &scenes[place].experiment {
            let why = format!("{} already shares out the requests of {scene}", other.name);
            return refuse(field("scene"), why);
        }
        let arms = check_arms(arms, &field, plans)?;
        scenes[place].experiment = Some(Experiment { name: name.clone(), arms });
    }
    Ok(())
}

fn check_arms(
    arms: &[ArmConfig],
    field: &impl Fn(&str) -> String,
    plans: &[Arc<Plan>],
) -> Result<Vec<Arm>, ConfigError> {
    if arms.is_empty() {
        return refuse(field("arms"), "at least one arm is needed");
    }
    let mut checked: Vec<Arm> = Vec::with_capacity(arms.len());
    for (at, ArmConfig { name, share, plan }) in arms.iter().enumerate() {
        if checked.iter().any(|earlier| earlier.name == *name) {
            return refuse(field(&format!("arms[{at}].name")), format!("{name} is there twice"));
        }
        if !(0.0..=1.0).contains(share) {
            let why = format!("expected a share from 0 to 1, this is {share}");
            return refuse(field(&format!("arms[{at}].share")), why);
        }
        let path = field(&format!("arms[{at}].plan"));
        let plan = plan.as_ref().map(|plan| find_plan(&path, plan, plans)).transpose()?;
        checked.push(Arm { name: name.clone(), share: *share, plan });
    }
    let sum: f64 = checked.iter().map(|arm| arm.share).sum();
    // Ten arms of a tenth are a whole, whatever binary fractions make of it.
    if sum > 1.0 + 1e-9 {
        return refuse(field("arms"), format!("the shares add up to {sum}, which is more than 1"));
    }
    Ok(checked)
}

fn check_segments(segments: &[SegmentConfig]) -> Result<Vec<Segment>, ConfigError> {
    let mut checked: Vec<Segment> = Vec::with_capacity(segments.len());
    for SegmentConfig { name, when } in segments {
        if checked.iter().any(|earlier| earlier.name == *name) {
            return refuse(format!("segment.{name}"), "the name is given twice");
        }
        let path = format!("segment.{name}.when");
        let when = when.as_ref().map(|when| when.check(&path)).transpose()?;
        checked.push(Segment { name: name.clone(), when });
    }
    Ok(checked)
}

impl WhenConfig {
    fn check(&self, path: &str) -> Result<When, ConfigError> {
        let (min, max) = (self.events_min.unwrap_or(0), self.events_max);
        for (key, events) in [("events_min", min), ("events_max", max.unwrap_or(0))] {
            if events > EVENTS_MAX {
                let why = format!("events can be told apart up to {EVENTS_MAX}, this is {events}");
                return refuse(format!("{path}.{key}"), why);
            }
        }
        if max.is_some_and(|max| max < min) {
            return refuse(format!("{path}.events_max"), format!("expected at least {min}"));
        }
        if self.events_min.is_none() && max.is_none() && self.fields.is_empty() {
            return refuse(path.to_owned(), "expected events_min, events_max or a field of users");
        }
        let field = |(name, value): (&String, &toml::Value)| {
            let why = "expected text, a number, a list of either, or { min = .., max = .. }";
            match wanted(value) {
                Some(wanted) => Ok((name.clone(), wanted)),
                None => refuse(format!("{path}.{name}"), why),
            }
        };
        let fields = self.fields.iter().map(field).collect::<Result<_, _>>()?;
        Ok(When { events_min: min, events_max: max, fields })
    }
}

fn wanted(value: &toml::Value) -> Option<Wanted> {
    let list = match value {
        toml::Value::Table(table) => return range(table),
        toml::Value::Array(list) if !list.is_empty() => list.as_slice(),
        toml::Value::Array(_) => return None,
        one => std::slice::from_ref(one),
    };
    let texts = list.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>();
    let numbers = || list.iter().map(number).collect::<Option<_>>().map(Wanted::Numbers);
    texts.map(Wanted::Texts).or_else(numbers)
}

fn range(table: &toml::Table) -> Option<Wanted> {
    let bound = |key: &str, open: f64| table.get(key).map_or(Some(open), number);
    let (min, max) = (bound("min", f64::NEG_INFINITY)?, bound("max", f64::INFINITY)?);
    let known = table.keys().all(|key| key == "min" || key == "max");
    (known && !table.is_empty() && min <= max).then_some(Wanted::Range { min, max })
}

fn number(value: &toml::Value) -> Option<f64> {
    value
        .as_float()
        .or_else(|| value.as_integer().map(|value| value as f64))
        .filter(|x| !x.is_nan())
}
