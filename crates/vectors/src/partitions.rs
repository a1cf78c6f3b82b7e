//! Approximate search by partitions (an inverted file, Jégou et al. 2011): rows of like direction
//! lie together as 8-bit codes, a query looks into the most promising partitions, and the full
//! vectors decide.
//!
//! Partitions are found by spherical k-means, which norms do not pull (Dhillon and Modha 2001): by
//! inner product a partition of large rows would otherwise take everything. Within a partition rows
//! stand by falling norm, so that a partition can be left before its end.
//!
//! How far a query looks is decided by what it has found. A row at angle `phi` to its centre, whose
//! centre is at angle `theta` to the query, has the score `|x| |q| (cos(theta) cos(phi) + z
//! sin(theta) sin(phi))`, where `z` in -1..1 is how far it leans towards the query. `z` is small
//! where rows spread in many directions; [`Effort::lean`] is the `z` that is reckoned with, and for
//! `phi` the partition's median is taken. A block whose longest row could not reach the worst score
//! kept so far ends its partition; with a lean of 1 hardly anything is missed.

use std::sync::Arc;

use rayon::prelude::*;

use crate::codes::{CodedQuery, Codes};
use crate::int8_search::{Int8Search, Query};
use crate::kernel::int8::{BLOCK, Hits, Int8Kernel, Tile};
use crate::kernel::{Kernel, normalize};
use crate::mask::{AllRows, RowMask};
use crate::matrix::Matrix;
use crate::rescoring::rescore;
use crate::search::{Neighbour, SearchError, SearchOutcome, VectorSearch};
use crate::top_k::TopK;

/// Rows of the sample for each partition.
const SAMPLE_EACH: usize = 64;

/// Rows assigned together.
const ASSIGN: usize = 4096;

/// Partitions looked into before the rest is ordered.
const FIRST: usize = 32;

/// Partitions between two questions whether to stop.
const STOP_EVERY: usize = 16;

/// A place without a row.
const NOBODY: u32 = u32::MAX;

/// How far searches look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// How far rows are reckoned to lean towards the query, 0 to 1: more finds more.
    pub lean: f32,
    /// Share of the worst score kept so far that a row must be able to reach; 0: everything is
    /// looked at.
    pub reach: f32,
}

impl Default for Effort {
    fn default() -> Self {
        Self { lean: 0.35, reach: 1.0 }
    }
}

/// How an index is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionOptions {
    /// Number of partitions; absent: four times the root of the number of rows.
    pub partitions: Option<usize>,
    /// Sweeps of k-means.
    pub sweeps: usize,
    /// The same seed gives the same index.
    pub seed: u64,
}

impl Default for PartitionOptions {
    fn default() -> Self {
        Self { partitions: None, sweeps: 10, seed: 1 }
    }
}

/// Approximate search over partitions of 8-bit codes.
#[derive(Debug)]
pub struct PartitionIndex {
    rows: Arc<Matrix>,
    /// Unit vectors, one a partition.
    centres: Codes,
    /// By partition.
    shapes: Shapes,
    /// By block: its greatest norm.
    norms: Vec<f32>,
    /// First block of each partition, and the end of the last.
    starts: Vec<u32>,
    /// By place: the row, or [`NOBODY`] where the last block of a partition is not full.
    places: Vec<u32>,
    codes: Codes,
    effort: Effort,
    kernel: Int8Kernel,
}

