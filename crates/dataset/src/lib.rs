//! Events to matrices, sequences and splits: everything between a downloaded file and training.
//!
//! Invariant: no models here; and a test row ([`TestSet`]) is a type that training cannot take.

mod dataset;
mod split;

pub use dataset::{Dataset, Events};
pub use split::{
    Positive, Split, SplitCounts, SplitError, SplitKind, TestSet, TestUser, TrainSet, split,
    split_with,
};
