//! What a user blocked: looked at, added to, taken from.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gannet_core::UserId;
use gannet_retrieval::{BlockNames, Engine, RequestError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{JsonBody, PathText, Ready};
use crate::request::{IdText, ids_schema};
use crate::responses::{BodyFaults, NotReady, PathFaults};

/// Items, authors and tags by name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "items": ["Alien (1979)"], "authors": [], "tags": ["Horror"] }))]
pub(crate) struct BlockedBody {
    /// Ids of items, at most 10000.
    #[serde(default)]
    #[schema(schema_with = ids_schema, required = false)]
    items: Vec<IdText>,
    /// Authors, at most 10000: all of their items.
    #[serde(default)]
    #[schema(required = false, max_items = 10_000)]
    authors: Vec<String>,
    /// Tags, at most 10000, and all tags below them.
    #[serde(default)]
    #[schema(required = false, max_items = 10_000)]
    tags: Vec<String>,
}

/// What a user has blocked, by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "user": "1", "items": ["Alien (1979)"], "authors": [],
    "tags": ["Horror"] }))]
pub(crate) struct BlockedAnswer {
    /// The user.
    user: String,
    /// Ids of items.
    items: Vec<String>,
    /// Authors.
    authors: Vec<String>,
    /// Tags, as paths.
    tags: Vec<String>,
}

impl BlockedAnswer {
    fn new(user: &UserId, names: BlockNames) -> Self {
        let BlockNames { items, authors, tags } = names;
        Self { user: user.to_string(), items, authors, tags }
    }
}

/// What a user has blocked.
#[utoipa::path(get, path = "/v1/users/{user}/blocked", tag = "retrieval",
    params(("user" = String, Path, description = "The user's id, percent-encoded", example = "1")),
    responses(
    (status = 200, description = "All of it; empty for a user never heard of",
        body = BlockedAnswer),
    PathFaults,
    NotReady,
))]
pub(crate) async fn show(
    Ready(engine): Ready,
    PathText(user): PathText,
) -> Result<Json<BlockedAnswer>, ApiError> {
    let user = user_of(user)?;
    let names = engine.blocks(&user);
    Ok(Json(BlockedAnswer::new(&user, names)))
}

/// Blocks items, authors and tags for a user, beside what he has blocked already: they are in no
/// answer to him until they are unblocked. All names are taken, or none.
#[utoipa::path(put, path = "/v1/users/{user}/blocked", tag = "retrieval",
    params(("user" = String, Path, description = "The user's id, percent-encoded", example = "1")),
    request_body = BlockedBody, responses(
    (status = 200, description = "What he has blocked now", body = BlockedAnswer),
    BodyFaults,
    NotReady,
))]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    Ready(engine): Ready,
    PathText(user): PathText,
    JsonBody(body): JsonBody<BlockedBody>,
) -> Result<Json<BlockedAnswer>, ApiError> {
    change(&app, engine, user, body, Engine::block).await
}

/// Unblocks items, authors and tags for a user; what was not blocked stays so. A dislike that was
/// told as an event is no block and stays. All names are taken, or none.
#[utoipa::path(delete, path = "/v1/users/{user}/blocked", tag = "retrieval",
    params(("user" = String, Path, description = "The user's id, percent-encoded", example = "1")),
    request_body = BlockedBody, responses(
    (status = 200, description = "What he has blocked now", body = BlockedAnswer),
    BodyFaults,
    NotReady,
))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Ready(engine): Ready,
    PathText(user): PathText,
    JsonBody(body): JsonBody<BlockedBody>,
) -> Result<Json<BlockedAnswer>, ApiError> {
    change(&app, engine, user, body, Engine::unblock).await
}

async fn change(
    app: &App,
    engine: Arc<Engine>,
    user: String,
    body: BlockedBody,
    change: fn(&Engine, &UserId, &BlockNames) -> Result<BlockNames, RequestError>,
) -> Result<Json<BlockedAnswer>, ApiError> {
    let user = user_of(user)?;
    let BlockedBody { items, authors, tags } = body;
    let items = items.into_iter().map(IdText::into_text).collect();
    let names = BlockNames { items, authors, tags };
    let work = move || change(&engine, &user, &names).map(|now| BlockedAnswer::new(&user, now));
    Ok(app.run(work).await?.map(Json)?)
}

fn user_of(user: String) -> Result<UserId, ApiError> {
    UserId::new(user).map_err(|error| {
        ApiError::from(RequestError {
            field: "user".to_owned(),
            code: "bad_id",
            why: error.to_string(),
        })
    })
}
