//! One function an endpoint.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use gannet_retrieval::{BuiltinRanker, Engine, RawRequest};

use crate::answer::{EventsAnswer, HealthAnswer, ItemAnswer, RetrieveAnswer};
use crate::app::App;
use crate::error::{ApiError, ErrorAnswer};
use crate::extract::{JsonBody, PathText, Ready};
use crate::request::{EventsBody, RetrieveBody, SimilarBody};
use crate::responses::{BodyFaults, NotReady, PathFaults};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The most items that the built-in scorer is asked for.
const TOP_MAX: usize = 100_000;

/// Candidates for a user.
#[utoipa::path(post, path = "/v1/retrieve", tag = "retrieval",
    request_body = RetrieveBody, responses(
    (status = 200, description = "Candidates, best first", body = RetrieveAnswer),
    BodyFaults,
    NotReady,
))]
pub(crate) async fn retrieve(
    State(app): State<Arc<App>>,
    Ready(engine): Ready,
    JsonBody(body): JsonBody<RetrieveBody>,
) -> Result<Response, ApiError> {
    let wish = Wish { top: body.top, explain: body.explain, needs_item: false };
    if let Some(top) = wish.top.filter(|top| !(1..=TOP_MAX).contains(top)) {
        let message = format!("expected 1 to {TOP_MAX}, this is {top}");
        return Err(ApiError::out_of_range("top", message));
    }
    answer(app, engine, body.into_raw()?, wish).await
}

/// Items that go with an item.
#[utoipa::path(post, path = "/v1/similar", tag = "retrieval",
    request_body = SimilarBody, responses(
    (status = 200, description = "Candidates, best first", body = RetrieveAnswer),
    (status = 404, description = "No item has this id", body = ErrorAnswer),
    BodyFaults,
    NotReady,
))]
pub(crate) async fn similar(
    State(app): State<Arc<App>>,
    Ready(engine): Ready,
    JsonBody(body): JsonBody<SimilarBody>,
) -> Result<Response, ApiError> {
    let wish = Wish { top: None, explain: body.explain, needs_item: true };
    answer(app, engine, body.into_raw()?, wish).await
}

/// How a request is to be answered.
#[derive(Clone, Copy)]
struct Wish {
    top: Option<usize>,
    explain: bool,
    /// Whether an item of its history that is not known leaves nothing to answer.
    needs_item: bool,
}

/// Checks, admits, retrieves and writes the answer; all but the waiting on a thread of its own.
async fn answer(
    app: Arc<App>,
    engine: Arc<Engine>,
    raw: RawRequest,
    wish: Wish,
) -> Result<Response, ApiError> {
    let counting = app.clone();
    let work = move || retrieve_on_thread(&counting, &engine, raw, wish);
    let (headers, body) = app.run(work).await??;
    Ok((headers, body).into_response())
}

fn retrieve_on_thread(
    app: &App,
    engine: &Engine,
    raw: RawRequest,
    Wish { top, explain, needs_item }: Wish,
) -> Result<(HeaderMap, Vec<u8>), ApiError> {
    let request = engine.admit(raw)?;
    // Asked of the generation that answers: another may have come since the request did.
    if needs_item && request.unknown_items() > 0 {
        return Err(ApiError::unknown_item("item"));
    }
    let retrieval = match top {
        None => engine.retrieve(request.clone()),
        Some(top) => engine.retrieve_ranked(request.clone(), &BuiltinRanker::default(), top),
    };
    app.metrics.count_answer(retrieval.scene.as_str(), &retrieval.report);
    app.notices.tell(&retrieval.report);
    let answer = RetrieveAnswer::new(&retrieval, &request, explain);
    let body = serde_json::to_vec(&answer).map_err(|_| ApiError::internal())?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, JSON);
    if let Ok(snapshot) = HeaderValue::from_str(&answer.snapshot) {
        headers.insert("x-gannet-snapshot", snapshot);
    }
    let degraded = if answer.degraded { "true" } else { "false" };
    headers.insert("x-gannet-degraded", HeaderValue::from_static(degraded));
    Ok((headers, body))
}

/// What users did; their next requests know of it. All events are taken, or none.
#[utoipa::path(post, path = "/v1/events", tag = "retrieval",
    request_body = EventsBody, responses(
    (status = 200, description = "All were taken", body = EventsAnswer),
    BodyFaults,
    NotReady,
))]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Ready(engine): Ready,
    JsonBody(body): JsonBody<EventsBody>,
) -> Result<Json<EventsAnswer>, ApiError> {
    let events = body.into_raw();
    let work = move || engine.apply(events);
    let applied = app.run(work).await?;
    app.metrics.count_events(&applied);
    Ok(Json(EventsAnswer { applied: applied? }))
}

/// What the catalogue knows of an item.
#[utoipa::path(get, path = "/v1/items/{id}", tag = "retrieval", params(
    ("id" = String, Path, description = "The item's id, percent-encoded: `Face%2FOff%20(1997)`",
        example = "Toy Story (1995)"),
), responses(
    (status = 200, description = "The item", body = ItemAnswer),
    PathFaults,
    (status = 404, description = "No item has this id", body = ErrorAnswer),
    NotReady,
))]
pub(crate) async fn item(
    Ready(engine): Ready,
    PathText(id): PathText,
) -> Result<Json<ItemAnswer>, ApiError> {
    let state = engine.state();
    let catalogue = &state.snapshot.catalogue;
    let item = catalogue.find(&id).ok_or_else(|| ApiError::unknown_item("id"))?;
    Ok(Json(ItemAnswer::new(catalogue, item, &state.snapshot.version)))
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/livez", tag = "operation", responses(
    (status = 200, description = "It does", body = HealthAnswer),
))]
pub(crate) async fn livez() -> Json<HealthAnswer> {
    Json(HealthAnswer { status: "ok", snapshot: None })
}

/// Whether requests can be answered.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, description = "They can", body = HealthAnswer),
    NotReady,
))]
pub(crate) async fn readyz(Ready(engine): Ready) -> Json<HealthAnswer> {
    let snapshot = Some(engine.state().snapshot.version.clone());
    Json(HealthAnswer { status: "ok", snapshot })
}

/// Counters and histograms for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, description = "OpenMetrics text", body = String,
        content_type = "application/openmetrics-text"),
))]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    if let Some(engine) = app.engine.get() {
        app.metrics.set_switches(engine.state().switches());
    }
    ([(header::CONTENT_TYPE, kind)], app.metrics.text(app.admission.counts())).into_response()
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object),
))]
pub(crate) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, JSON)], crate::openapi::text()).into_response()
}

/// The evaluation's report as a page.
#[utoipa::path(get, path = "/", tag = "operation", responses(
    (status = 200, description = "The page", body = String, content_type = "text/html"),
))]
pub(crate) async fn page(State(app): State<Arc<App>>) -> Response {
    // The page carries its scripts and styles; it may load nothing and talk to nobody.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                  img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let page = app.page.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let html = page.as_deref().unwrap_or(include_str!("no_report.html")).to_owned();
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}
