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

/// Why a truth does not tell of a catalogue and its users.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TruthMismatch {
    /// Another number of items.
    #[error("the truth is of a catalogue of {truth} items, this one has {found}")]
    ItemCount {
        /// Items of the simulation.
        truth: u32,
        /// Items of the catalogue.
        found: usize,
    },
    /// An item of an id that the simulation has not given.
    #[error("the truth is of another catalogue: it knows no item {id:?}")]
    Item {
        /// The item.
        id: String,
    },
    /// An item that the simulation published at another time.
    #[error("the truth is of another catalogue: its {id:?} was published at another time")]
    Published {
        /// The item.
        id: String,
    },
    /// A user of an id that the simulation has not given.
    #[error("the truth is of other users: it knows no user {id:?}")]
    User {
        /// The user.
        id: String,
    },
}
