//! What training makes and channels read: immutable models, and the snapshot that holds them.
//!
//! Invariant: nothing here changes after construction; whoever holds an `Arc` of a model may
//! read it for as long as it likes.

mod arrays;
mod catalogue;
mod factors;
mod fields;
mod fold_in;
mod format_one;
mod histories;
mod item_neighbours;
mod key_index;
mod merge_weights;
mod model;
mod popularity;
mod recency;
mod snapshot;
mod trending;
mod user_items;
mod vectors;

pub use arrays::{Array, Arrays, ArraysError, Part};
pub use factors::Factors;
pub use fold_in::{FactorsError, FoldIn, FoldInSolver};
pub use histories::Histories;
pub use item_neighbours::ItemNeighbours;
pub use key_index::KeyIndex;
pub use merge_weights::MergeWeights;
pub use model::Model;
pub use popularity::Popularity;
pub use recency::Recency;
pub use snapshot::{Snapshot, SnapshotError};
pub use trending::Trending;
pub use user_items::UserItems;
pub use vectors::{Metric, UserVectors, Vectors};
