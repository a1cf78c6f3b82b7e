//! The description of the API, made from the same types that are read and written.

use std::sync::LazyLock;

use utoipa::OpenApi;

use crate::{admin, blocked, handlers};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Gannet",
        description = "Retrieval for recommendation: from all items to the few hundred worth \
                       ranking for one user.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        handlers::retrieve,
        handlers::similar,
        handlers::events,
        handlers::item,
        blocked::show,
        blocked::add,
        blocked::remove,
        handlers::livez,
        handlers::readyz,
        handlers::metrics,
        handlers::openapi,
        handlers::page,
        admin::plans,
        admin::reload,
        admin::switch,
    ),
    // Named by a schema that is written by hand.
    components(schemas(crate::request::FilterBody)),
)]
struct Description;

static TEXT: LazyLock<String> =
    LazyLock::new(|| Description::openapi().to_pretty_json().expect("strings and numbers"));

/// The description as JSON.
pub(crate) fn text() -> &'static str {
    &TEXT
}
