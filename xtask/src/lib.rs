//! The project's own chores, as a library so that `cargo test` runs them too.

pub mod measure;
pub mod tidy;
