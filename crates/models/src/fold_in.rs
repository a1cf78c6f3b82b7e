//! One user's least-squares problem, solved exactly: by training for every row of a sweep and by
//! requests for a user who appeared a second ago. One code path, so that both give one answer.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};
use gannet_vectors::{Matrix, add_scaled};

/// Why a user could not be folded in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactorsError {
    /// The system of equations has no stable solution.
    #[error("the normal equations of this history are singular")]
    Singular,
    /// The vectors were not trained by least squares, so nothing can be solved for.
    #[error("this model cannot fold in users: its vectors were not trained by least squares")]
    NoFoldIn,
    /// An event names an item that the model has no vector for.
    #[error("item {item} is not among the {items} of this model")]
    UnknownItem {
        /// The index that the event names.
        item: u32,
        /// Number of items of the model.
        items: usize,
    },
}

/// The fixed part of the least-squares problem of one user (Hu, Koren and Volinsky 2008, eq. 4,
/// in the form of Rendle et al. 2021, "Revisiting the performance of iALS"):
/// minimise `sum w (1 - x·y)² + alpha0 sum over all items (x·y)² + regularisation |x|²`
/// where `w = alpha * strength` of each of the user's events.
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

/// Rows that go into one matrix product: bounds memory for a user of a million events.
const GATHER_ROWS: usize = 256;
/// Rows whose products are summed in f32 before the sum goes on in f64.
const GRAM_ROWS: usize = 2048;

impl FoldIn {
    /// The problem of meeting these vectors. `gram` is summed in blocks of fixed size and order,
    /// so it does not depend on the machine's load.
    pub fn new(vectors: &Matrix, alpha: f32, lambda: f32, alpha0: f32, nu: f32) -> Self {
        let dim = vectors.dim();
        let mut total = vec![0.0f64; dim * dim];
        let mut block_sum = vec![0.0f32; dim * dim];
        for block in vectors.values().chunks(GRAM_ROWS * dim) {
            add_products(&mut block_sum, dim, block, Accum::Replace);
            for (total, value) in total.iter_mut().zip(&block_sum) {
                *total += f64::from(*value);
            }
        }
        let mut gram = Matrix::zeros(dim, dim);
        for row in 0..dim {
            for column in 0..=row {
                let value = (f64::from(alpha0) * total[column * dim + row]) as f32;
                gram.row_mut(row)[column] = value;
                gram.row_mut(column)[row] = value;
            }
        }
        Self { gram, alpha, lambda, alpha0, nu }
    }

    /// Regularisation of a row with `n` events against `others` vectors.
    pub fn regularisation(&self, n: usize, others: usize) -> f32 {
        let base = n as f64 + f64::from(self.alpha0) * others as f64;
        (f64::from(self.lambda) * base.powf(f64::from(self.nu))) as f32
    }
}

/// Working memory of [`FoldInSolver::solve`], reused over many rows by one thread.
pub struct FoldInSolver {
    dim: usize,
    /// Column-major, the lower triangle alone.
    system: Vec<f32>,
    gathered: Vec<f32>,
    stack: MemBuffer,
}

impl FoldInSolver {
    /// For vectors of `dim` components.
    pub fn new(dim: usize) -> Self {
        let request =
            llt::factor::cholesky_in_place_scratch::<f32>(dim, Par::Seq, faer::Spec::default());
        Self {
            dim,
            system: vec![0.0; dim * dim],
            gathered: Vec::new(),
            stack: MemBuffer::new(request),
        }
    }

    /// Writes the minimiser into `solution` (`dim` long). `events` are `(row of vectors,
    /// strength > 0)` without duplicates; with none of them the minimiser is zero.
    pub fn solve(
        &mut self,
        problem: &FoldIn,
        vectors: &Matrix,
        events: (&[u32], &[f32]),
        solution: &mut [f32],
    ) -> Result<(), FactorsError> {
        solution.fill(0.0);
        let (rows, strengths) = events;
        if rows.is_empty() {
            return Ok(());
        }
        self.system.copy_from_slice(problem.gram.values());
        for (rows, strengths) in rows.chunks(GATHER_ROWS).zip(strengths.chunks(GATHER_ROWS)) {
            self.gathered.clear();
            for (row, strength) in rows.iter().zip(strengths) {
                let (vector, weight) = (vectors.row(*row as usize), problem.alpha * strength);
                let root = weight.sqrt();
                self.gathered.extend(vector.iter().map(|value| value * root));
                add_scaled(solution, weight, vector);
            }
            add_products(&mut self.system, self.dim, &self.gathered, Accum::Add);
        }
        let regularisation = problem.regularisation(rows.len(), vectors.height());
        for at in 0..self.dim {
            self.system[at * self.dim + at] += regularisation;
        }
        self.solve_system(solution)
    }

    fn solve_system(&mut self, solution: &mut [f32]) -> Result<(), FactorsError> {
        let (dim, stack) = (self.dim, MemStack::new(&mut self.stack));
        let mut system = MatMut::from_column_major_slice_mut(&mut self.system, dim, dim);
        llt::factor::cholesky_in_place(
            system.as_mut(),
            Default::default(),
            Par::Seq,
            stack,
            faer::Spec::default(),
        )
        .map_err(|_| FactorsError::Singular)?;
        let column = MatMut::from_column_major_slice_mut(solution, dim, 1);
        llt::solve::solve_in_place(system.as_ref(), column, Par::Seq, stack);
        if solution.iter().all(|value| value.is_finite()) {
            Ok(())
        } else {
            Err(FactorsError::Singular)
        }
    }
}

/// `target (+)= RᵀR` in the lower triangle, `rows` row-major of `dim` columns.
fn add_products(target: &mut [f32], dim: usize, rows: &[f32], accum: Accum) {
    let rows = MatRef::from_row_major_slice(rows, rows.len() / dim, dim);
    triangular::matmul(
        MatMut::from_column_major_slice_mut(target, dim, dim),
        BlockStructure::TriangularLower,
        accum,
        rows.transpose(),
        BlockStructure::Rectangular,
        rows,
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}
