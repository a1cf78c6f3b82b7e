//! Matrix factorisation: user and item vectors of one space.

use std::sync::Arc;

use gannet_vectors::Matrix;

/// Why a user could not be folded in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactorsError {
    /// The system of equations has no stable solution.
    #[error("the normal equations of this history are singular")]
    Singular,
}

/// Vectors trained against one another: a user's inner product with an item is its score.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// Version of this model: query vectors of another one are refused.
    pub version: String,
    /// One row an item.
    pub items: Arc<Matrix>,
    /// One row a user of the snapshot's histories.
    pub users: Arc<Matrix>,
    /// What folding in needs: `None` for vectors that were not trained by least squares.
    pub fold_in: Option<FoldIn>,
}

/// The fixed part of the least-squares problem of one user (Hu, Koren and Volinsky 2008, eq. 4).
#[derive(Debug, Clone, PartialEq)]
pub struct FoldIn {
    /// `alpha0 * YᵀY` of the item vectors, dim x dim.
    pub gram: Matrix,
    /// Extra confidence of an observed event beside the `alpha0` of everything.
    pub alpha: f32,
    /// L2 regularisation of a user with `n` events: `lambda * (n + alpha0 * items)^nu`.
    pub lambda: f32,
    /// Weight of unobserved pairs.
    pub alpha0: f32,
    /// Exponent of the frequency-scaled regularisation.
    pub nu: f32,
}
