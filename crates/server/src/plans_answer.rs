//! What is in force, as the operator sees it.

use gannet_core::{ChannelName, SceneName};
use gannet_retrieval::{Cap, EligibilityRule, EngineState, Normalisation, Plan, PlanChannel};
use serde::Serialize;
use utoipa::ToSchema;

use crate::reload::Refused;

/// A channel and its switch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "channel": "item_cf", "enabled": true }))]
pub(crate) struct SwitchAnswer {
    /// The channel.
    pub(crate) channel: String,
    /// Whether it runs.
    pub(crate) enabled: bool,
}

/// One channel of a plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "channel": "item_cf", "enabled": true, "fetch_k": 500, "min": 0,
    "target": 500, "max": 500, "weight": 1.0, "deadline_ms": 50 }))]
pub(crate) struct PlanChannelAnswer {
    /// The channel.
    channel: String,
    /// Whether the plan runs it, its own switch aside.
    enabled: bool,
    /// How many items it is asked for.
    fetch_k: usize,
    /// As many as it has, up to this, are kept.
    min: usize,
    /// What the merge takes in its first pass.
    target: usize,
    /// Never more than this.
    max: usize,
    /// What it counts, learnt weights included.
    weight: f32,
    /// When its list is due.
    deadline_ms: u64,
}

impl PlanChannelAnswer {
    fn new(one: &PlanChannel) -> Self {
        Self {
            channel: one.channel.to_string(),
            enabled: one.enabled,
            fetch_k: one.fetch_k,
            min: one.quota.min,
            target: one.quota.target,
            max: one.quota.max,
            weight: one.weight,
            deadline_ms: one.deadline.as_millis() as u64,
        }
    }
}

/// Which of a user's own items are refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "refuse_consumed": true, "consumed_days": null, "refuse_exposed": true,
    "exposed_days": 7.0, "refuse_delivered": true, "delivered_minutes": 10.0 }))]
pub(crate) struct EligibilityAnswer {
    /// Whether consumed items are refused.
    refuse_consumed: bool,
    /// For how many days; null: for ever.
    consumed_days: Option<f32>,
    /// Whether exposed items are refused.
    refuse_exposed: bool,
    /// For how many days; null: for ever.
    exposed_days: Option<f32>,
    /// Whether delivered items are refused.
    refuse_delivered: bool,
    /// For how many minutes; null: for ever.
    delivered_minutes: Option<f32>,
}

impl EligibilityAnswer {
    fn new(rule: &EligibilityRule) -> Self {
        Self {
            refuse_consumed: rule.refuse_consumed,
            consumed_days: rule.consumed_days,
            refuse_exposed: rule.refuse_exposed,
            exposed_days: rule.exposed_days,
            refuse_delivered: rule.refuse_delivered,
            delivered_minutes: rule.delivered_minutes,
        }
    }
}

/// At most so many items of one key in an answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "field": "author", "max": 3, "level": null, "hard": false }))]
pub(crate) struct CapAnswer {
    /// `author`, `tags` or a text field of the items.
    field: String,
    /// Items that may share a key.
    max: usize,
    /// Of tags: the level that counts, 1 being the topmost; null: the items' own tags.
    level: Option<usize>,
    /// Whether it holds even where the answer is short for it.
    hard: bool,
}

impl CapAnswer {
    fn new(cap: &Cap) -> Self {
        Self { field: cap.field.clone(), max: cap.max, level: cap.level, hard: cap.hard }
    }
}

/// One plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "plan": "home", "merge": "rrf", "rrf_k": 60.0,
    "normalisation": "min_max", "handover": 500, "deadline_ms": 50,
    "eligibility": { "refuse_consumed": true, "consumed_days": null, "refuse_exposed": true,
        "exposed_days": 7.0, "refuse_delivered": true, "delivered_minutes": 10.0 },
    "caps": [{ "field": "author", "max": 3, "level": null, "hard": false }], "channels": [] }))]
pub(crate) struct PlanAnswer {
    /// Its name.
    plan: String,
    /// How lists become one.
    #[schema(value_type = String)]
    merge: gannet_retrieval::MergeKind,
    /// The constant k of `rrf`.
    rrf_k: f32,
    /// How `weighted` makes scores comparable.
    #[schema(value_type = String)]
    normalisation: Normalisation,
    /// Candidates that go to the ranker.
    handover: usize,
    /// When the answer is due.
    deadline_ms: u64,
    /// What of the user's past is refused.
    eligibility: EligibilityAnswer,
    /// Its diversity caps.
    caps: Vec<CapAnswer>,
    /// In order of priority.
    channels: Vec<PlanChannelAnswer>,
}

