//! The trait behind which exact and approximate indexes stand.

use crate::mask::RowMask;

/// A row with its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// The row.
    pub row: u32,
    /// Its inner product with the query; never NaN.
    pub score: f32,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOutcome {
    /// Best first; equal scores in order of row; no duplicates.
    pub neighbours: Vec<Neighbour>,
    /// False where `stop` ended the search before every row was considered.
    pub complete: bool,
}

/// Why a query was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The query's length is not the index's dimension.
    #[error("the query has {got} dimensions, the index {expected}")]
    Dimension {
        /// Length of the query.
        got: usize,
        /// Dimension of the index.
        expected: usize,
    },
    /// A component is NaN or infinite.
    #[error("component {0} of the query is not a finite number")]
    NotFinite(usize),
}

impl SearchError {
    /// Refuses a query of another dimension or with a component that is not finite: what every
    /// implementation does first.
    pub fn check_query(query: &[f32], dim: usize) -> Result<(), Self> {
        if query.len() != dim {
            return Err(Self::Dimension { got: query.len(), expected: dim });
        }
        match query.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(Self::NotFinite(at)),
            None => Ok(()),
        }
    }
}

/// Finds the rows of highest inner product. Called by channels on worker threads, many at once.
/// Promises `min(k, rows in the mask)` rows unless stopped; `k` may be larger than the index.
pub trait VectorSearch: Send + Sync {
    /// Dimension of queries and rows.
    fn dim(&self) -> usize;

    /// Number of rows.
    fn len(&self) -> usize;

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The best `k` rows of `mask`; `stop` is asked now and then whether time is up.
    fn search(
        &self,
        query: &[f32],
        k: usize,
        mask: &dyn RowMask,
        stop: &dyn Fn() -> bool,
    ) -> Result<SearchOutcome, SearchError>;
}
