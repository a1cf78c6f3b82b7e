//! Item-to-item lists from who liked what: cosine with shrinkage and three popularity exponents.
//!
//! `similarity(i -> j) = Σ_u n_u^-a s_ui s_uj / (|i|^(2b) |j|^(2c) + shrinkage)`. With `a = 0` and
//! `b = c = 0.5` it is the plain cosine; `a` says that a user who liked everything tells little
//! (inverse user frequency); `b` and `c` weigh trigger and neighbour by popularity as the
//! asymmetric cosine (Aiolli 2013) and RP3beta (Christoffel et al. 2015) do.

use gannet_dataset::TrainSet;
use gannet_models::ItemNeighbours;
use serde::{Deserialize, Serialize};

use crate::fit_error::{FitError, require};
use crate::neighbour_lists::{ListLimits, best_through_users};
use crate::pairs::Pairs;
use crate::recipe::Bounds;

/// Hyper-parameters of [`fit_item_neighbours`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ItemCfParams {
    /// Length of each list.
    pub neighbours: usize,
    /// Added to the product of lengths: few shared users say little.
    pub shrinkage: f32,
    /// `a`: how much a user of many items counts less, 0 to 2.
    pub user_exponent: f32,
    /// `b`: how much the trigger's popularity divides, 0 to 1.
    pub trigger_exponent: f32,
    /// `c`: how much the neighbour's popularity divides, 0 to 1.
    pub neighbour_exponent: f32,
    /// How much older triggers count less when a user is served: `(1 + place)^-e`, 0 to 2. It
    /// changes no list; where the data has no times it is taken as 0.
    pub recency_exponent: f32,
}

impl Default for ItemCfParams {
    fn default() -> Self {
        Self {
            neighbours: 200,
            shrinkage: 1.0,
            user_exponent: 0.5,
            trigger_exponent: 0.5,
            neighbour_exponent: 0.5,
            recency_exponent: 0.0,
        }
    }
}

impl ItemCfParams {
    pub(crate) fn fitting(&self, train: &TrainSet) -> Self {
        let recency_exponent = timed_recency(train, self.recency_exponent);
        Self { recency_exponent, ..self.clone() }
    }

    /// Checks the ranges.
    pub fn validate(&self) -> Result<(), FitError> {
        let model = "item_cf";
        let exponent = |value: f32, high| (0.0..=high).contains(&value);
        let positive = self.shrinkage.is_finite() && self.shrinkage >= 0.0;
        require(self.neighbours > 0, model, "neighbours", self.neighbours, "1 or more")?;
        require(positive, model, "shrinkage", self.shrinkage, "0 or more")?;
        let (a, b, c) = (self.user_exponent, self.trigger_exponent, self.neighbour_exponent);
        require(exponent(a, 2.0), model, "user_exponent", a, "0 to 2")?;
        require(exponent(b, 1.0), model, "trigger_exponent", b, "0 to 1")?;
        require(exponent(c, 1.0), model, "neighbour_exponent", c, "0 to 1")?;
        let recency = self.recency_exponent;
        require(exponent(recency, 2.0), model, "recency_exponent", recency, "0 to 2")
    }
}

/// A recency exponent, or 0 where an event has no time: the order of events then means nothing, and
/// a validation part that happens to like it is wrong.
pub(crate) fn timed_recency(train: &TrainSet, exponent: f32) -> f32 {
    let is_timed = train.all_events().iter().all(|event| event.time.is_some());
    if is_timed { exponent } else { 0.0 }
}

/// Builds the list of every item from the positive pairs of each user's newest
/// [`Bounds::history_max`] items. Costs `Σ_u n_u²` additions; a list holds only items with a
/// similarity above zero.
pub fn fit_item_neighbours(
    train: &TrainSet,
    params: &ItemCfParams,
    bounds: &Bounds,
) -> Result<ItemNeighbours, FitError> {
    params.validate()?;
    let pairs = Pairs::newest(train, bounds.history_max);
    Ok(item_neighbours_of(&pairs, &params.fitting(train), bounds))
}

