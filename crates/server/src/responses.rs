//! The refusals that many endpoints share, as the description of the API names them.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

type Responses = BTreeMap<String, RefOr<Response>>;

/// A body is read.
pub(crate) struct BodyFaults;

impl IntoResponses for BodyFaults {
    fn responses() -> Responses {
        errors(&[
            ("400", "Malformed JSON, with its position"),
            ("408", "The body did not arrive in time"),
            ("413", "The body is too large"),
            ("415", "The body is not JSON"),
            ("422", "A field is at fault; nothing was changed"),
        ])
    }
}

/// The engine is asked.
pub(crate) struct NotReady;

impl IntoResponses for NotReady {
    fn responses() -> Responses {
        errors(&[("503", "Overloaded, or no snapshot yet")])
    }
}

/// Only an operator may.
pub(crate) struct OperatorsOnly;

impl IntoResponses for OperatorsOnly {
    fn responses() -> Responses {
        errors(&[("403", "Not from here")])
    }
}

/// A path names something.
pub(crate) struct PathFaults;

impl IntoResponses for PathFaults {
    fn responses() -> Responses {
        errors(&[("400", "The path is not percent-encoded UTF-8, or the body malformed JSON")])
    }
}

fn errors(statuses: &[(&str, &str)]) -> Responses {
    let content = || {
        let error = Ref::from_schema_name("ErrorAnswer");
        ContentBuilder::new().schema(Some(error)).build()
    };
    let answer = |about: &str| {
        let answer = ResponseBuilder::new().description(about);
        RefOr::T(answer.content("application/json", content()).build())
    };
    statuses.iter().map(|(status, about)| ((*status).to_owned(), answer(about))).collect()
}
