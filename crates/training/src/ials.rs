//! Implicit alternating least squares: user and item vectors that meet by inner product.
//!
//! The objective is that of Hu, Koren and Volinsky 2008 with the frequency-scaled regularisation
//! of Rendle, Krichene, Zhang and Koren 2021, "Revisiting the performance of iALS": in each sweep
//! every row is the exact minimiser against the other side, so the objective never rises.

use std::sync::Arc;

use gannet_core::{Progress, SparseRows};
use gannet_dataset::TrainSet;
use gannet_models::{Factors, FoldIn, FoldInSolver};
use gannet_vectors::Matrix;
use rand::SeedableRng;
use rand_distr::{Distribution, Normal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::fit_error::{FitError, require};

/// Largest dimension of the exact solver: above it a row's Cholesky outweighs everything.
pub const IALS_DIM_MAX: usize = 128;

/// Hyper-parameters of [`fit_ials`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IalsParams {
    /// Components of a vector, 1 to [`IALS_DIM_MAX`].
    pub dim: usize,
    /// Sweeps over users and items.
    pub iterations: usize,
    /// Regularisation.
    pub lambda: f32,
    /// Weight of unobserved pairs beside an observed one of strength 1.
    pub alpha0: f32,
    /// Exponent of the frequency scaling: 0 regularises all rows alike, 1 by their events.
    pub nu: f32,
    /// Seed of the starting vectors.
    pub seed: u64,
}

impl Default for IalsParams {
    fn default() -> Self {
        Self { dim: 64, iterations: 16, lambda: 0.001, alpha0: 0.03, nu: 1.0, seed: 1 }
    }
}

impl IalsParams {
    /// Checks the ranges.
    pub fn validate(&self) -> Result<(), FitError> {
        let model = "ials";
        let positive = |value: f32| value.is_finite() && value > 0.0;
        let dim = (1..=IALS_DIM_MAX).contains(&self.dim);
        require(dim, model, "dim", self.dim, "1 to 128: the solver is exact and cubic in it")?;
        require(self.iterations > 0, model, "iterations", self.iterations, "1 or more")?;
        require(positive(self.lambda), model, "lambda", self.lambda, "above 0")?;
        require(positive(self.alpha0), model, "alpha0", self.alpha0, "above 0")?;
        require((0.0..=1.0).contains(&self.nu), model, "nu", self.nu, "0 to 1")
    }
}

/// Fits vectors on the positive pairs with all cores. The same seed gives the same bits on one
/// machine, whatever the number of threads: no sum depends on how rows are shared out.
pub fn fit_ials(
    train: &TrainSet,
    params: &IalsParams,
    version: &str,
    progress: &dyn Progress,
) -> Result<Factors, FitError> {
    params.validate()?;
    factors_of(&train.positives(), params, version, progress)
}

pub(crate) fn factors_of(
    items_of_users: &SparseRows,
    params: &IalsParams,
    version: &str,
    progress: &dyn Progress,
) -> Result<Factors, FitError> {
    let users_of_items = items_of_users.transpose();
    let (mut users, mut items) = start(items_of_users, params);
    progress.begin("fitting ials", Some(params.iterations as u64), "sweeps");
    for _ in 0..params.iterations {
        sweep(&mut users, items_of_users, &items, params, "user")?;
        sweep(&mut items, &users_of_items, &users, params, "item")?;
        progress.advance(1);
    }
    // Users last: their vectors are then what folding in their histories gives.
    let fold_in = sweep(&mut users, items_of_users, &items, params, "user")?;
    progress.end();
    Ok(Factors {
        version: version.to_owned(),
        items: Arc::new(items),
        users: Arc::new(users),
        fold_in: Some(fold_in),
    })
}

