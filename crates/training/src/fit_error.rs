//! What may go wrong before and during fitting.

/// Why a model was not fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// A hyper-parameter is out of range.
    #[error("{model}.{field} is {value}; it must be {expected}")]
    Params {
        /// The model.
        model: &'static str,
        /// The parameter.
        field: &'static str,
        /// The value given.
        value: String,
        /// The range allowed.
        expected: &'static str,
    },
    /// A field that should get inverted lists is no field of keys of the catalogue.
    #[error("keys.fields names {field:?}; the catalogue's fields of keys are {known}")]
    UnknownField {
        /// The field named.
        field: String,
        /// The fields that there are.
        known: String,
    },
    /// A field whose name cannot name a model.
    #[error("keys.fields names {field:?}, which cannot name a model: {why}")]
    FieldName {
        /// The field named.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// A row's equations have no stable solution: the regularisation is too small.
    #[error("the normal equations of {side} {row} are singular: raise ials.lambda")]
    Singular {
        /// `user` or `item`.
        side: &'static str,
        /// Its index.
        row: usize,
    },
    /// The recipe cannot be written down.
    #[error("the recipe cannot be written as TOML: {0}")]
    Recipe(String),
}

/// Refuses a parameter outside its range, in words.
pub(crate) fn require(
    holds: bool,
    model: &'static str,
    field: &'static str,
    value: impl std::fmt::Display,
    expected: &'static str,
) -> Result<(), FitError> {
    if holds {
        return Ok(());
    }
    Err(FitError::Params { model, field, value: value.to_string(), expected })
}
