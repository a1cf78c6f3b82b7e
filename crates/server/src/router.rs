//! Which endpoint answers which path, and what surrounds them all.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::admin;
use crate::app::{App, EngineSlot};
use crate::blocked;
use crate::error::ApiError;
use crate::handlers;
use crate::notices::tell_panic;
use crate::options::ServeOptions;

/// Every method and path that is answered.
pub const ROUTES: [(&str, &str); 15] = [
    ("post", "/v1/retrieve"),
    ("post", "/v1/similar"),
    ("post", "/v1/events"),
    ("get", "/v1/items/{id}"),
    ("get", "/v1/users/{user}/blocked"),
    ("put", "/v1/users/{user}/blocked"),
    ("delete", "/v1/users/{user}/blocked"),
    ("get", "/livez"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("get", "/openapi.json"),
    ("get", "/"),
    ("get", "/v1/admin/plans"),
    ("post", "/v1/admin/reload"),
    ("post", "/v1/admin/channels/{name}"),
];

/// All endpoints; those of administration answer only where [`crate::serve_on`] says who asks.
/// `report_html` is the page at `/`; `None` gives one that says how to make it.
pub fn router(options: ServeOptions, engine: EngineSlot, report_html: Option<Arc<str>>) -> Router {
    router_of(Arc::new(App::new(options, engine, report_html)))
}

pub(crate) fn router_of(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/retrieve", post(handlers::retrieve))
        .route("/v1/similar", post(handlers::similar))
        .route("/v1/events", post(handlers::events))
        .route("/v1/items/{id}", get(handlers::item))
        .route(
            "/v1/users/{user}/blocked",
            get(blocked::show).put(blocked::add).delete(blocked::remove),
        )
        .route("/livez", get(handlers::livez))
        .route("/readyz", get(handlers::readyz))
        .route("/metrics", get(handlers::metrics))
        .route("/openapi.json", get(handlers::openapi))
        .route("/", get(handlers::page))
        .route("/v1/admin/plans", get(admin::plans))
        .route("/v1/admin/reload", post(admin::reload))
        .route("/v1/admin/channels/{name}", post(admin::switch))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

async fn unknown_route() -> ApiError {
    let message = "no such route; /openapi.json lists them. An id in a path is percent-encoded";
    ApiError::new(StatusCode::NOT_FOUND, "unknown_route", message)
}

async fn wrong_method() -> ApiError {
    let message = "this route has another method; the header allow names it";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message)
}

// The signature is that of the layer's trait.
#[allow(clippy::needless_pass_by_value)]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    tell_panic(&*panic);
    ApiError::internal().into_response()
}

/// Counts and times every request.
async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = app.options.clock.elapsed();
    let path = request.extensions().get::<MatchedPath>();
    let route = path.map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = match *request.method() {
        Method::GET => "get",
        Method::POST => "post",
        Method::PUT => "put",
        Method::DELETE => "delete",
        Method::HEAD => "head",
        _ => "other",
    };
    let mut response = next.run(request).await;
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    let took = app.options.clock.elapsed().saturating_sub(start);
    app.metrics.count_request(&route, method, response.status().as_u16(), took);
    response
}
