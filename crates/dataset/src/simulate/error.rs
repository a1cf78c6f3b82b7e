//! Why a simulation could not be made.

use std::io;
use std::path::PathBuf;

/// Why a simulation could not be made or written. Nothing half-written stays.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// An option that cannot be met.
    #[error("{field}: expected {expected}, found {found}")]
    Option {
        /// The option.
        field: &'static str,
        /// What would do.
        expected: String,
        /// What was asked for.
        found: u64,
    },
    /// The disk refused: full, no rights, broken.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A folder that holds something else. Nothing in it was touched.
    #[error("{}: it holds something else than a simulation; take another folder", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// A truth file that does not make sense, or a table that could not be made.
    #[error("{}: {why}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}
