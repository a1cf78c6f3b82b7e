//! What an operator may do while the server runs: see what is in force, take the configuration
//! again, switch a channel off.
//!
//! By default only a peer of this machine may: one whose connection comes from a loopback
//! address, without a header that a proxy adds (it would speak for somebody else) and without
//! the `origin` of a browser's page.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use gannet_core::ChannelName;
use gannet_retrieval::{EngineState, Plan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::body::read_json;
use crate::error::{ApiError, ErrorAnswer};
use crate::options::AdminAccess;

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Headers of somebody who speaks for another, or of a page in a browser.
const SPEAKS_FOR_ANOTHER: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "origin"];

fn allow(app: &App, request: &Request) -> Result<(), ApiError> {
    let peer = request.extensions().get::<Peer>();
    let is_local = peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback());
    let speaks_for_another =
        SPEAKS_FOR_ANOTHER.iter().any(|name| request.headers().contains_key(*name));
    let message = match app.options.admin {
        AdminAccess::Loopback if is_local && !speaks_for_another => return Ok(()),
        AdminAccess::Loopback => "only a direct connection from this machine may do this",
        AdminAccess::Off => "server.admin is off",
    };
    Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message))
}

/// A channel and its switch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "channel": "item_cf", "enabled": true }))]
pub(crate) struct SwitchAnswer {
    /// The channel.
    channel: String,
    /// Whether it runs.
    enabled: bool,
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

/// One plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "plan": "home", "merge": "rrf", "handover": 500, "deadline_ms": 50,
    "caps": 0, "channels": [] }))]
pub(crate) struct PlanAnswer {
    /// Its name.
    plan: String,
    /// How lists become one.
    merge: serde_json::Value,
    /// Candidates that go to the ranker.
    handover: usize,
    /// When the answer is due.
    deadline_ms: u64,
    /// How many diversity caps it has.
    caps: usize,
    /// In order of priority.
    channels: Vec<PlanChannelAnswer>,
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
    "routes": [], "segments": ["new"], "reload_error": null }))]
pub(crate) struct PlansAnswer {
    /// The version of the snapshot that serves.
    snapshot: String,
    /// Every configured channel.
    channels: Vec<SwitchAnswer>,
    /// Every plan.
    plans: Vec<PlanAnswer>,
    /// How requests come to plans: of a scene's routes the first that fits.
    routes: Vec<RouteAnswer>,
    /// The segments of users, in the order in which they are tried.
    segments: Vec<String>,
    /// Why the last reload was refused; null where it was not, or there was none.
    reload_error: Option<String>,
}

/// Turns a channel on or off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "enabled": false }))]
pub(crate) struct SwitchBody {
    /// Whether it is to run.
    enabled: bool,
}

/// Asks for the configuration to be taken again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub(crate) struct ReloadBody {}

