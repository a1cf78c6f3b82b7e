//! Snapshots on disk: folders of checksummed files, and `CURRENT`, which names the one that serves.
//!
//! ```text
//! ROOT/CURRENT                      the version that serves, with its manifest's checksum
//! ROOT/LOCK                         held while somebody writes
//! ROOT/VERSION/manifest.json        what the snapshot is made of: name, kind, length, sha256
//! ROOT/VERSION/manifest.sha256      the manifest's own checksum, as `sha256sum --check` reads it
//! ROOT/VERSION/recipe.toml          how it was made, for people
//! ROOT/VERSION/NAME.safetensors     one part: catalogue, histories, merge_weights, every model
//! ```
//!
//! Invariant: a folder under its final name is whole. What a killed process leaves behind has a
//! name with a leading dot, which no version can have.

mod durable;
mod error;
mod manifest;
mod map;
mod part_file;
mod read;
mod store;
mod write;

pub use error::{ReadError, WriteError};
pub use manifest::{FORMAT, FORMAT_OLDEST, FileFacts, Manifest};
pub use store::SnapshotStore;
