//! Inverted lists from tags to items.

use gannet_dataset::TrainSet;
use gannet_models::KeyIndex;
use serde::{Deserialize, Serialize};

use crate::fit_error::{FitError, require};

/// Hyper-parameters of [`fit_key_index`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyIndexParams {
    /// What a tag one level up counts beside the tag itself, 0 to 1.
    pub ancestor_discount: f32,
}

impl Default for KeyIndexParams {
    fn default() -> Self {
        Self { ancestor_discount: 0.5 }
    }
}

impl KeyIndexParams {
    /// Checks the ranges.
    pub fn validate(&self) -> Result<(), FitError> {
        let discount = self.ancestor_discount;
        require((0.0..=1.0).contains(&discount), "tags", "ancestor_discount", discount, "0 to 1")
    }
}

/// Builds the lists of the train set's catalogue; events play no part.
pub fn fit_key_index(train: &TrainSet, params: &KeyIndexParams) -> Result<KeyIndex, FitError> {
    params.validate()?;
    let index = KeyIndex::of_catalogue(train.catalogue(), "tags", params.ancestor_discount);
    Ok(index.expect("every catalogue has tags"))
}