/// Plans, scenes, segments and switches that are in force.
#[utoipa::path(get, path = "/v1/admin/plans", tag = "administration", responses(
    (status = 200, description = "What is in force", body = PlansAnswer),
    (status = 403, description = "Not from here", body = ErrorAnswer),
    (status = 503, description = "No snapshot yet", body = ErrorAnswer),
))]
pub(crate) async fn plans(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Json<PlansAnswer>, ApiError> {
    allow(&app, &request)?;
    in_force(&app).map(Json)
}

/// Takes the configuration again. All of it is checked before any of it takes effect.
#[utoipa::path(post, path = "/v1/admin/reload", tag = "administration",
    request_body = ReloadBody, responses(
    (status = 200, description = "What is in force now", body = PlansAnswer),
    (status = 403, description = "Not from here", body = ErrorAnswer),
    (status = 415, description = "The body is not JSON", body = ErrorAnswer),
    (status = 422, description = "It was refused; the old one stays", body = ErrorAnswer),
    (status = 501, description = "This server cannot", body = ErrorAnswer),
    (status = 503, description = "No snapshot yet", body = ErrorAnswer),
))]
pub(crate) async fn reload(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Json<PlansAnswer>, ApiError> {
    allow(&app, &request)?;
    let ReloadBody {} = read_json(&app, request).await?;
    app.ready()?;
    let outcome = app.reload().await.ok_or_else(|| {
        let message = "this server was not told where its configuration is";
        ApiError::new(StatusCode::NOT_IMPLEMENTED, "no_reload", message)
    })?;
    outcome.map_err(|why| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_config", why))?;
    in_force(&app).map(Json)
}

/// The kill switch of a channel.
#[utoipa::path(post, path = "/v1/admin/channels/{name}", tag = "administration",
    params(("name" = String, Path, description = "The channel", example = "item_cf")),
    request_body = SwitchBody, responses(
    (status = 200, description = "Its switch now", body = SwitchAnswer),
    (status = 403, description = "Not from here", body = ErrorAnswer),
    (status = 404, description = "No channel has this name", body = ErrorAnswer),
    (status = 415, description = "The body is not JSON", body = ErrorAnswer),
    (status = 422, description = "A field is at fault", body = ErrorAnswer),
    (status = 503, description = "No snapshot yet", body = ErrorAnswer),
))]
pub(crate) async fn switch(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<SwitchAnswer>, ApiError> {
    allow(&app, &request)?;
    let SwitchBody { enabled } = read_json(&app, request).await?;
    let unknown =
        |why: String| ApiError::new(StatusCode::NOT_FOUND, "unknown_channel", why).at("name");
    let Path(name) = name.map_err(|_| unknown("expected a name in UTF-8".to_owned()))?;
    let name = ChannelName::new(&name).map_err(|error| unknown(error.to_string()))?;
    let engine = app.ready()?;
    engine.set_channel_enabled(&name, enabled).map_err(|error| unknown(error.to_string()))?;
    let channel = name.as_str();
    tracing::warn!(channel, enabled, "a channel was switched");
    Ok(Json(SwitchAnswer { channel: channel.to_owned(), enabled }))
}

fn in_force(app: &App) -> Result<PlansAnswer, ApiError> {
    let state = app.ready()?.state();
    let last = app.last_reload.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(PlansAnswer {
        snapshot: state.snapshot.version.clone(),
        channels: switches(&state),
        plans: state.plans.all().iter().map(|plan| plan_answer(plan)).collect(),
        routes: routes(&state),
        segments: state.plans.segments().map(ToString::to_string).collect(),
        reload_error: last.and_then(Result::err),
    })
}

fn switches(state: &EngineState) -> Vec<SwitchAnswer> {
    let answer =
        |(name, enabled): (&ChannelName, bool)| SwitchAnswer { channel: name.to_string(), enabled };
    state.switches().map(answer).collect()
}

fn plan_answer(plan: &Plan) -> PlanAnswer {
    let channel = |one: &gannet_retrieval::PlanChannel| PlanChannelAnswer {
        channel: one.channel.to_string(),
        enabled: one.enabled,
        fetch_k: one.fetch_k,
        min: one.quota.min,
        target: one.quota.target,
        max: one.quota.max,
        weight: one.weight,
        deadline_ms: one.deadline.as_millis() as u64,
    };
    PlanAnswer {
        plan: plan.name.to_string(),
        merge: serde_json::to_value(plan.merge).unwrap_or_default(),
        handover: plan.handover,
        deadline_ms: plan.deadline.as_millis() as u64,
        caps: plan.caps.len(),
        channels: plan.channels.iter().map(channel).collect(),
    }
}

fn routes(state: &EngineState) -> Vec<RouteAnswer> {
    let of_scene = |scene| {
        state.plans.routes(scene).map(move |route| RouteAnswer {
            scene: scene.to_string(),
            segment: route.segment.map(ToString::to_string),
            arm: route.arm.map(ToString::to_string),
            plan: route.plan.to_string(),
        })
    };
    state.plans.scenes().flat_map(of_scene).collect()
}