pub(crate) fn item_neighbours_of(
    pairs: &Pairs,
    params: &ItemCfParams,
    bounds: &Bounds,
) -> ItemNeighbours {
    let user_weights: Vec<f32> = (0..pairs.by_user.height())
        .map(|user| (pairs.by_user.row(user).0.len() as f32).powf(-params.user_exponent))
        .collect();
    let squares: Vec<f32> = (0..pairs.item_count())
        .map(|item| pairs.by_item.row(item).1.iter().map(|s| s * s).sum())
        .collect();
    let power = |exponent: f32| -> Vec<f32> { squares.iter().map(|s| s.powf(exponent)).collect() };
    let (of_trigger, of_neighbour) =
        (power(params.trigger_exponent), power(params.neighbour_exponent));
    let limits = ListLimits { neighbours: params.neighbours, entries_max: bounds.entries_max };
    best_through_users(
        pairs,
        &pairs.by_user,
        limits,
        params.recency_exponent,
        |_, user, strength| strength * user_weights[user as usize],
        |item, other, sum| {
            let length = of_trigger[item] * of_neighbour[other as usize];
            sum / (length + params.shrinkage)
        },
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use gannet_core::SparseRows;
    use proptest::prelude::*;

    /// Up to 14 users who like some of 9 items.
    pub(crate) fn pairs() -> impl Strategy<Value = SparseRows> {
        prop::collection::vec(prop::collection::btree_map(0u32..9, 0.2f32..3.0, 0..9), 0..14)
            .prop_map(|rows| SparseRows::from_rows(9, rows))
    }

    /// The formula on dense matrices in f64.
    fn naive(pairs: &SparseRows, params: &ItemCfParams) -> Vec<Vec<f64>> {
        let mut dense = vec![[0.0f64; 9]; pairs.height()];
        for (user, row) in dense.iter_mut().enumerate() {
            pairs.entries(user).for_each(|(item, s)| row[item as usize] = f64::from(s));
        }
        let square = |item: usize| dense.iter().map(|row| row[item] * row[item]).sum::<f64>();
        let similarity = |i: usize, j: usize| {
            let shared = dense.iter().map(|row| {
                let n = row.iter().filter(|s| **s > 0.0).count().max(1) as f64;
                n.powf(-f64::from(params.user_exponent)) * row[i] * row[j]
            });
            let length = square(i).powf(f64::from(params.trigger_exponent))
                * square(j).powf(f64::from(params.neighbour_exponent));
            shared.sum::<f64>() / (length + f64::from(params.shrinkage))
        };
        (0..9)
            .map(|i| (0..9).map(|j| if i == j { 0.0 } else { similarity(i, j) }).collect())
            .collect()
    }

    /// Whether every list holds the best of a row of similarities, the best first.
    pub(crate) fn assert_lists(model: &ItemNeighbours, expected: &[Vec<f64>], neighbours: usize) {
        for (item, expected) in expected.iter().enumerate() {
            let list: Vec<_> = model.lists.entries(item).collect();
            let possible = expected.iter().filter(|value| **value > 0.0).count();
            assert_eq!(list.len(), possible.min(neighbours));
            assert!(list.windows(2).all(|pair| pair[0].1 >= pair[1].1));
            for (other, value) in &list {
                let expected = expected[*other as usize];
                assert!((f64::from(*value) - expected).abs() < 1e-4 * (1.0 + expected));
            }
            let last = list.last().map_or(0.0, |last| f64::from(last.1));
            for (other, value) in expected.iter().enumerate() {
                let kept = list.iter().any(|(at, _)| *at as usize == other);
                assert!(kept || *value <= last + 1e-4 * (1.0 + last) || *value == 0.0);
            }
        }
    }

    proptest! {
        #[test]
        fn equals_the_formula_on_dense_matrices(
            pairs in pairs(),
            neighbours in 1usize..10,
            shrinkage in 0.1f32..5.0,
            exponents in (0f32..1.0, 0f32..1.0, 0f32..1.0),
        ) {
            let params = ItemCfParams {
                neighbours,
                shrinkage,
                user_exponent: exponents.0,
                trigger_exponent: exponents.1,
                neighbour_exponent: exponents.2,
                recency_exponent: 0.0,
            };
            let expected = naive(&pairs, &params);
            let model = item_neighbours_of(&Pairs::of(pairs), &params, &Bounds::default());
            assert_lists(&model, &expected, neighbours);
        }
    }
}
