//! What codes have found, scored again with the full rows.

use crate::kernel::{Kernel, prefetch};
use crate::matrix::Matrix;
use crate::search::Neighbour;
use crate::top_k::TopK;

/// Rows that are asked for ahead of their use.
const AHEAD: usize = 8;

/// Components in a cache line.
const LINE: usize = 16;

/// The best `k` of the rows found, by their full scores.
pub(crate) fn rescore(
    rows: &Matrix,
    query: &[f32],
    found: &[Neighbour],
    k: usize,
) -> Vec<Neighbour> {
    let kernel = Kernel::detect();
    let mut top = TopK::new(k);
    for (at, one) in found.iter().enumerate() {
        if let Some(next) = found.get(at + AHEAD) {
            let row = rows.row(next.row as usize);
            (0..row.len()).step_by(LINE).for_each(|at| prefetch(row, at));
        }
        top.offer(one.row, kernel.dot(query, rows.row(one.row as usize)));
    }
    top.into_sorted()
}
