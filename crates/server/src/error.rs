//! Errors as clients see them: always JSON, with a code for machines and the field at fault.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gannet_retrieval::RequestError;
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "code": "unknown_scene",
    "message": "unknown scene attic; known are home, detail",
    "field": "scene",
}))]
pub(crate) struct ErrorDetail {
    /// A word for machines.
    code: &'static str,
    /// A sentence for people: what was expected.
    message: String,
    /// The field at fault, as a path such as `history[0].value`; null where there is none.
    field: Option<String>,
}

/// An answer that is not what was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "error": {
    "code": "unknown_item", "message": "no item has this id", "field": "id",
} }))]
pub(crate) struct ErrorAnswer {
    error: ErrorDetail,
}

#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    code: &'static str,
    message: String,
    field: Option<String>,
    retry_after_s: Option<u32>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: None, retry_after_s: None }
    }

    pub(crate) fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    pub(crate) fn out_of_range(field: &str, message: String) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "out_of_range", message).at(field)
    }

    pub(crate) fn unknown_item(field: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_item", "no item has this id").at(field)
    }

    pub(crate) fn not_ready() -> Self {
        let message = "no snapshot is loaded yet; try again in a moment";
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message);
        Self { retry_after_s: Some(1), ..error }
    }

    pub(crate) fn overloaded() -> Self {
        let message = "too many requests are under way; try again in a moment";
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message);
        Self { retry_after_s: Some(1), ..error }
    }

    /// Says nothing of what happened: that is for the operator, not for the client.
    pub(crate) fn internal() -> Self {
        let message = "something went wrong in the server";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl From<RequestError> for ApiError {
    fn from(RequestError { field, code, why }: RequestError) -> Self {
        let error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, why);
        if field.is_empty() { error } else { error.at(field) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, code, message, field, retry_after_s } = self;
        let error = ErrorDetail { code, message, field };
        let mut response = (status, Json(ErrorAnswer { error })).into_response();
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
