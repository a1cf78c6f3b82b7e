//! What can go wrong with a snapshot, each error with the file, what was expected and the remedy.

use std::io;
use std::path::PathBuf;

use gannet_models::{ArraysError, SnapshotError};

/// What to do about a damaged snapshot.
const REMEDY: &str = "restore the folder from a copy, name another version in CURRENT with \
                      `make_current`, or train again";

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The version cannot name a folder of the store.
    #[error(
        "{version:?} is not a version: expected 1 to 64 of the characters A-Z, a-z, 0-9, '.', '_' \
         and '-', the first being neither '.' nor '-'"
    )]
    Version {
        /// What was given.
        version: String,
    },
    /// There is no such file or folder.
    #[error("{}: not there, expected {expected}; {REMEDY}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// The system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The format is one that this program does not know. Nothing was touched.
    #[error(
        "{}: format {got}, this program reads {oldest} to {newest}; use the program that wrote \
         it, or train again with this one", path.display()
    )]
    Format {
        /// The manifest.
        path: PathBuf,
        /// The format that it names.
        got: u64,
        /// The oldest one that can be read.
        oldest: u32,
        /// The newest one that can be read.
        newest: u32,
    },
    /// A file is shorter or longer than the manifest says.
    #[error("{}: {got} bytes, expected {expected}; {REMEDY}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        got: u64,
        /// Its bytes by the manifest.
        expected: u64,
    },
    /// A file's contents are not those that were written.
    #[error("{}: sha256 {got}, expected {expected}; the file is damaged: {REMEDY}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Its sha256.
        got: String,
        /// The sha256 that was written down for it.
        expected: String,
    },
    /// `CURRENT`, a manifest or its checksum does not say what it should.
    #[error("{}: {why}; {REMEDY}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A part is whole, and yet not the part that it should be.
    #[error("{}: {source}; {REMEDY}", path.display())]
    Part {
        /// The file.
        path: PathBuf,
        /// What is wrong with its arrays.
        source: ArraysError,
    },
    /// The parts do not belong together.
    #[error("{}: {source}; {REMEDY}", path.display())]
    Snapshot {
        /// The folder.
        path: PathBuf,
        /// Which part does not fit.
        source: SnapshotError,
    },
}

/// Why a snapshot was not written. The store is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The version cannot name a folder of the store.
    #[error(transparent)]
    Version(ReadError),
    /// A snapshot of that version is there already.
    #[error("{}: there already; a snapshot never changes, choose another version", path.display())]
    Exists {
        /// Its folder.
        path: PathBuf,
    },
    /// A model has the name of another part.
    #[error("model {name:?}: the name is kept for another part; choose another")]
    ModelName {
        /// The name.
        name: String,
    },
    /// The parts do not belong together.
    #[error("the snapshot was not written: {0}")]
    Snapshot(#[from] SnapshotError),
    /// Somebody else is writing.
    #[error(
        "{}: another process is writing to this store; wait until it is through", path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A snapshot that has to be looked at cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The system refused: disk full, no permission.
    #[error("{}: cannot {action}: {source}; free space or correct the permissions", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}
