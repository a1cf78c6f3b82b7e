//! The request's own conditions on items.

/// Why a filter was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct FilterError {
    /// The field at fault.
    pub field: String,
    /// What was expected.
    pub why: String,
}

/// All conditions must hold; an empty filter takes every item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// At least one of these tags, or of their descendants; empty: any.
    pub tags_any: Vec<String>,
    /// None of these tags, nor of their descendants.
    pub tags_none: Vec<String>,
    /// One of these authors; empty: any.
    pub authors: Vec<String>,
    /// Published at or after this time (milliseconds since 1970).
    pub published_from: Option<i64>,
    /// Published before this time (milliseconds since 1970).
    pub published_before: Option<i64>,
}
