//! Exact search: every row of the mask is scored.

use crate::kernel::dot;
use crate::mask::RowMask;
use crate::matrix::Matrix;
use crate::search::{SearchError, SearchOutcome, VectorSearch};
use crate::top_k::TopK;

/// Scores every row: the oracle of every approximate index.
#[derive(Debug, Clone)]
pub struct ExactSearch {
    rows: std::sync::Arc<Matrix>,
}

impl ExactSearch {
    /// Searches these rows.
    pub fn new(rows: std::sync::Arc<Matrix>) -> Self {
        Self { rows }
    }
}

impl VectorSearch for ExactSearch {
    fn dim(&self) -> usize {
        self.rows.dim()
    }

    fn len(&self) -> usize {
        self.rows.height()
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        mask: &dyn RowMask,
        stop: &dyn Fn() -> bool,
    ) -> Result<SearchOutcome, SearchError> {
        if query.len() != self.dim() {
            return Err(SearchError::Dimension { got: query.len(), expected: self.dim() });
        }
        if let Some(at) = query.iter().position(|value| !value.is_finite()) {
            return Err(SearchError::NotFinite(at));
        }
        let mut top = TopK::new(k);
        for at in 0..self.len().div_ceil(64) {
            if stop() {
                return Ok(SearchOutcome { neighbours: top.into_sorted(), complete: false });
            }
            let mut word = mask.word(at);
            while word != 0 {
                let row = at * 64 + word.trailing_zeros() as usize;
                word &= word - 1;
                if row < self.len() {
                    top.offer(row as u32, dot(query, self.rows.row(row)));
                }
            }
        }
        Ok(SearchOutcome { neighbours: top.into_sorted(), complete: true })
    }
}
