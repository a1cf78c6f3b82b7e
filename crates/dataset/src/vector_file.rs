//! Vectors that were trained elsewhere, read from the files that NumPy, PyTorch and Spark write.
//!
//! The format is the name's ending: `.npy`, `.safetensors` or `.parquet`. The first two hold
//! numbers alone, so a file of ids stands beside them; Parquet brings its own ids. A header is
//! never believed: what it promises is held against the length of the file before memory is asked
//! for.

mod dense;
mod ids;
mod npy;
mod parquet;
mod safetensors;
mod write;

use std::path::{Path, PathBuf};

use gannet_core::StringTable;

pub use write::{VectorFormat, write_vectors};

/// Vectors of more components are refused: no retrieval model has them.
const DIM_MAX: usize = 4096;

/// What a file alone does not say.
#[derive(Debug, Clone, Default)]
pub struct VectorFileOptions {
    /// The ids of the rows, in order: a text file with one a line, a JSON list (`.json`) or a
    /// Parquet column (`.parquet`). Not for Parquet vectors, which have their own.
    pub ids: Option<PathBuf>,
    /// The tensor of a safetensors file; not needed where it has one alone.
    pub tensor: Option<String>,
    /// The column of ids in Parquet; `id` where absent.
    pub id_column: Option<String>,
    /// The column of vectors in Parquet; `vector` where absent.
    pub vector_column: Option<String>,
}

/// Rows of finite numbers, each with an id of its own.
#[derive(Debug, Clone)]
pub struct VectorFile {
    /// The id of each row, none twice.
    pub ids: StringTable,
    /// Components of a vector, 1 to 4096.
    pub dim: usize,
    /// `ids.len() * dim` numbers, row by row.
    pub values: Vec<f32>,
}

/// Why a file of vectors, or of their ids, was not taken.
#[derive(Debug, thiserror::Error)]
pub enum VectorFileError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what its name or its header says.
    #[error("{}: {why}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong and what was expected.
        why: String,
    },
    /// A number of a vector is NaN or infinite.
    #[error("{}: row {row}, column {column} (both from 0) is not a finite number", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The row, from 0.
        row: usize,
        /// The component, from 0.
        column: usize,
    },
    /// An id stands for two rows.
    #[error("{}: id {id:?} of row {row} (from 0) was given before", path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The id.
        id: String,
        /// Its second row.
        row: usize,
    },
}

/// Reads a whole file of vectors with their ids; all or nothing.
pub fn read_vectors(
    path: &Path,
    options: &VectorFileOptions,
) -> Result<VectorFile, VectorFileError> {
    let needs_ids = || {
        options.ids.as_deref().ok_or_else(|| {
            let why = "holds no ids: name a file with one id a row as well";
            contents(path, why)
        })
    };
    let (dim, values, ids) = match ending(path) {
        "npy" => {
            let ids = needs_ids()?;
            let (dim, values) = npy::read(path)?;
            (dim, values, ids::read(ids, options.id_column.as_deref())?)
        }
        "safetensors" => {
            let ids = needs_ids()?;
            let (dim, values) = safetensors::read(path, options.tensor.as_deref())?;
            (dim, values, ids::read(ids, options.id_column.as_deref())?)
        }
        "parquet" if options.ids.is_some() => {
            return Err(contents(
                path,
                "Parquet vectors bring their own ids, a second file of them \
                would contradict",
            ));
        }
        "parquet" => parquet::read(path, options)?,
        other => {
            let why = format!("unknown ending {other:?}, expected .npy, .safetensors or .parquet");
            return Err(contents(path, &why));
        }
    };
    let rows = values.len() / dim;
    if rows != ids.len() {
        let ids_path = options.ids.as_deref().unwrap_or(path);
        let why = format!("has {} ids for {rows} vectors of {}", ids.len(), path.display());
        return Err(contents(ids_path, &why));
    }
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let (row, column) = (at / dim, at % dim);
        return Err(VectorFileError::NotFinite { path: path.to_owned(), row, column });
    }
    Ok(VectorFile { ids, dim, values })
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or("")
}

fn contents(path: &Path, why: &str) -> VectorFileError {
    VectorFileError::Contents { path: path.to_owned(), why: why.to_owned() }
}

fn disk(path: &Path) -> impl Fn(std::io::Error) -> VectorFileError {
    move |source| VectorFileError::Disk { path: path.to_owned(), source }
}