impl PartitionIndex {
    /// Builds the index on all threads of the current pool.
    pub fn build(rows: Arc<Matrix>, options: &PartitionOptions) -> Self {
        let count = options.partitions.unwrap_or((4.0 * (rows.height() as f64).sqrt()) as usize);
        let count = count.clamp(1, rows.height().max(1));
        let centres = centres(&rows, count, options);
        let owners = assign(&rows, &centres);
        let norm = |row: usize| {
            let row = rows.row(row);
            Kernel::detect().dot(row, row)
        };
        let mut order: Vec<(u32, f32, u32)> = (0..rows.height())
            .into_par_iter()
            .map(|row| (owners[row], norm(row), row as u32))
            .collect();
        order.par_sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2))
        });
        let (mut starts, mut places) = (vec![0], Vec::with_capacity(rows.height()));
        let (mut shapes, mut norms) = (Shapes::default(), Vec::new());
        let mut left = &order[..];
        for partition in 0..count {
            let (own, rest) = left.split_at(left.partition_point(|one| one.0 <= partition as u32));
            left = rest;
            shapes.push(&rows, centres.row(partition), own);
            norms.extend(own.iter().step_by(BLOCK).map(|one| one.1.sqrt()));
            places.extend(own.iter().map(|one| one.2));
            places.resize(places.len().next_multiple_of(BLOCK), NOBODY);
            starts.push((places.len() / BLOCK) as u32);
        }
        let row = |row: &u32| (*row != NOBODY).then(|| rows.row(*row as usize));
        let codes = Codes::of(places.iter().map(row), places.len(), rows.dim());
        let (effort, kernel) = (Effort::default(), Int8Kernel::detect());
        let centres = Codes::new(&centres);
        Self { rows, centres, shapes, norms, starts, places, codes, effort, kernel }
    }

    /// Number of partitions.
    pub fn partitions(&self) -> usize {
        self.shapes.cosines.len()
    }

    /// The full rows.
    pub(crate) fn rows(&self) -> &Arc<Matrix> {
        &self.rows
    }

    /// How far searches look.
    pub fn effort(&self) -> Effort {
        self.effort
    }

    /// Makes searches look so far.
    pub fn set_effort(&mut self, effort: Effort) {
        self.effort = effort;
    }

    /// As [`VectorSearch::search`], with the number of blocks of 16 rows that were compared.
    pub fn search_counted(
        &self,
        query: &[f32],
        k: usize,
        mask: &dyn RowMask,
        stop: &dyn Fn() -> bool,
    ) -> Result<(SearchOutcome, usize), SearchError> {
        SearchError::check_query(query, self.dim())?;
        let coded = CodedQuery::new(query);
        let mut asked = Asked {
            tile: &Tile::new(&[(&coded.codes, 0)], self.codes.groups()),
            nearness: Vec::new(),
            hits: Hits::default(),
            top: TopK::new(k.saturating_add(k / 2).saturating_add(32)),
            blocks: 0,
        };
        let reach = self.reckon(query, &mut asked, coded.unit);
        let complete = self.look(reach, &mut asked, mask, stop);
        let best = rescore(&self.rows, query, &asked.top.into_sorted(), k);
        Ok((SearchOutcome { neighbours: best, complete }, asked.blocks))
    }

    /// By partition: the score of a row of length 1 that lies as its rows mostly do and leans
    /// towards the query, in units of the query's step; and the same for its longest row.
    fn reckon(&self, query: &[f32], asked: &mut Asked<'_>, unit: f32) -> Vec<f32> {
        let count = self.partitions();
        let mut near = vec![0.0f32; count.next_multiple_of(BLOCK)];
        for (block, near) in near.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            let Asked { tile, hits, .. } = asked;
            self.kernel.scan(self.centres.block(block), tile, &[[f32::NEG_INFINITY; BLOCK]], hits);
            *near = hits.scores[0];
        }
        let norm = Kernel::detect().dot(query, query).sqrt() / unit;
        let (inverse, lean) = (if norm > 0.0 { 1.0 / norm } else { 0.0 }, self.effort.lean);
        let mut reach = vec![0.0f32; count];
        let Shapes { cosines, sines, norms } = &self.shapes;
        let shapes = cosines.iter().zip(sines).zip(norms);
        for ((near, reach), ((cosine, sine), longest)) in
            near.iter_mut().zip(&mut reach).zip(shapes)
        {
            let towards = (*near * inverse).clamp(-1.0, 1.0);
            let aside = (1.0 - towards * towards).sqrt();
            *near = norm * (towards * cosine + lean * aside * sine);
            *reach = *near * longest;
        }
        asked.nearness = near;
        reach
    }

    /// Looks into partitions in the order of what they could reach; false where it was stopped.
    fn look(
        &self,
        mut reach: Vec<f32>,
        asked: &mut Asked<'_>,
        mask: &dyn RowMask,
        stop: &dyn Fn() -> bool,
    ) -> bool {
        // After the best few have set a floor most of the rest cannot reach it, and need not be
        // brought into order.
        let mut first = TopK::new(FIRST);
        reach.iter().enumerate().for_each(|(at, reach)| first.offer(at as u32, *reach));
        let first = first.into_sorted();
        first.iter().for_each(|one| reach[one.row as usize] = f32::NEG_INFINITY);
        if !self.scan_all(&first, asked, mask, stop) {
            return false;
        }
        let floor = self.effort.floor(asked.top.threshold()).max(f32::MIN);
        let mut rest = TopK::new(usize::MAX);
        for (at, reach) in reach.iter().enumerate() {
            if *reach >= floor {
                rest.offer(at as u32, *reach);
            }
        }
        self.scan_all(&rest.into_sorted(), asked, mask, stop)
    }

    fn scan_all(
        &self,
        partitions: &[Neighbour],
        asked: &mut Asked<'_>,
        mask: &dyn RowMask,
        stop: &dyn Fn() -> bool,
    ) -> bool {
        for (at, one) in partitions.iter().enumerate() {
            if one.score < self.effort.floor(asked.top.threshold()) {
                return true;
            }
            if at % STOP_EVERY == 0 && stop() {
                return false;
            }
            if let Some(next) = partitions.get(at + 1) {
                self.codes.fetch(self.starts[next.row as usize] as usize);
            }
            self.scan(one.row, asked, mask);
        }
        true
    }

    fn scan(&self, partition: u32, asked: &mut Asked<'_>, mask: &dyn RowMask) {
        let at = partition as usize;
        let near = asked.nearness[at];
        for block in self.starts[at] as usize..self.starts[at + 1] as usize {
            let floor = asked.top.threshold();
            if self.norms[block] * near < self.effort.floor(floor) {
                return;
            }
            asked.blocks += 1;
            let Asked { tile, hits, .. } = asked;
            if !self.kernel.scan(self.codes.block(block), tile, &[[floor; BLOCK]], hits) {
                continue;
            }
            let mut left = asked.hits.rows[0];
            while left != 0 {
                let lane = left.trailing_zeros() as usize;
                left &= left - 1;
                let row = self.places[block * BLOCK + lane];
                if row != NOBODY && mask.contains(row) {
                    let score = asked.hits.scores[0][lane];
                    // Numbers so large that their sums are none: such a row must be looked at.
                    asked.top.offer(row, if score.is_nan() { f32::INFINITY } else { score });
                }
            }
        }
    }
}

