//! Exact search that looks at one byte a component: the scan over 8-bit codes ranks rows by an
//! upper bound of their score, and the full vectors decide.
//!
//! The answer is that of [`crate::ExactSearch`], in every position: a row that was not rescored has
//! a bound below the k-th score. Where the first scan kept too few rows for that to be known, a
//! second one collects every row whose bound reaches the k-th score.
//!
//! Floor, for 5 million rows of 64 components: 5 million 64-byte multiply-adds a query, and 320 MB
//! from memory for all queries of a batch together.

use std::sync::Arc;

use rayon::prelude::*;

use crate::codes::{CodedQuery, Codes};
use crate::kernel::Kernel;
use crate::kernel::int8::{BLOCK, Floors, Hits, Int8Kernel, Tile};
use crate::mask::RowMask;
use crate::matrix::Matrix;
use crate::rescoring::rescore;
use crate::search::{SearchError, SearchOutcome, VectorSearch};
use crate::top_k::TopK;

/// Queries compared with a block at once: their sums fill half of the vector registers.
const TILE: usize = 16;

/// Blocks that all tiles of a batch pass before the next ones come from memory: 64 KiB at 64
/// components.
const CHUNK: usize = 64;

/// Queries that share what comes from memory.
const BATCH: usize = 8 * TILE;

/// Blocks of a word of a mask.
const BLOCKS_A_WORD: usize = 64 / BLOCK;

/// Words of a mask between two questions whether to stop.
const STOP_EVERY: usize = 64;

/// One query of a batch.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// Its components.
    pub values: &'a [f32],
    /// What it may find.
    pub mask: &'a dyn RowMask,
}

/// Exact search over 8-bit codes, rescored with the full rows.
#[derive(Debug)]
pub struct Int8Search {
    rows: Arc<Matrix>,
    codes: Codes,
    kernel: Int8Kernel,
}

impl Int8Search {
    /// Codes the rows: one byte a component, and 4 bytes a row.
    pub fn new(rows: Arc<Matrix>) -> Self {
        Self::with_kernel(rows, Int8Kernel::detect())
    }

    /// With a chosen form of the kernel, for tests and benchmarks.
    pub fn with_kernel(rows: Arc<Matrix>, kernel: Int8Kernel) -> Self {
        Self { codes: Codes::new(&rows), rows, kernel }
    }

