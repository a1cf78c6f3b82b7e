//! Why a data set could not be written or read.

use std::io;
use std::path::PathBuf;

/// Why a data set could not be written or read. Every variant names the path at fault.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk refused: full, no rights, broken.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is nothing at the path.
    #[error("{}: there is no such folder; `gannet ingest` makes one", path.display())]
    Missing {
        /// The folder asked for.
        path: PathBuf,
    },
    /// A folder without a manifest, or a file in place of a folder. Nothing in it was touched.
    #[error("{}: not a dataset folder (no manifest.json in it)", path.display())]
    NotADataset {
        /// The folder.
        path: PathBuf,
    },
    /// A manifest of no bytes: its writing was cut short.
    #[error("{}: the manifest is empty; write the dataset again", path.display())]
    EmptyManifest {
        /// The manifest.
        path: PathBuf,
    },
    /// A manifest that does not make sense.
    #[error("{}: not a dataset manifest: {why}", path.display())]
    BadManifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Written by a later Gannet. Nothing was touched.
    #[error("{}: format {found}, this program reads up to {known}", path.display())]
    NewerFormat {
        /// The manifest.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest version that is read here.
        known: u32,
    },
    /// A file that the manifest names is not there.
    #[error("{}: the manifest names this file and it is missing", path.display())]
    MissingFile {
        /// The file.
        path: PathBuf,
    },
    /// A file is longer or shorter than when it was written.
    #[error("{}: {found} bytes where the manifest says {expected}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes by the manifest.
        expected: u64,
        /// Bytes on disk.
        found: u64,
    },
    /// A file's bytes are not those that were written.
    #[error("{}: sha256 {found} where the manifest says {expected}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The sum by the manifest.
        expected: String,
        /// The sum on disk.
        found: String,
    },
    /// A file has the right checksum and cannot be understood all the same, or could not be made.
    #[error("{}: {why}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Another process writes the same folder.
    #[error("{}: another process is writing this dataset", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
}
