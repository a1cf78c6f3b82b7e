//! How far a partition index must look for a wanted share of the exact answers: the cheapest effort
//! that reaches it on sample queries.
//!
//! Cost is counted in blocks compared, not in time: the same index, queries and wish give the same
//! effort on every machine, busy or idle.

use std::sync::Arc;

use rayon::prelude::*;

use crate::int8_search::{Int8Search, Query};
use crate::mask::AllRows;
use crate::matrix::Matrix;
use crate::partitions::{Effort, PartitionIndex};
use crate::search::{SearchError, SearchOutcome};

/// From hardly any to all.
const LEANS: [f32; 9] = [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1.0];
const REACHES: [f32; 6] = [1.2, 1.1, 1.0, 0.9, 0.75, 0.5];

/// What an effort finds on sample queries, and at which cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tried {
    /// The effort.
    pub effort: Effort,
    /// ANN recall: share of the exact best k that it finds.
    pub recall: f32,
    /// Blocks of 16 rows compared, the mean over queries.
    pub blocks: f32,
}

impl PartitionIndex {
    /// Takes the effort that compares the fewest blocks of those that find at least `recall` of the
    /// best `k` rows of the sample queries; where none does, the one that finds most. Codes all
    /// rows once more for the exact answers, and gives that memory back.
    pub fn tune(&mut self, queries: &Matrix, k: usize, recall: f32) -> Result<Tried, SearchError> {
        let asked: Vec<Query<'_>> =
            queries.rows().map(|values| Query { values, mask: &AllRows }).collect();
        let exact = Int8Search::new(Arc::clone(self.rows())).search_batch(&asked, k, &|| false)?;
        let efforts = LEANS.iter().flat_map(|lean| REACHES.map(|reach| (*lean, reach)));
        let mut tried = Vec::with_capacity(LEANS.len() * REACHES.len());
        for (lean, reach) in efforts {
            self.set_effort(Effort { lean, reach });
            tried.push(self.try_out(&asked, &exact, k)?);
        }
        let enough = tried.iter().filter(|one| one.recall >= recall);
        let cheapest = enough.min_by(|a, b| a.blocks.total_cmp(&b.blocks));
        let most = || tried.iter().max_by(|a, b| a.recall.total_cmp(&b.recall));
        let taken = *cheapest.or_else(most).expect("efforts were tried");
        self.set_effort(taken.effort);
        Ok(taken)
    }

    fn try_out(
        &self,
        queries: &[Query<'_>],
        exact: &[SearchOutcome],
        k: usize,
    ) -> Result<Tried, SearchError> {
        let count = |(query, exact): (&Query<'_>, &SearchOutcome)| {
            let (found, blocks) = self.search_counted(query.values, k, query.mask, &|| false)?;
            // Rows of equal scores may stand for one another.
            let worst = exact.neighbours.last().map_or(f32::INFINITY, |last| last.score);
            let hits = found.neighbours.iter().filter(|one| one.score >= worst).count();
            Ok((hits, exact.neighbours.len(), blocks))
        };
        let counts: Vec<(usize, usize, usize)> =
            queries.par_iter().zip(exact).map(count).collect::<Result<_, SearchError>>()?;
        let sum = |of: fn(&(usize, usize, usize)) -> usize| counts.iter().map(of).sum::<usize>();
        let (hits, wanted, blocks) = (sum(|one| one.0), sum(|one| one.1), sum(|one| one.2));
        Ok(Tried {
            effort: self.effort(),
            recall: if wanted == 0 { 1.0 } else { hits as f32 / wanted as f32 },
            blocks: blocks as f32 / counts.len().max(1) as f32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partitions::{PartitionOptions, random};

    /// Rows that lean to one of 30 directions.
    fn matrix(count: usize, dim: usize, seed: u64) -> Matrix {
        let mut state = 30;
        let uniform = |state: &mut u64| (random(state) >> 40) as f32 / 16e6 - 0.5;
        let directions: Vec<f32> = (0..30 * dim).map(|_| uniform(&mut state)).collect();
        let mut state = seed;
        let lean = |at: usize| directions[at % (30 * dim)];
        let values = (0..count * dim).map(|at| lean(at) + uniform(&mut state));
        Matrix::from_values(values.collect(), dim).unwrap()
    }

    #[test]
    fn a_higher_wish_is_met_at_a_higher_cost_the_same_each_time() {
        let rows = Arc::new(matrix(20_000, 16, 1));
        let queries = matrix(60, 16, 7);
        let mut index = PartitionIndex::build(rows, &PartitionOptions::default());
        let tuned = [0.5, 0.9, 0.99].map(|wish| index.tune(&queries, 200, wish).unwrap());
        for (tried, wish) in tuned.iter().zip([0.5, 0.9, 0.99]) {
            assert!(tried.recall >= wish, "{tuned:?}");
        }
        assert!(tuned.windows(2).all(|pair| pair[0].blocks <= pair[1].blocks), "{tuned:?}");
        assert!(tuned[0].blocks < tuned[2].blocks, "{tuned:?}");
        assert_eq!(index.tune(&queries, 200, 0.99), Ok(tuned[2]));
        assert_eq!(index.effort(), tuned[2].effort);
    }

    #[test]
    fn a_wish_out_of_reach_takes_what_finds_most_and_wrong_queries_are_refused() {
        let rows = Arc::new(matrix(2_000, 16, 1));
        let mut index = PartitionIndex::build(rows, &PartitionOptions::default());
        let before = index.effort();
        let wrong = index.tune(&matrix(3, 5, 1), 10, 0.9);
        assert_eq!(wrong, Err(SearchError::Dimension { got: 5, expected: 16 }));
        assert_eq!(index.effort(), before);
        let most = index.tune(&matrix(20, 16, 3), 10, 2.0).unwrap();
        assert!(most.recall > 0.99, "{most:?}");
        let nothing = index.tune(&Matrix::zeros(0, 16), 10, 0.9).unwrap();
        assert_eq!((nothing.recall, nothing.blocks), (1.0, 0.0));
    }
}
