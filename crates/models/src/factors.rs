//! Matrix factorisation: user and item vectors of one space.

use std::sync::Arc;

use gannet_core::ItemIndex;
use gannet_vectors::{ExactSearch, Matrix, VectorSearch};

use crate::fold_in::{FactorsError, FoldIn, FoldInSolver};

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

impl Factors {
    /// The vector of a user with these positive events, as `(item, strength)` in any order: the
    /// exact minimiser that training computes for its own users. Of an item given twice the
    /// strongest event counts; strengths that are not above zero are left out. Without any
    /// event the vector is zero, which scores every item alike: callers look at that first.
    pub fn fold_in(&self, events: &[(ItemIndex, f32)]) -> Result<Vec<f32>, FactorsError> {
        let problem = self.fold_in.as_ref().ok_or(FactorsError::NoFoldIn)?;
        let mut events: Vec<_> = events.iter().filter(|(_, strength)| *strength > 0.0).collect();
        if let Some((item, _)) = events.iter().find(|(item, _)| item.at() >= self.items.height()) {
            let items = self.items.height();
            return Err(FactorsError::UnknownItem { item: item.0, items });
        }
        events.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        events.dedup_by_key(|(item, _)| *item);
        let rows: Vec<u32> = events.iter().map(|(item, _)| item.0).collect();
        let strengths: Vec<f32> = events.iter().map(|(_, strength)| *strength).collect();
        let mut solution = vec![0.0; self.items.dim()];
        FoldInSolver::new(self.items.dim()).solve(
            problem,
            &self.items,
            (&rows, &strengths),
            &mut solution,
        )?;
        Ok(solution)
    }

    /// The search over the item vectors. Cheap to make: a channel asks once and keeps it. Exact
    /// for now; an approximate index would stand here instead, behind the same trait.
    pub fn search(&self) -> Arc<dyn VectorSearch> {
        Arc::new(ExactSearch::new(self.items.clone()))
    }
}
