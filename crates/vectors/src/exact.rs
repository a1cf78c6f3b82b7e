//! Exact search: every row of the mask is scored.

use std::sync::Arc;

use crate::kernel::Kernel;
use crate::mask::RowMask;
use crate::matrix::Matrix;
use crate::search::{SearchError, SearchOutcome, VectorSearch};
use crate::top_k::TopK;

/// Rows scored together: one word of the mask, 16 KB of rows at 64 dimensions.
const BLOCK: usize = 64;
/// From so many rows of a block on, scoring all of it costs less than picking them one by one.
const DENSE_FROM: u32 = 48;
/// `stop` is asked once in so many blocks: a clock reading costs as much as a few rows.
const STOP_EVERY: usize = 16;

/// Scores every row: the oracle of every approximate index.
#[derive(Debug, Clone)]
pub struct ExactSearch {
    rows: Arc<Matrix>,
    kernel: Kernel,
}

impl ExactSearch {
    /// Searches these rows.
    pub fn new(rows: Arc<Matrix>) -> Self {
        Self::with_kernel(rows, Kernel::detect())
    }

    /// Searches these rows with one form of the kernels: for tests and benchmarks.
    pub fn with_kernel(rows: Arc<Matrix>, kernel: Kernel) -> Self {
        Self { rows, kernel }
    }

    fn score_block(&self, query: &[f32], first: usize, word: u64, top: &mut TopK) {
        let dim = self.dim();
        let height = BLOCK.min(self.len() - first);
        if word.count_ones() < DENSE_FROM.min(height as u32) {
            for bit in bits(word) {
                let row = first + bit;
                top.offer(row as u32, self.kernel.dot(query, self.rows.row(row)));
            }
            return;
        }
        let mut scores = [0.0f32; BLOCK];
        let rows = &self.rows.values()[first * dim..][..height * dim];
        self.kernel.dot_rows(query, rows, &mut scores[..height]);
        // One pass without branches over 64 scores: most blocks have nothing to offer.
        let threshold = top.threshold();
        let mut good = 0u64;
        for (bit, score) in scores.iter().enumerate() {
            good |= u64::from(*score >= threshold) << bit;
        }
        for bit in bits(good & word) {
            top.offer((first + bit) as u32, scores[bit]);
        }
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
        SearchError::check_query(query, self.dim())?;
        let mut top = TopK::new(k);
        for at in 0..self.len().div_ceil(BLOCK) {
            if at % STOP_EVERY == 0 && stop() {
                return Ok(SearchOutcome { neighbours: top.into_sorted(), complete: false });
            }
            let first = at * BLOCK;
            // A mask may say yes past the end; there is nothing there to return.
            let inside = match self.len() - first {
                left @ 0..BLOCK => (1u64 << left) - 1,
                _ => u64::MAX,
            };
            let word = mask.word(at) & inside;
            if word != 0 {
                self.score_block(query, first, word, &mut top);
            }
        }
        Ok(SearchOutcome { neighbours: top.into_sorted(), complete: true })
    }
}

/// The positions of the bits that are set, ascending.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize);
        word &= word.wrapping_sub(1);
        bit
    })
}
