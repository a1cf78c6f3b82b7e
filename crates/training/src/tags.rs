//! Inverted lists from tags to items.

use gannet_dataset::TrainSet;
use gannet_models::TagIndex;
use serde::{Deserialize, Serialize};

use crate::fit_error::{FitError, require};

/// Hyper-parameters of [`fit_tag_index`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TagIndexParams {
    /// What a tag one level up counts beside the tag itself, 0 to 1.
    pub ancestor_discount: f32,
}

impl Default for TagIndexParams {
    fn default() -> Self {
        Self { ancestor_discount: 0.5 }
    }
}

impl TagIndexParams {
    /// Checks the ranges.
    pub fn validate(&self) -> Result<(), FitError> {
        let discount = self.ancestor_discount;
        require((0.0..=1.0).contains(&discount), "tags", "ancestor_discount", discount, "0 to 1")
    }
}

/// Builds the lists of the train set's catalogue; events play no part.
pub fn fit_tag_index(train: &TrainSet, params: &TagIndexParams) -> Result<TagIndex, FitError> {
    params.validate()?;
    Ok(TagIndex::of_catalogue(train.catalogue(), params.ancestor_discount))
}
