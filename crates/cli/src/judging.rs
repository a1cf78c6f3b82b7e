//! Configurations under which an engine is judged instead of served.

use anyhow::{Context, Result, bail};
use gannet_core::SceneName;
use gannet_evaluation::Profile;
use gannet_retrieval::{Plan, PlanChannelConfig, PlanConfig, Plans, RetrievalConfig, SceneConfig};

use crate::args::ProfileName;

/// A list in judging is never cut by time: the result must not depend on the machine's load.
const DEADLINE_MS: u64 = 60_000;

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Lightgcn => Profile::LightGcn,
            ProfileName::Multvae => Profile::MultVae,
            ProfileName::LeaveOneOut => Profile::LeaveOneOut,
        }
    }
}

/// The same channels and plans, with deadlines that nobody misses, and lists of at least
/// `fetch_k`. A scene runs its own plan for everybody: it is one plan that is judged.
pub(crate) fn patient(config: &RetrievalConfig, fetch_k: usize) -> RetrievalConfig {
    let mut patient = config.clone();
    patient.experiments.clear();
    patient.segments.clear();
    patient.scenes.iter_mut().for_each(|scene| scene.rules.clear());
    for plan in &mut patient.plans {
        plan.deadline_ms = DEADLINE_MS;
        for channel in &mut plan.channels {
            channel.fetch_k = channel.fetch_k.max(fetch_k);
            channel.deadline_ms = None;
        }
    }
    patient
}

/// One channel alone: the first configured that reads a model of this kind.
pub(crate) fn alone(
    config: &RetrievalConfig,
    model_kind: &str,
    fetch_k: usize,
) -> Result<RetrievalConfig> {
    let kind = match model_kind {
        "popularity" => "popular",
        "recency" => "recent",
        "key_index" => "inverted",
        "item_neighbours" => "item_cf",
        "factors" => "u2i_vector",
        "user_items" => "user_cf",
        other => bail!("no channel reads a model of kind {other:?}"),
    };
    let channel = config
        .channels
        .iter()
        .find(|channel| channel.kind == kind)
        .with_context(|| format!("no [[channel]] of kind {kind} is configured"))?;
    let plan_channel = PlanChannelConfig {
        name: channel.name.clone(),
        enabled: true,
        fetch_k,
        min: 0,
        target: None,
        max: None,
        weight: 1.0,
        deadline_ms: None,
    };
    let first = config.plans.first().context("at least one [[plan]] is needed")?;
    let plan = PlanConfig {
        handover: fetch_k,
        caps: Vec::new(),
        deadline_ms: DEADLINE_MS,
        channels: vec![plan_channel],
        ..first.clone()
    };
    let scene = SceneConfig {
        name: SceneName::new("alone")?,
        plan: plan.name.clone(),
        eligible: None,
        rules: Vec::new(),
    };
    Ok(RetrievalConfig {
        channels: vec![channel.clone()],
        plans: vec![plan],
        scenes: vec![scene],
        ..RetrievalConfig::default()
    })
}

/// The plan of a scene; of the first scene where none is named.
pub(crate) fn plan<'a>(plans: &'a Plans, scene: Option<&SceneName>) -> Result<&'a Plan> {
    let first = plans.scenes().next().context("at least one [[scene]] is needed")?;
    let scene = scene.unwrap_or(first);
    plans.resolve(scene, None, None).map(|plan| &**plan).with_context(|| {
        let known: Vec<&str> = plans.scenes().map(SceneName::as_str).collect();
        format!("unknown scene {scene}; configured are {}", known.join(", "))
    })
}