/// Zeros for users, who are solved first, and small normal values for items with events.
pub(crate) fn start(items_of_users: &SparseRows, params: &IalsParams) -> (Matrix, Matrix) {
    let users = Matrix::zeros(items_of_users.height(), params.dim);
    let mut items = Matrix::zeros(items_of_users.width() as usize, params.dim);
    let spread = 0.1 / (params.dim as f32).sqrt();
    let normal = Normal::new(0.0, spread).expect("the spread is positive and finite");
    let mut random = Xoshiro256PlusPlus::seed_from_u64(params.seed);
    items.values_mut().fill_with(|| normal.sample(&mut random));
    (users, items)
}

/// Makes every row of `side` the minimiser against `others`, and returns their problem.
pub(crate) fn sweep(
    side: &mut Matrix,
    pairs: &SparseRows,
    others: &Matrix,
    params: &IalsParams,
    name: &'static str,
) -> Result<FoldIn, FitError> {
    let dim = params.dim;
    let problem = FoldIn::new(others, 1.0, params.lambda, params.alpha0, params.nu);
    side.values_mut()
        .par_chunks_mut(dim)
        .enumerate()
        .map_init(
            || FoldInSolver::new(dim),
            |solver, (row, solution)| {
                solver
                    .solve(&problem, others, pairs.row(row), solution)
                    .map_err(|_| FitError::Singular { side: name, row })
            },
        )
        .collect::<Result<(), FitError>>()?;
    Ok(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs() -> impl Strategy<Value = SparseRows> {
        prop::collection::vec(prop::collection::btree_map(0u32..11, 0.2f32..3.0, 0..6), 1..15)
            .prop_map(|rows| SparseRows::from_rows(11, rows))
    }

    /// The objective of the paper, written down as it stands there, in f64.
    fn objective(users: &Matrix, items: &Matrix, pairs: &SparseRows, params: &IalsParams) -> f64 {
        let product = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let (alpha0, by_item) = (f64::from(params.alpha0), pairs.transpose());
        let mut loss = 0.0;
        for (user, vector) in users.rows().enumerate() {
            loss += items.rows().map(|item| alpha0 * product(vector, item).powi(2)).sum::<f64>();
            for (item, strength) in pairs.entries(user) {
                let miss = 1.0 - product(vector, items.row(item as usize));
                loss += f64::from(strength) * miss * miss;
            }
        }
        let penalty = |side: &Matrix, pairs: &SparseRows, others: usize| -> f64 {
            let row = |(row, vector): (usize, &[f32])| {
                let scale = pairs.row(row).0.len() as f64 + alpha0 * others as f64;
                let weight = f64::from(params.lambda) * scale.powf(f64::from(params.nu));
                weight * product(vector, vector)
            };
            side.rows().enumerate().map(row).sum()
        };
        loss + penalty(users, pairs, items.height()) + penalty(items, &by_item, users.height())
    }

    proptest! {
        #[test]
        fn the_objective_never_rises(pairs in pairs(), nu in 0f32..1.0, seed in any::<u64>()) {
            let params =
                IalsParams { dim: 3, lambda: 0.05, alpha0: 0.2, nu, seed, ..Default::default() };
            let by_item = pairs.transpose();
            let (mut users, mut items) = start(&pairs, &params);
            sweep(&mut users, &pairs, &items, &params, "user").unwrap();
            let mut before = objective(&users, &items, &pairs, &params);
            for _ in 0..6 {
                sweep(&mut items, &by_item, &users, &params, "item").unwrap();
                let between = objective(&users, &items, &pairs, &params);
                sweep(&mut users, &pairs, &items, &params, "user").unwrap();
                let after = objective(&users, &items, &pairs, &params);
                let slack = 1e-4 * (1.0 + before.abs());
                prop_assert!(between <= before + slack && after <= between + slack);
                before = after;
            }
        }

        #[test]
        fn threads_do_not_change_a_bit(pairs in pairs(), seed in any::<u64>()) {
            let params = IalsParams { dim: 5, iterations: 3, seed, ..Default::default() };
            let fit = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| factors_of(&pairs, &params, "1", &gannet_core::Silent).unwrap())
            };
            prop_assert_eq!(fit(1), fit(3));
        }
    }
}
