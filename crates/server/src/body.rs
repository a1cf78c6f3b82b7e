//! From the bytes of a request to a checked type, with every fault named.

use std::error::Error;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::app::App;
use crate::error::ApiError;

/// Reads a JSON body within the server's limits of size and time.
pub(crate) async fn read_json<T: DeserializeOwned>(
    app: &App,
    request: Request,
) -> Result<T, ApiError> {
    require_json(request.headers())?;
    let limit = app.options.body_bytes_max;
    let body = read_body(request.into_body(), limit);
    let bytes = tokio::time::timeout(app.options.request_timeout, body).await.map_err(|_| {
        let message = "the body did not arrive in time";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "slow_body", message)
    })??;
    parse(&bytes)
}

fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = given.and_then(|given| given.split(';').next()).map(str::trim).unwrap_or("");
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = "expected the header content-type: application/json";
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message))
}

fn too_large(limit: usize) -> ApiError {
    let message = format!("expected a body of at most {limit} bytes");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

async fn read_body(body: Body, limit: usize) -> Result<Vec<u8>, ApiError> {
    // Where the length is given it is refused before a byte of it is kept.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    to_bytes(body, limit).await.map(Into::into).map_err(|error| {
        if error.source().is_some_and(<dyn Error>::is::<LengthLimitError>) {
            return too_large(limit);
        }
        ApiError::new(StatusCode::BAD_REQUEST, "broken_body", "the body ended too early")
    })
}

/// Malformed JSON is 400 with its position, JSON that is not the request 422 with its field.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.classify() == Category::Data { misfit(&error, &path) } else { malformed(&error) }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "malformed_json", error.to_string())
}

/// Of a missing field the path leads to the object that lacks it; its name is in the message.
fn misfit(error: &serde_json::Error, path: &str) -> ApiError {
    let path = if path == "." { "" } else { path };
    let message = error.to_string();
    let (code, field) = match message.strip_prefix("missing field `") {
        Some(rest) => {
            let name = rest.split('`').next().unwrap_or_default();
            let dot = if path.is_empty() { "" } else { "." };
            ("missing_field", format!("{path}{dot}{name}"))
        }
        None if message.starts_with("unknown field") => ("unknown_field", path.to_owned()),
        None => ("bad_field", path.to_owned()),
    };
    let error = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, message);
    if field.is_empty() { error } else { error.at(field) }
}