impl Effort {
    /// What a block must be able to reach where `worst` is the worst score kept. As long as there
    /// are too few scores it is negative infinity, and nothing is left out.
    fn floor(self, worst: f32) -> f32 {
        // The share of a negative score would be more than the score.
        let share = if worst > 0.0 { self.reach } else { 1.0 };
        if self.reach > 0.0 { share * worst } else { f32::NEG_INFINITY }
    }
}

/// A query and what it has found so far.
struct Asked<'a> {
    tile: &'a Tile<1>,
    /// By partition.
    nearness: Vec<f32>,
    hits: Hits<1>,
    top: TopK,
    /// Blocks compared.
    blocks: usize,
}

impl VectorSearch for PartitionIndex {
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
        self.search_counted(query, k, mask, stop).map(|(outcome, _)| outcome)
    }
}

/// What is known of each partition's rows.
#[derive(Debug, Default)]
struct Shapes {
    /// Of the median angle between row and centre.
    cosines: Vec<f32>,
    sines: Vec<f32>,
    /// Of the longest row; 0 where there is none.
    norms: Vec<f32>,
}

impl Shapes {
    fn push(&mut self, rows: &Matrix, centre: &[f32], own: &[(u32, f32, u32)]) {
        let kernel = Kernel::detect();
        let cosine = |(_, square, row): &(u32, f32, u32)| {
            let norm = square.sqrt().max(f32::MIN_POSITIVE);
            (kernel.dot(rows.row(*row as usize), centre) / norm).clamp(-1.0, 1.0)
        };
        let mut cosines: Vec<f32> = own.iter().map(cosine).collect();
        cosines.sort_unstable_by(f32::total_cmp);
        let cosine = cosines.get(cosines.len() / 2).copied().unwrap_or(1.0);
        self.cosines.push(cosine);
        self.sines.push((1.0 - cosine * cosine).max(0.0).sqrt());
        self.norms.push(own.first().map_or(0.0, |one| one.1.sqrt()));
    }
}

