//! Matrix factorisation: user and item vectors of one space.

use std::sync::Arc;

use gannet_core::ItemIndex;
use gannet_vectors::{ExactSearch, Matrix, VectorSearch};

use crate::arrays::{Arrays, ArraysError, Part, require_length};
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

impl Part for Factors {
    const KIND: &'static str = "factors";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put_text("version", &self.version);
        arrays.put_matrix("items", &self.items);
        arrays.put_matrix("users", &self.users);
        if let Some(problem) = &self.fold_in {
            arrays.put_matrix("gram", &problem.gram);
            arrays.put_text("alpha", problem.alpha);
            arrays.put_text("lambda", problem.lambda);
            arrays.put_text("alpha0", problem.alpha0);
            arrays.put_text("nu", problem.nu);
        }
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let version = arrays.text("version")?.to_owned();
        let items = arrays.take_matrix("items")?;
        let users = arrays.take_matrix("users")?;
        let dim = items.dim();
        require_length("users.dim", users.dim(), dim)?;
        let fold_in = match arrays.arrays.contains_key("gram") || arrays.texts.contains_key("nu") {
            false => None,
            true => {
                let gram = arrays.take_matrix("gram")?;
                require_length("gram.dim", gram.dim(), dim)?;
                require_length("gram", gram.height(), dim)?;
                let (positive, natural) = (|value| value > 0.0, |value| value >= 0.0);
                Some(FoldIn {
                    gram,
                    alpha: arrays.number("alpha", positive)?,
                    lambda: arrays.number("lambda", natural)?,
                    alpha0: arrays.number("alpha0", natural)?,
                    nu: arrays.number("nu", natural)?,
                })
            }
        };
        Ok(Self { version, items: Arc::new(items), users: Arc::new(users), fold_in })
    }
}
