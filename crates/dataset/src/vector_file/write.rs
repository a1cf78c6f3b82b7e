//! Vectors on their way out, in the forms that [`super::read_vectors`] takes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{FixedSizeListArray, Float32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use safetensors::Dtype;

use super::{VectorFileError, contents, disk};

/// Rows that are turned into Arrow arrays at once.
const BATCH_ROWS: usize = 1 << 14;

/// A form of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorFormat {
    /// NumPy's, version 1, f32, with a text file of ids beside it.
    Npy,
    /// One tensor of the file's name, f32, with a text file of ids beside it.
    Safetensors,
    /// Columns `id` and `vector` (a list of fixed size).
    Parquet,
}

/// Writes `NAME.npy`, `NAME.safetensors` or `NAME.parquet` into a folder, and `NAME.ids.txt` where
/// the format has no ids; returns the files. `values` are `ids.len() * dim` numbers.
pub fn write_vectors(
    folder: &Path,
    name: &str,
    format: VectorFormat,
    ids: &[&str],
    (dim, values): (usize, &[f32]),
) -> Result<Vec<PathBuf>, VectorFileError> {
    assert_eq!(ids.len() * dim, values.len(), "a row an id");
    let ending = match format {
        VectorFormat::Npy => "npy",
        VectorFormat::Safetensors => "safetensors",
        VectorFormat::Parquet => "parquet",
    };
    let path = folder.join(format!("{name}.{ending}"));
    // One id a line: an id with a line's end in it would come back as two.
    if format != VectorFormat::Parquet
        && let Some(id) = ids.iter().find(|id| id.contains(['\n', '\r']))
    {
        let why = format!("id {id:?} has a line's end, which {ending} cannot keep: write parquet");
        return Err(contents(&path, &why));
    }
    match format {
        VectorFormat::Npy => npy(&path, ids.len(), dim, values)?,
        VectorFormat::Safetensors => tensor(&path, name, ids.len(), dim, values)?,
        VectorFormat::Parquet => {
            table(&path, ids, dim, values)?;
            return Ok(vec![path]);
        }
    }
    let ids_path = folder.join(format!("{name}.ids.txt"));
    let mut file = BufWriter::new(File::create(&ids_path).map_err(disk(&ids_path))?);
    let written = ids.iter().try_for_each(|id| writeln!(file, "{id}"));
    written.and_then(|()| file.flush()).map_err(disk(&ids_path))?;
    Ok(vec![path, ids_path])
}

fn numbers(file: &mut impl Write, values: &[f32]) -> std::io::Result<()> {
    values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))
}

fn npy(path: &Path, rows: usize, dim: usize, values: &[f32]) -> Result<(), VectorFileError> {
    let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}");
    // The numbers begin at a multiple of 64 bytes, the header ends in a line's end.
    let padded = (10 + text.len() + 1).next_multiple_of(64) - 10;
    let header = format!("{text:<width$}\n", width = padded - 1);
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(b"\x93NUMPY\x01\x00")?;
        file.write_all(&(padded as u16).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        numbers(&mut file, values)?;
        file.flush()
    };
    write().map_err(disk(path))
}

fn tensor(
    path: &Path,
    name: &str,
    rows: usize,
    dim: usize,
    values: &[f32],
) -> Result<(), VectorFileError> {
    let info = safetensors::tensor::TensorInfo {
        dtype: Dtype::F32,
        shape: vec![rows, dim],
        data_offsets: (0, values.len() * 4),
    };
    let mut header = serde_json::to_vec(&HashMap::from([(name, info)]))
        .map_err(|error| contents(path, &error.to_string()))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        numbers(&mut file, values)?;
        file.flush()
    };
    write().map_err(disk(path))
}

fn table(path: &Path, ids: &[&str], dim: usize, values: &[f32]) -> Result<(), VectorFileError> {
    let number = Arc::new(Field::new_list_field(DataType::Float32, false));
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("vector", DataType::FixedSizeList(number.clone(), dim as i32), false),
    ]));
    let bad = |error: &dyn std::fmt::Display| contents(path, &error.to_string());
    let file = File::create(path).map_err(disk(path))?;
    let mut writer = ArrowWriter::try_new(file, schema.clone(), None).map_err(|e| bad(&e))?;
    let batches = ids.chunks(BATCH_ROWS).zip(values.chunks(BATCH_ROWS * dim));
    for (ids, values) in batches {
        let vectors = Arc::new(Float32Array::from(values.to_vec()));
        let vectors = FixedSizeListArray::try_new(number.clone(), dim as i32, vectors, None);
        let columns: Vec<arrow_array::ArrayRef> = vec![
            Arc::new(StringArray::from(ids.to_vec())),
            Arc::new(vectors.map_err(|e| bad(&e))?),
        ];
        let batch = RecordBatch::try_new(schema.clone(), columns).map_err(|e| bad(&e))?;
        writer.write(&batch).map_err(|e| bad(&e))?;
    }
    writer.close().map(|_| ()).map_err(|e| bad(&e))
}
