//! Item-to-item lists by a random walk of three steps that popular items attract less: RP3beta
//! (Paudel, Christoffel, Newell, Bernstein, "Updatable, accurate, diverse, and scalable
//! recommendations for interactive applications", TiiS 2017; first at RecSys 2015).
//!
//! A walk goes from a trigger to one of its users and on to one of that user's items:
//! `similarity(i -> j) = |j|^-beta Σ_u P(i -> u)^alpha P(u -> j)^alpha`, with `P` in proportion to
//! the strength of the pair and `|j|` the users of `j`. The user's own first step, from him to his
//! items, is the channel's: it sums lists over the triggers. With `alpha` below 1 a list no longer
//! sums to the 1 that a walk from its trigger amounts to, and the further from it the more users
//! the trigger has; so each list is divided by its sum, as in the evaluation of Ferrari Dacrema et
//! al., "A Troubling Analysis of Reproducibility and Progress in Recommender Systems Research",
//! TOIS 2021.

use std::borrow::Cow;

use gannet_core::SparseRows;
use gannet_dataset::TrainSet;
use gannet_models::ItemNeighbours;
use serde::{Deserialize, Serialize};

use crate::fit_error::{FitError, require};
use crate::item_cf::timed_recency;
use crate::neighbour_lists::{ListLimits, best_through_users};
use crate::pairs::Pairs;
use crate::recipe::Bounds;

/// Hyper-parameters of [`fit_rp3beta`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rp3betaParams {
    /// Length of each list.
    pub neighbours: usize,
    /// Power of each step's probability, 0 to 2; 1 is the plain walk.
    pub alpha: f32,
    /// How much the neighbour's popularity divides, 0 to 1.
    pub beta: f32,
    /// Whether the entries of a list are divided by their sum, so that every trigger says as much.
    pub normalised: bool,
    /// How much older triggers count less when a user is served, as in `item_cf`.
    pub recency_exponent: f32,
}

impl Default for Rp3betaParams {
    fn default() -> Self {
        Self { neighbours: 200, alpha: 0.6, beta: 0.3, normalised: true, recency_exponent: 0.0 }
    }
}

impl Rp3betaParams {
    pub(crate) fn fitting(&self, train: &TrainSet) -> Self {
        let recency_exponent = timed_recency(train, self.recency_exponent);
        Self { recency_exponent, ..self.clone() }
    }

    /// Checks the ranges.
    pub fn validate(&self) -> Result<(), FitError> {
        let model = "rp3beta";
        let within = |value: f32, high| (0.0..=high).contains(&value);
        require(self.neighbours > 0, model, "neighbours", self.neighbours, "1 or more")?;
        require(within(self.alpha, 2.0), model, "alpha", self.alpha, "0 to 2")?;
        require(within(self.beta, 1.0), model, "beta", self.beta, "0 to 1")?;
        let recency = self.recency_exponent;
        require(within(recency, 2.0), model, "recency_exponent", recency, "0 to 2")
    }
}

/// Builds the list of every item from the positive pairs of each user's newest
/// [`Bounds::history_max`] items.
pub fn fit_rp3beta(
    train: &TrainSet,
    params: &Rp3betaParams,
    bounds: &Bounds,
) -> Result<ItemNeighbours, FitError> {
    params.validate()?;
    let pairs = Pairs::newest(train, bounds.history_max);
    Ok(rp3beta_of(&pairs, &params.fitting(train), bounds))
}

pub(crate) fn rp3beta_of(pairs: &Pairs, params: &Rp3betaParams, bounds: &Bounds) -> ItemNeighbours {
    let alpha = params.alpha;
    let from_user = row_sums(&pairs.by_user, -alpha);
    let from_item = row_sums(&pairs.by_item, -alpha);
    let powered = powered(&pairs.by_user, alpha);
    let penalty: Vec<f32> = (0..pairs.item_count())
        .map(|item| (pairs.users_of(item).max(1) as f32).powf(-params.beta))
        .collect();
    let limits = ListLimits { neighbours: params.neighbours, entries_max: bounds.entries_max };
    let mut model = best_through_users(
        pairs,
        &powered,
        limits,
        params.recency_exponent,
        |item, user, strength| strength.powf(alpha) * from_item[item] * from_user[user as usize],
        |_, other, sum| sum * penalty[other as usize],
    );
    if params.normalised {
        model.lists = model.lists.with_row_sums_of_one();
    }
    model
}

/// The sum of each row to a power.
fn row_sums(rows: &SparseRows, power: f32) -> Vec<f32> {
    (0..rows.height()).map(|row| rows.row(row).1.iter().sum::<f32>().powf(power)).collect()
}

/// Every value to a power; the matrix itself where all are 1, as in most implicit data.
fn powered(rows: &SparseRows, power: f32) -> Cow<'_, SparseRows> {
    match power == 1.0 || rows.parts().2.iter().all(|value| *value == 1.0) {
        true => Cow::Borrowed(rows),
        false => Cow::Owned(rows.map_values(|value| value.powf(power))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item_cf::tests::{assert_lists, pairs};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_walk_on_dense_matrices(
            rows in pairs(),
            neighbours in 1usize..10,
            alpha in 0f32..2.0,
            beta in 0f32..1.0,
        ) {
            let params =
                Rp3betaParams { neighbours, alpha, beta, normalised: false, recency_exponent: 0.0 };
            let mut dense = vec![[0.0f64; 9]; rows.height()];
            for (user, row) in dense.iter_mut().enumerate() {
                rows.entries(user).for_each(|(item, s)| row[item as usize] = f64::from(s));
            }
            let (alpha, beta) = (f64::from(alpha), f64::from(beta));
            let expected: Vec<Vec<f64>> = (0..9).map(|i| (0..9).map(|j| {
                if i == j { return 0.0; }
                let of_i: f64 = dense.iter().map(|row| row[i]).sum();
                let users_of_j = dense.iter().filter(|row| row[j] > 0.0).count().max(1) as f64;
                let walk = dense.iter().filter(|row| row[i] > 0.0 && row[j] > 0.0).map(|row| {
                    let of_user: f64 = row.iter().sum();
                    (row[i] / of_i).powf(alpha) * (row[j] / of_user).powf(alpha)
                });
                walk.sum::<f64>() / users_of_j.powf(beta)
            }).collect()).collect();
            let pairs = Pairs::of(rows);
            let model = rp3beta_of(&pairs, &params, &Bounds::default());
            assert_lists(&model, &expected, neighbours);
            let params = Rp3betaParams { normalised: true, ..params };
            let normalised = rp3beta_of(&pairs, &params, &Bounds::default());
            prop_assert_eq!(normalised.lists, model.lists.with_row_sums_of_one());
        }
    }
}
