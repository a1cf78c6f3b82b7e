//! What an operator may do while the server runs: see what is in force, take configuration and
//! snapshot again, switch a channel off.
//!
//! By default only a peer of this machine may: one whose connection comes from a loopback
//! address, without a header that a proxy adds (it would speak for somebody else) and without
//! the `origin` of a browser's page.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use gannet_core::ChannelName;
use gannet_retrieval::Engine;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{ApiError, ErrorAnswer};
use crate::extract::{JsonBody, PathText, Ready};
use crate::options::AdminAccess;
use crate::plans_answer::{PlansAnswer, SwitchAnswer};
use crate::responses::{BodyFaults, NotReady, OperatorsOnly};

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Headers of somebody who speaks for another, or of a page in a browser.
const SPEAKS_FOR_ANOTHER: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "origin"];

/// Proof that whoever asks may do so.
pub(crate) struct Operator;

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let peer = parts.extensions.get::<Peer>();
        let is_local = peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback());
        let speaks_for_another =
            SPEAKS_FOR_ANOTHER.iter().any(|name| parts.headers.contains_key(*name));
        let message = match app.options.admin {
            AdminAccess::Loopback if is_local && !speaks_for_another => return Ok(Self),
            AdminAccess::Loopback => "only a direct connection from this machine may do this",
            AdminAccess::Off => "server.admin is off",
        };
        Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message))
    }
}

/// Turns a channel on or off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "enabled": false }))]
pub(crate) struct SwitchBody {
    /// Whether it is to run.
    enabled: bool,
}

/// Asks for configuration and snapshot to be taken again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub(crate) struct ReloadBody {}

/// Plans, scenes, segments and switches that are in force.
#[utoipa::path(get, path = "/v1/admin/plans", tag = "administration", responses(
    (status = 200, description = "What is in force", body = PlansAnswer),
    OperatorsOnly,
    NotReady,
))]
pub(crate) async fn plans(
    _: Operator,
    State(app): State<Arc<App>>,
    Ready(engine): Ready,
) -> Json<PlansAnswer> {
    Json(in_force(&app, &engine))
}

/// Takes the configuration again, and the store's current snapshot where another one serves. All
/// of it is checked before any of it takes effect; what is refused leaves the old one in force.
/// A channel that was switched off stays off unless the configuration says otherwise.
#[utoipa::path(post, path = "/v1/admin/reload", tag = "administration",
    request_body = ReloadBody, responses(
    (status = 200, description = "What is in force now", body = PlansAnswer),
    OperatorsOnly,
    BodyFaults,
    (status = 422, description = "Refused, the old one stays: bad_config, or (the configuration \
        having been taken) bad_snapshot", body = ErrorAnswer),
    (status = 501, description = "This server cannot", body = ErrorAnswer),
    NotReady,
))]
pub(crate) async fn reload(
    _: Operator,
    State(app): State<Arc<App>>,
    Ready(engine): Ready,
    JsonBody(ReloadBody {}): JsonBody<ReloadBody>,
) -> Result<Json<PlansAnswer>, ApiError> {
    let outcome = app.reload().await.ok_or_else(|| {
        let message = "this server was not told where its configuration is";
        ApiError::new(StatusCode::NOT_IMPLEMENTED, "no_reload", message)
    })?;
    let refuse = |code, why| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, why);
    outcome.config.map_err(|why| refuse("bad_config", why))?;
    outcome.snapshot.map_err(|why| refuse("bad_snapshot", why))?;
    Ok(Json(in_force(&app, &engine)))
}

/// The kill switch of a channel. It stays as it is set over reloads of configuration and
/// snapshot, unless the configuration's own `enabled` says otherwise, and until the server ends.
#[utoipa::path(post, path = "/v1/admin/channels/{name}", tag = "administration",
    params(("name" = String, Path, description = "The channel", example = "item_cf")),
    request_body = SwitchBody, responses(
    (status = 200, description = "Its switch now", body = SwitchAnswer),
    OperatorsOnly,
    (status = 404, description = "No channel has this name", body = ErrorAnswer),
    BodyFaults,
    NotReady,
))]
pub(crate) async fn switch(
    _: Operator,
    Ready(engine): Ready,
    PathText(name): PathText,
    JsonBody(SwitchBody { enabled }): JsonBody<SwitchBody>,
) -> Result<Json<SwitchAnswer>, ApiError> {
    let unknown =
        |why: String| ApiError::new(StatusCode::NOT_FOUND, "unknown_channel", why).at("name");
    let name = ChannelName::new(&name).map_err(|error| unknown(error.to_string()))?;
    engine.set_channel_enabled(&name, enabled).map_err(|error| unknown(error.to_string()))?;
    let channel = name.as_str();
    tracing::warn!(channel, enabled, "a channel was switched");
    Ok(Json(SwitchAnswer { channel: channel.to_owned(), enabled }))
}

fn in_force(app: &App, engine: &Engine) -> PlansAnswer {
    let refused = app.last_refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
    PlansAnswer::new(&engine.state(), refused)
}
