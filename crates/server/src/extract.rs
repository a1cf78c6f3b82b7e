//! What a handler is given: each part is checked before the handler runs, in the order of its
//! arguments.

use std::sync::Arc;

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use gannet_retrieval::Engine;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::body::read_json;
use crate::error::ApiError;

/// The engine; refused where there is none yet.
pub(crate) struct Ready(pub(crate) Arc<Engine>);

impl FromRequestParts<Arc<App>> for Ready {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        app.ready().cloned().map(Self)
    }
}

/// The one name in a path, decoded.
pub(crate) struct PathText(pub(crate) String);

impl FromRequestParts<Arc<App>> for PathText {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Path(text) = Path::from_request_parts(parts, app).await.map_err(bad_path)?;
        Ok(Self(text))
    }
}

fn bad_path(rejection: PathRejection) -> ApiError {
    let message = "expected an id in percent-encoded UTF-8";
    let error = ApiError::new(StatusCode::BAD_REQUEST, "bad_id", message);
    if let PathRejection::FailedToDeserializePathParams(why) = rejection
        && let ErrorKind::InvalidUtf8InPathParam { key } = why.into_kind()
    {
        return error.at(key);
    }
    error
}

/// A JSON body within the server's limits of size and time.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        read_json(app, request).await.map(Self)
    }
}
