//! Rows of f32 of one dimension, in one block of memory.

/// Why a block of values is not a matrix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    /// The dimension is zero.
    #[error("a matrix needs at least one column")]
    NoColumns,
    /// The values do not fill whole rows.
    #[error("{values} values do not fill rows of {dim}")]
    Ragged {
        /// Number of values.
        values: usize,
        /// Wanted dimension.
        dim: usize,
    },
    /// A value is NaN or infinite.
    #[error("row {row}, column {column} is not a finite number")]
    NotFinite {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
    },
}

/// A dense row-major matrix whose values are finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    values: Vec<f32>,
    dim: usize,
}

impl Matrix {
    /// Checks values that came from outside.
    pub fn from_values(values: Vec<f32>, dim: usize) -> Result<Self, MatrixError> {
        if dim == 0 {
            return Err(MatrixError::NoColumns);
        }
        if !values.len().is_multiple_of(dim) {
            return Err(MatrixError::Ragged { values: values.len(), dim });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(MatrixError::NotFinite { row: at / dim, column: at % dim });
        }
        Ok(Self { values, dim })
    }

    /// All zeros. Panics where `dim` is zero.
    pub fn zeros(rows: usize, dim: usize) -> Self {
        assert!(dim > 0, "a matrix needs at least one column");
        Self { values: vec![0.0; rows * dim], dim }
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Number of columns.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// One row. Panics past the end.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dim..][..self.dim]
    }

    /// One row to write to; finite values only.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.values[row * self.dim..][..self.dim]
    }

    /// All rows in order.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.dim)
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values to write to, row by row; finite values only.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}
