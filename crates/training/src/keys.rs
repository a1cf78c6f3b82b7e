//! Inverted lists from the keys of fields (tags, author, music ...) to items.

use gannet_core::{Catalogue, Column};
use gannet_models::{KeyIndex, Popularity};
use serde::{Deserialize, Serialize};

use crate::fit_error::{FitError, require};

/// Hyper-parameters of [`fit_key_indexes`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysParams {
    /// The fields that get lists: `tags`, `author`, and any text field of the catalogue.
    pub fields: Vec<String>,
    /// What a tag one level up counts beside the tag itself, 0 to 1.
    pub ancestor_discount: f32,
}

impl Default for KeysParams {
    fn default() -> Self {
        Self { fields: vec!["tags".to_owned(), "author".to_owned()], ancestor_discount: 0.5 }
    }
}

impl KeysParams {
    /// Checks the ranges.
    pub fn validate(&self) -> Result<(), FitError> {
        let discount = self.ancestor_discount;
        let repeated = |at: usize| self.fields[..at].contains(&self.fields[at]);
        if let Some(at) = (0..self.fields.len()).find(|at| repeated(*at)) {
            let (field, expected) = (self.fields[at].clone(), "each field once");
            return Err(FitError::Params {
                model: "keys",
                field: "fields",
                value: field,
                expected,
            });
        }
        require((0.0..=1.0).contains(&discount), "keys", "ancestor_discount", discount, "0 to 1")
    }
}

/// Builds one index a field, in the order of the fields; each list the most popular first. A field
/// that no item has a key of gets an index of no lists, so that a channel on it finds nothing
/// instead of failing. A name that is no field of keys of the catalogue is refused.
pub fn fit_key_indexes(
    catalogue: &Catalogue,
    params: &KeysParams,
    popularity: &Popularity,
) -> Result<Vec<KeyIndex>, FitError> {
    params.validate()?;
    let unknown = |field: &&String| catalogue.key_field(field).is_none();
    if let Some(field) = params.fields.iter().find(unknown) {
        return Err(FitError::UnknownField {
            field: field.clone(),
            known: known_fields(catalogue),
        });
    }
    let discount = params.ancestor_discount;
    let index = |field: &String| KeyIndex::by_worth(catalogue, field, discount, popularity);
    Ok(params.fields.iter().filter_map(index).collect())
}

/// Every field of keys of a catalogue, for people.
fn known_fields(catalogue: &Catalogue) -> String {
    let fields = catalogue.fields();
    let is_text = |at: &_| matches!(fields.column(*at), Column::Text { .. });
    let texts = fields.indices().filter(is_text).map(|at| fields.name(at));
    ["tags", "author"].into_iter().chain(texts).collect::<Vec<_>>().join(", ")
}