    /// The best `k` rows of every query, on all threads of the current pool; each answer is that
    /// of [`VectorSearch::search`]. Answers are complete unless `stop` said to stop.
    pub fn search_batch(
        &self,
        queries: &[Query<'_>],
        k: usize,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<SearchOutcome>, SearchError> {
        queries.iter().try_for_each(|one| SearchError::check_query(one.values, self.dim()))?;
        // A last batch of a few queries would wait for memory alone.
        let batch = queries.len().div_ceil(rayon::current_num_threads()).clamp(1, BATCH);
        let batches = queries.len().div_ceil(batch).max(1);
        let parts = queries.par_chunks(queries.len().div_ceil(batches).max(1));
        let found: Vec<Vec<SearchOutcome>> =
            parts.map(|queries| self.search_together(queries, k, stop)).collect();
        Ok(found.into_iter().flatten().collect())
    }

    fn search_together(
        &self,
        queries: &[Query<'_>],
        k: usize,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Vec<SearchOutcome> {
        let coded: Vec<CodedQuery> =
            queries.iter().map(|query| CodedQuery::new(query.values)).collect();
        let mut tiles: Vec<Asked<'_, TILE>> = queries
            .chunks(TILE)
            .zip(coded.chunks(TILE))
            .map(|(queries, coded)| Asked::new(queries, coded, kept(k), &self.codes))
            .collect();
        let blocks = self.len().div_ceil(BLOCK);
        let mut complete = true;
        for first in (0..blocks).step_by(CHUNK) {
            if stop() {
                complete = false;
                break;
            }
            for asked in &mut tiles {
                for block in first..blocks.min(first + CHUNK) {
                    asked.scan(self, block, |query, row| query.mask.contains(row));
                }
            }
        }
        let tops = tiles.into_iter().flat_map(Asked::into_tops);
        let answers = queries.iter().zip(&coded).zip(tops);
        answers
            .map(|((query, coded), top)| self.decide(query, coded, top, k, complete, stop))
            .collect()
    }

    /// The best `k` by the full rows of what a scan kept; scans again where it kept too few.
    fn decide(
        &self,
        query: &Query<'_>,
        coded: &CodedQuery,
        kept_top: TopK,
        k: usize,
        complete: bool,
        stop: &dyn Fn() -> bool,
    ) -> SearchOutcome {
        let kept_rows = kept_top.into_sorted();
        // Rows that were not kept have bounds up to this one.
        let others = match kept_rows.len() >= kept(k) {
            true => kept_rows.last().map_or(f32::NEG_INFINITY, |last| last.score * coded.unit),
            false => f32::NEG_INFINITY,
        };
        let best = rescore(&self.rows, query.values, &kept_rows, k);
        let is_sure = best.len() < k || best.last().is_none_or(|last| last.score > others);
        if is_sure || !complete || k == 0 {
            return SearchOutcome { neighbours: best, complete };
        }
        let floor = best.last().map_or(f32::NEG_INFINITY, |last| last.score / coded.unit);
        self.collect(query, coded, floor, k, stop)
    }

    /// Rescores every row whose bound is `floor` or more.
    fn collect(
        &self,
        query: &Query<'_>,
        coded: &CodedQuery,
        floor: f32,
        k: usize,
        stop: &dyn Fn() -> bool,
    ) -> SearchOutcome {
        let (queries, coded) = (std::slice::from_ref(query), std::slice::from_ref(coded));
        // Scores are compared as bounds are: a rounding of the division must not lose a row.
        let floor = floor - floor.abs() * 1e-6;
        let mut asked = Asked::<1>::new(queries, coded, usize::MAX, &self.codes);
        asked.floors = [[floor; BLOCK]];
        let mut top = TopK::new(k);
        for block in 0..self.len().div_ceil(BLOCK) {
            if block % (STOP_EVERY * BLOCKS_A_WORD) == 0 && stop() {
                return SearchOutcome { neighbours: top.into_sorted(), complete: false };
            }
            if !asked.look(self, block) {
                continue;
            }
            for row in asked.hits(0, block, self.len()) {
                if query.mask.contains(row) {
                    let score = Kernel::detect().dot(query.values, self.rows.row(row as usize));
                    top.offer(row, score);
                }
            }
        }
        SearchOutcome { neighbours: top.into_sorted(), complete: true }
    }
}

/// How many rows a scan keeps to find `k`: bounds of 8-bit codes are near enough that this is
/// mostly enough.
fn kept(k: usize) -> usize {
    k.saturating_add(k / 2).saturating_add(64)
}

/// Up to `Q` queries with what they have found.
struct Asked<'a, const Q: usize> {
    queries: &'a [Query<'a>],
    tile: Tile<Q>,
    floors: Floors<Q>,
    tops: Vec<TopK>,
    hits: Hits<Q>,
}

impl<'a, const Q: usize> Asked<'a, Q> {
    fn new(queries: &'a [Query<'a>], coded: &[CodedQuery], kept: usize, rows: &Codes) -> Self {
        let codes: Vec<(&[i8], i32)> =
            coded.iter().map(|one| (&one.codes[..], rows.margin(one))).collect();
        Self {
            queries,
            tile: Tile::new(&codes, rows.groups()),
            // A query that is missing finds nothing.
            floors: std::array::from_fn(|at| {
                [if at < coded.len() { f32::NEG_INFINITY } else { f32::INFINITY }; BLOCK]
            }),
            tops: coded.iter().map(|_| TopK::new(kept)).collect(),
            hits: Hits::default(),
        }
    }

    /// Compares a block with all queries; false where none found anything.
    #[inline]
    fn look(&mut self, index: &Int8Search, block: usize) -> bool {
        index.kernel.scan(index.codes.block(block), &self.tile, &self.floors, &mut self.hits)
    }

    /// The rows of a block that a query found good enough.
    #[inline]
    fn hits(
        &self,
        query: usize,
        block: usize,
        height: usize,
    ) -> impl Iterator<Item = u32> + use<Q> {
        let first = (block * BLOCK) as u32;
        let inside = (height - block * BLOCK).min(BLOCK) as u32;
        let mut left = self.hits.rows[query] & (u16::MAX >> (BLOCK as u32 - inside));
        std::iter::from_fn(move || {
            let row = (left != 0).then(|| first + left.trailing_zeros());
            left &= left.wrapping_sub(1);
            row
        })
    }

    /// Compares a block with all queries and keeps what is good enough and open.
    #[inline]
    fn scan(
        &mut self,
        index: &Int8Search,
        block: usize,
        is_open: impl Fn(&Query<'_>, u32) -> bool,
    ) {
        if !self.look(index, block) {
            return;
        }
        for query in 0..self.queries.len() {
            if self.hits.rows[query] == 0 {
                continue;
            }
            for row in self.hits(query, block, index.len()) {
                if is_open(&self.queries[query], row) {
                    let bound = self.hits.scores[query][row as usize % BLOCK];
                    // Numbers so large that their sums are none: such a row must be looked at.
                    let bound = if bound.is_nan() { f32::INFINITY } else { bound };
                    self.tops[query].offer(row, bound);
                }
            }
            self.floors[query] = [self.tops[query].threshold(); BLOCK];
        }
    }

    fn into_tops(self) -> Vec<TopK> {
        self.tops
    }
}

impl VectorSearch for Int8Search {
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
        let coded = CodedQuery::new(query);
        let query = Query { values: query, mask };
        let (queries, codeds) = (std::slice::from_ref(&query), std::slice::from_ref(&coded));
        let mut asked = Asked::<1>::new(queries, codeds, kept(k), &self.codes);
        let blocks = self.len().div_ceil(BLOCK);
        let mut complete = true;
        for at in 0..blocks.div_ceil(BLOCKS_A_WORD) {
            if at % STOP_EVERY == 0 && stop() {
                complete = false;
                break;
            }
            let word = mask.word(at);
            for part in 0..BLOCKS_A_WORD.min(blocks - at * BLOCKS_A_WORD) {
                let open = (word >> (part * BLOCK)) as u16;
                if open != 0 {
                    asked.scan(self, at * BLOCKS_A_WORD + part, |_, row| {
                        open >> (row as usize % BLOCK) & 1 == 1
                    });
                }
            }
        }
        let kept = asked.into_tops().pop().unwrap_or_else(|| TopK::new(0));
        Ok(self.decide(&query, &coded, kept, k, complete, stop))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exact::ExactSearch;
    use crate::mask::AllRows;

    /// Rows whose bit is set.
    struct OpenRows(Vec<bool>);

    impl RowMask for OpenRows {
        fn word(&self, at: usize) -> u64 {
            let rows = self.0.iter().skip(at * 64).take(64).enumerate();
            rows.fold(0, |word, (bit, open)| word | u64::from(*open) << bit)
        }

        fn selectivity(&self) -> f32 {
            0.5
        }
    }

    /// Components of every size; many rows alike, and some that their codes cannot tell apart.
    fn component() -> impl Strategy<Value = f32> {
        prop_oneof![-1f32..1.0, -1e-3f32..1e-3, prop::sample::select(vec![0.0, -0.0, 1.0, 900.0])]
    }

    proptest! {
        #[test]
        fn the_answer_is_the_exact_one_in_every_position(
            dim in 1usize..70,
            values in prop::collection::vec(component(), 70..9_000),
            queries in prop::collection::vec(prop::collection::vec(component(), 70), 1..20),
            open in prop::collection::vec(prop::bool::weighted(0.6), 9_000),
            k in prop_oneof![0usize..4, 0usize..60, Just(usize::MAX)],
        ) {
            let height = values.len() / dim;
            let matrix = Matrix::from_values(values[..height * dim].to_vec(), dim).unwrap();
            let matrix = Arc::new(matrix);
            let exact = ExactSearch::new(matrix.clone());
            let mask = OpenRows(open[..height].to_vec());
            let masks: [&dyn RowMask; 2] = [&AllRows, &mask];
            for kernel in Int8Kernel::all() {
                let search = Int8Search::with_kernel(matrix.clone(), kernel);
                let asked: Vec<Query<'_>> = queries
                    .iter()
                    .enumerate()
                    .map(|(at, values)| Query { values: &values[..dim], mask: masks[at % 2] })
                    .collect();
                let together = search.search_batch(&asked, k, &|| false).unwrap();
                prop_assert_eq!(together.len(), asked.len());
                for (query, found) in asked.iter().zip(together) {
                    let expected = exact.search(query.values, k, query.mask, &|| false).unwrap();
                    let alone = search.search(query.values, k, query.mask, &|| false).unwrap();
                    prop_assert_eq!(&alone, &expected, "{:?}", kernel);
                    prop_assert_eq!(&found, &expected, "{:?}", kernel);
                }
            }
        }
    }

    #[test]
    fn rows_that_their_codes_cannot_tell_apart_are_told_apart() {
        // The first component takes the whole range of a code; the second, which alone differs, is
        // half a step at most.
        let rows: Vec<f32> = (0..5_000).flat_map(|at| [254.0, at as f32 / 5_000.0]).collect();
        let rows = Arc::new(Matrix::from_values(rows, 2).unwrap());
        let query = [0.001, 1.0];
        let search = Int8Search::new(rows.clone());
        let found = search.search(&query, 10, &AllRows, &|| false).unwrap();
        let rows: Vec<u32> = found.neighbours.iter().map(|one| one.row).collect();
        assert_eq!(rows, (4_990..5_000).rev().collect::<Vec<u32>>());
    }

    #[test]
    fn a_query_of_another_dimension_or_with_nan_is_refused_and_a_stop_is_told() {
        let rows = Arc::new(Matrix::zeros(100_000, 3));
        let search = Int8Search::new(rows);
        let wrong = |values: &[f32]| {
            let asked = Query { values, mask: &AllRows };
            let alone = search.search(values, 5, &AllRows, &|| false).unwrap_err();
            assert_eq!(search.search_batch(&[asked], 5, &|| false).unwrap_err(), alone);
            alone
        };
        assert_eq!(wrong(&[1.0]), SearchError::Dimension { got: 1, expected: 3 });
        assert_eq!(wrong(&[1.0, f32::NAN, 0.0]), SearchError::NotFinite(1));
        assert!(!search.search(&[1.0; 3], 5, &AllRows, &|| true).unwrap().complete);
        let asked = Query { values: &[1.0; 3], mask: &AllRows };
        assert!(!search.search_batch(&[asked], 5, &|| true).unwrap()[0].complete);
        assert_eq!(search.search_batch(&[], 5, &|| false), Ok(Vec::new()));
    }
}
