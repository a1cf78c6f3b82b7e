//! Who liked what, both ways round, with the weights by which users are compared.

use gannet_dataset::TrainSet;
use gannet_models::UserItems;
use serde::{Deserialize, Serialize};

use crate::fit_error::{FitError, require};
use crate::item_cf::timed_recency;
use crate::pairs::Pairs;
use crate::recipe::Bounds;

/// Hyper-parameters of [`fit_user_items`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserCfParams {
    /// How many nearest users speak.
    pub neighbours: usize,
    /// Added to the product of lengths: few shared items say little.
    pub shrinkage: f32,
    /// How much a popular item counts less when users are compared: `users^-exponent`, 0 to 2.
    pub item_exponent: f32,
    /// How much older items of the asking user count less: `(1 + place)^-e`, 0 to 2.
    pub recency_exponent: f32,
}

impl Default for UserCfParams {
    fn default() -> Self {
        Self { neighbours: 200, shrinkage: 1.0, item_exponent: 0.5, recency_exponent: 0.0 }
    }
}

impl UserCfParams {
    /// The same without recency where the data has no times.
    pub(crate) fn fitting(&self, train: &TrainSet) -> Self {
        let recency_exponent = timed_recency(train, self.recency_exponent);
        Self { recency_exponent, ..self.clone() }
    }

    /// Checks the ranges.
    pub fn validate(&self) -> Result<(), FitError> {
        let (model, exponent) = ("user_items", self.item_exponent);
        let positive = self.shrinkage.is_finite() && self.shrinkage >= 0.0;
        require(self.neighbours > 0, model, "neighbours", self.neighbours, "1 or more")?;
        require(positive, model, "shrinkage", self.shrinkage, "0 or more")?;
        require((0.0..=2.0).contains(&exponent), model, "item_exponent", exponent, "0 to 2")?;
        let recency = self.recency_exponent;
        require((0.0..=2.0).contains(&recency), model, "recency_exponent", recency, "0 to 2")
    }
}

/// Gathers the positive pairs; the neighbours themselves are found at request time, so that a
/// user's newest events count. `similarity(u, v) = Σ w_i s_ui s_vi / (|u| |v| + shrinkage)` with
/// `|u|² = Σ w_i s_ui²` and `w_i = n_i^-item_exponent`.
pub fn fit_user_items(
    train: &TrainSet,
    params: &UserCfParams,
    bounds: &Bounds,
) -> Result<UserItems, FitError> {
    params.validate()?;
    let pairs = Pairs::newest(train, bounds.history_max);
    Ok(user_items_of(pairs, &params.fitting(train)))
}

pub(crate) fn user_items_of(pairs: Pairs, params: &UserCfParams) -> UserItems {
    let Pairs { by_user: items_of_users, by_item: users_of_items } = pairs;
    let weight = |item: usize| {
        let users = users_of_items.row(item).0.len().max(1) as f32;
        users.powf(-params.item_exponent)
    };
    let item_weights: Vec<f32> = (0..users_of_items.height()).map(weight).collect();
    let norm = |user: usize| {
        let squares =
            items_of_users.entries(user).map(|(item, s)| item_weights[item as usize] * s * s);
        squares.sum::<f32>().sqrt()
    };
    let user_norms = (0..items_of_users.height()).map(norm).collect();
    UserItems {
        users_of_items,
        item_weights,
        user_norms,
        items_of_users,
        shrinkage: params.shrinkage,
        neighbour_count: params.neighbours,
        recency_exponent: params.recency_exponent,
    }
}