impl PlanAnswer {
    fn new(plan: &Plan) -> Self {
        Self {
            plan: plan.name.to_string(),
            merge: plan.merge,
            rrf_k: plan.rrf_k,
            normalisation: plan.normalisation,
            handover: plan.handover,
            deadline_ms: plan.deadline.as_millis() as u64,
            eligibility: EligibilityAnswer::new(&plan.eligibility),
            caps: plan.caps.iter().map(CapAnswer::new).collect(),
            channels: plan.channels.iter().map(PlanChannelAnswer::new).collect(),
        }
    }
}

/// A place where candidates are asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "scene": "kids", "plan": "home", "eligible": "tags in [\"kids\"]",
    "items": 20314 }))]
pub(crate) struct SceneAnswer {
    /// Its name.
    scene: String,
    /// The plan of its requests where no route with a condition fits.
    plan: String,
    /// What its items must satisfy; null: nothing.
    eligible: Option<String>,
    /// How many items it may show.
    items: usize,
}

/// One way by which a scene's requests come to a plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "scene": "home", "segment": "new", "arm": null, "plan": "first_days" }))]
pub(crate) struct RouteAnswer {
    /// The scene.
    scene: String,
    /// Requests of this segment; null: of any.
    segment: Option<String>,
    /// Requests of this arm; null: of any.
    arm: Option<String>,
    /// What they run.
    plan: String,
}

/// What is in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "snapshot": "20260101-120000", "channels": [], "plans": [],
    "scenes": [], "routes": [], "segments": ["new"], "reload_error": null,
    "snapshot_error": null }))]
pub(crate) struct PlansAnswer {
    /// The version of the snapshot that serves.
    snapshot: String,
    /// Every configured channel.
    channels: Vec<SwitchAnswer>,
    /// Every plan.
    plans: Vec<PlanAnswer>,
    /// Every scene; a request that names none is of the first.
    scenes: Vec<SceneAnswer>,
    /// How requests come to plans: of a scene's routes the first that fits.
    routes: Vec<RouteAnswer>,
    /// The segments of users, in the order in which they are tried.
    segments: Vec<String>,
    /// Why the configuration was refused when it was last taken; null where it was not.
    reload_error: Option<String>,
    /// Why the current snapshot of the store does not serve; null where it does.
    snapshot_error: Option<String>,
}

impl PlansAnswer {
    pub(crate) fn new(state: &EngineState, refused: Refused) -> Self {
        let switch = |(name, enabled): (&ChannelName, bool)| SwitchAnswer {
            channel: name.to_string(),
            enabled,
        };
        Self {
            snapshot: state.snapshot.version.clone(),
            channels: state.switches().map(switch).collect(),
            plans: state.plans.all().iter().map(|plan| PlanAnswer::new(plan)).collect(),
            scenes: state.plans.scenes().map(|scene| scene_answer(state, scene)).collect(),
            routes: state.plans.scenes().flat_map(|scene| routes_of(state, scene)).collect(),
            segments: state.plans.segments().map(ToString::to_string).collect(),
            reload_error: refused.config,
            snapshot_error: refused.snapshot,
        }
    }
}

fn scene_answer(state: &EngineState, scene: &SceneName) -> SceneAnswer {
    let plan = state.plans.resolve(scene, None, None).map(|plan| plan.name.to_string());
    SceneAnswer {
        scene: scene.to_string(),
        plan: plan.unwrap_or_default(),
        eligible: state.plans.eligible(scene).map(str::to_owned),
        items: state.base(scene).count,
    }
}

fn routes_of<'a>(
    state: &'a EngineState,
    scene: &'a SceneName,
) -> impl Iterator<Item = RouteAnswer> + 'a {
    state.plans.routes(scene).map(move |route| RouteAnswer {
        scene: scene.to_string(),
        segment: route.segment.map(ToString::to_string),
        arm: route.arm.map(ToString::to_string),
        plan: route.plan.to_string(),
    })
}