/// Unit vectors: the centres of spherical k-means over a sample.
fn centres(rows: &Matrix, count: usize, options: &PartitionOptions) -> Matrix {
    let mut state = options.seed;
    let size = count.saturating_mul(SAMPLE_EACH).min(rows.height());
    let mut picked: Vec<usize> = (0..rows.height()).collect();
    for at in 0..size {
        let with = at + (random(&mut state) % (rows.height() - at) as u64) as usize;
        picked.swap(at, with);
    }
    let mut sample = Matrix::zeros(size, rows.dim());
    for (at, row) in picked[..size].iter().enumerate() {
        sample.row_mut(at).copy_from_slice(rows.row(*row));
        normalize(sample.row_mut(at));
    }
    let mut centres = Matrix::zeros(count, rows.dim());
    for at in 0..count.min(size) {
        centres.row_mut(at).copy_from_slice(sample.row(at));
    }
    for _ in 0..options.sweeps {
        let owners = assign(&sample, &centres);
        let mut sizes = vec![0u32; count];
        centres.values_mut().fill(0.0);
        for (row, owner) in sample.rows().zip(&owners) {
            sizes[*owner as usize] += 1;
            let centre = centres.row_mut(*owner as usize);
            centre.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        for (at, size_of) in sizes.iter().enumerate() {
            if *size_of == 0 && size > 0 {
                let row = (random(&mut state) % size as u64) as usize;
                centres.row_mut(at).copy_from_slice(sample.row(row));
            }
            normalize(centres.row_mut(at));
        }
    }
    centres
}

/// The nearest centre of each row by angle.
fn assign(rows: &Matrix, centres: &Matrix) -> Vec<u32> {
    let search = Int8Search::new(Arc::new(centres.clone()));
    let all: Vec<usize> = (0..rows.height()).collect();
    let mut owners = vec![0; rows.height()];
    owners.par_chunks_mut(ASSIGN).zip(all.par_chunks(ASSIGN)).for_each(|(owners, part)| {
        let queries: Vec<Query<'_>> =
            part.iter().map(|row| Query { values: rows.row(*row), mask: &AllRows }).collect();
        let found = search.search_batch(&queries, 1, &|| false).unwrap_or_default();
        for (owner, found) in owners.iter_mut().zip(found) {
            *owner = found.neighbours.first().map_or(0, |one| one.row);
        }
    });
    owners
}

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::ExactSearch;

    /// `count` rows around 40 directions, of lengths from 1 to 3.
    fn clustered(count: usize, dim: usize) -> Arc<Matrix> {
        let mut state = 7;
        let mut uniform = move || (random(&mut state) >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
        let directions: Vec<f32> = (0..40 * dim).map(|_| uniform()).collect();
        let mut rows = Matrix::zeros(count, dim);
        for at in 0..count {
            let row = rows.row_mut(at);
            row.copy_from_slice(&directions[at % 40 * dim..][..dim]);
            row.iter_mut().for_each(|x| *x += 0.3 * uniform());
            let length = 2.0 + 2.0 * uniform();
            row.iter_mut().for_each(|x| *x *= length);
        }
        Arc::new(rows)
    }

    /// Share of the best `k` that the index finds, and blocks compared, over 50 rows as queries.
    fn recall(index: &PartitionIndex, rows: &Arc<Matrix>, k: usize) -> (f32, usize) {
        let exact = ExactSearch::new(rows.clone());
        let (mut hits, mut blocks) = (0, 0);
        for at in 0..50 {
            let query = rows.row(at * 97);
            let expected = exact.search(query, k, &AllRows, &|| false).unwrap().neighbours;
            let (found, looked) = index.search_counted(query, k, &AllRows, &|| false).unwrap();
            hits += found.neighbours.iter().filter(|one| expected.contains(one)).count();
            blocks += looked;
        }
        (hits as f32 / (50 * k) as f32, blocks)
    }

    #[test]
    fn more_effort_finds_more_and_looks_at_more() {
        let rows = clustered(20_000, 24);
        let mut index = PartitionIndex::build(rows.clone(), &PartitionOptions::default());
        let efforts = [(0.0, 1.2), (0.2, 1.0), (0.5, 1.0), (1.0, 0.8), (1.0, 0.0)];
        let found = efforts.map(|(lean, reach)| {
            index.set_effort(Effort { lean, reach });
            recall(&index, &rows, 50)
        });
        assert!(found.windows(2).all(|pair| pair[0] <= pair[1]), "{found:?}");
        let all = 50 * index.norms.len();
        assert!(found[2].0 > 0.95 && found[2].1 < all / 2, "{found:?} of {all}");
        assert!(found[4].0 > 0.999 && found[4].1 == all, "{found:?} of {all}");
    }

    #[test]
    fn as_many_as_there_are_come_back_each_open_and_with_its_score() {
        struct OneIn(u32);
        impl RowMask for OneIn {
            fn word(&self, at: usize) -> u64 {
                let is_open = |bit: &u32| (at as u32 * 64 + bit).is_multiple_of(self.0);
                (0..64).filter(is_open).fold(0, |word, bit| word | 1 << bit)
            }

            fn selectivity(&self) -> f32 {
                1.0 / self.0 as f32
            }
        }

        let rows = clustered(3_000, 12);
        let mut index = PartitionIndex::build(rows.clone(), &PartitionOptions::default());
        index.set_effort(Effort { lean: 0.0, reach: 1.2 });
        for one_in in [1, 2, 10, 100, 1_000, 2_999, 10_000] {
            for k in [0, 1, 10, 500, usize::MAX] {
                let query = rows.row(17);
                let found = index.search(query, k, &OneIn(one_in), &|| false).unwrap().neighbours;
                assert_eq!(found.len(), 3_000usize.div_ceil(one_in as usize).min(k));
                for one in &found {
                    assert!(one.row.is_multiple_of(one_in));
                    assert_eq!(one.score, crate::kernel::dot(query, rows.row(one.row as usize)));
                }
                let order = |pair: &[Neighbour]| pair[0].score >= pair[1].score;
                assert!(found.windows(2).all(order));
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_index() {
        let rows = clustered(5_000, 8);
        let build = |seed| {
            let options = PartitionOptions { seed, ..PartitionOptions::default() };
            let index = PartitionIndex::build(rows.clone(), &options);
            (index.places, index.starts)
        };
        assert_eq!(build(3), build(3));
        assert_ne!(build(3), build(4));
    }

    #[test]
    fn rows_of_zeros_rows_all_alike_one_row_and_none_are_searched() {
        for (count, value) in [(0, 0.0), (1, 1.0), (300, 0.0), (300, 1.0)] {
            let rows = Arc::new(Matrix::from_values(vec![value; count * 5], 5).unwrap());
            let index = PartitionIndex::build(rows, &PartitionOptions::default());
            let found = index.search(&[1.0; 5], 10, &AllRows, &|| false).unwrap();
            let rows: Vec<u32> = found.neighbours.iter().map(|one| one.row).collect();
            assert_eq!(rows.len(), count.min(10));
            assert!(found.neighbours.iter().all(|one| one.score == 5.0 * value));
        }
    }
}
