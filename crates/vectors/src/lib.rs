//! Nearest-neighbour search over rows of f32, by inner product, under a mask.
//!
//! Invariant: this crate knows rows (u32), never users, items or file paths.
//! `unsafe` stands in the kernels alone, each beside a scalar oracle.

mod codes;
mod exact;
mod int8_search;
mod kernel;
mod mask;
mod matrix;
mod partitions;
mod rescoring;
mod search;
mod top_k;
mod tuning;

pub use exact::ExactSearch;
pub use int8_search::{Int8Search, Query};
pub use kernel::int8::Int8Kernel;
pub use kernel::{Kernel, add_scaled, dot, normalize, prefetch};
pub use mask::{AllRows, RowMask};
pub use matrix::{Matrix, MatrixError};
pub use partitions::{Effort, PartitionIndex, PartitionOptions};
pub use search::{Neighbour, SearchError, SearchOutcome, VectorSearch};
pub use top_k::TopK;
pub use tuning::Tried;
