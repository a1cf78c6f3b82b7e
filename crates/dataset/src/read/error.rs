//! Why reading stopped.

use std::io;
use std::path::PathBuf;

use gannet_core::EventKindsError;

use crate::bad_rows::BadRows;

/// Why a source could not be read. Nothing of it has been written anywhere.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file or folder is not there.
    #[error("{path} does not exist; {wanted}")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// What should be there.
        wanted: String,
    },
    /// A folder stands where a file should be.
    #[error("{path} is a folder; a file is needed here")]
    FolderForFile {
        /// Its path.
        path: PathBuf,
    },
    /// A file stands where a folder should be.
    #[error("{path} is a file; give the folder that holds the data's files")]
    FileForFolder {
        /// Its path.
        path: PathBuf,
    },
    /// Several files fit where one is needed.
    #[error("{folder} holds several {extension} files ({found}); name one with `stem`")]
    Ambiguous {
        /// The folder.
        folder: PathBuf,
        /// The extension, with its dot.
        extension: String,
        /// The files' names.
        found: String,
    },
    /// The operating system refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// What was read.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A file holds no rows.
    #[error("{path} holds no rows; is the download or export complete?")]
    Empty {
        /// Its path.
        path: PathBuf,
    },
    /// A file lacks a column that its reader or the mapping names.
    #[error("{path} has no column {column:?}; its header is: {}", header.join(", "))]
    UnknownColumn {
        /// The file.
        path: PathBuf,
        /// The column that was looked for.
        column: String,
        /// The columns that are there.
        header: Vec<String>,
    },
    /// A column of a Parquet file is of a type that its meaning does not allow.
    #[error("{path}: column {column:?}: expected {expected}, found {found}")]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What would be taken.
        expected: &'static str,
        /// Its type.
        found: String,
    },
    /// A file that is no Parquet file, or a damaged one.
    #[error("{path} cannot be read as Parquet (truncated or damaged?): {why}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        why: String,
    },
    /// A setting of the source that cannot be meant.
    #[error("setting `{setting}`: expected {expected}, found {found:?}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What would be taken.
        expected: String,
        /// What was given.
        found: String,
    },
    /// The table of kinds was refused.
    #[error(transparent)]
    Kinds(#[from] EventKindsError),
    /// A header that its format does not allow.
    #[error("{path}: expected {expected}, found {found:?}")]
    Header {
        /// The file.
        path: PathBuf,
        /// What the format wants.
        expected: &'static str,
        /// What the header says.
        found: String,
    },
    /// Too many rows were refused.
    #[error(
        "{bad_rows}\n\
         that is a share of {:.4} %, above the {:.4} % that are let pass (--max-bad-rows)",
        bad_rows.share() * 100.0, share_max * 100.0
    )]
    TooManyBadRows {
        /// The rows.
        bad_rows: BadRows,
        /// The share that would have been let pass.
        share_max: f64,
    },
}
