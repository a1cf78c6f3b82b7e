//! Vectors in Parquet: a column of ids and a column of lists, as Spark, Polars and pandas write.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int32Type, Int64Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use gannet_core::StringTable;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::ids::Ids;
use super::{DIM_MAX, VectorFileError, VectorFileOptions, contents, disk};
use crate::read::decoded;

const ID_DEFAULT: &str = "id";
const VECTOR_DEFAULT: &str = "vector";
const BATCH_ROWS: usize = 1 << 13;

/// The dimension, the numbers row by row, and the ids.
pub(super) fn read(
    path: &Path,
    options: &VectorFileOptions,
) -> Result<(usize, Vec<f32>, StringTable), VectorFileError> {
    let id = options.id_column.as_deref().unwrap_or(ID_DEFAULT);
    let vector = options.vector_column.as_deref().unwrap_or(VECTOR_DEFAULT);
    let mut ids = Ids::new(path);
    let mut rows = Rows { path, dim: 0, values: Vec::new(), row: 0 };
    let mut batches = open(path, &[id, vector])?;
    while let Some(batch) = next(path, &mut batches)? {
        push_ids(path, column(&batch, id), &mut ids)?;
        rows.push(column(&batch, vector))?;
    }
    if rows.dim == 0 {
        return Err(contents(path, "has no rows"));
    }
    Ok((rows.dim, rows.values, ids.finish()))
}

/// The ids alone, for vectors of another file.
pub(super) fn read_ids(
    path: &Path,
    name: Option<&str>,
    ids: &mut Ids<'_>,
) -> Result<(), VectorFileError> {
    let name = name.unwrap_or(ID_DEFAULT);
    let mut batches = open(path, &[name])?;
    while let Some(batch) = next(path, &mut batches)? {
        push_ids(path, column(&batch, name), ids)?;
    }
    Ok(())
}

fn open(path: &Path, wanted: &[&str]) -> Result<ParquetRecordBatchReader, VectorFileError> {
    let file = File::open(path).map_err(disk(path))?;
    let bad = |why: String| contents(path, &why);
    let builder = decoded(|| ParquetRecordBatchReaderBuilder::try_new(file)).map_err(bad)?;
    let schema = builder.schema().clone();
    let mut at = Vec::new();
    for name in wanted {
        at.push(schema.index_of(name).map_err(|_| {
            let all: Vec<&str> = schema.fields().iter().map(|one| one.name().as_str()).collect();
            contents(path, &format!("has no column {name:?}, only {}", all.join(", ")))
        })?);
    }
    let mask = ProjectionMask::roots(builder.parquet_schema(), at);
    decoded(|| builder.with_projection(mask).with_batch_size(BATCH_ROWS).build()).map_err(bad)
}

fn next(
    path: &Path,
    batches: &mut ParquetRecordBatchReader,
) -> Result<Option<RecordBatch>, VectorFileError> {
    decoded(|| batches.next().transpose()).map_err(|why| contents(path, &why))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch.column_by_name(name).expect("the projection kept it")
}

fn push_ids(path: &Path, column: &ArrayRef, ids: &mut Ids<'_>) -> Result<(), VectorFileError> {
    if let Some(null) = (0..column.len()).find(|row| column.is_null(*row)) {
        return Err(contents(
            path,
            &format!("the id of row {} (from 0) is null", ids.len() + null),
        ));
    }
    macro_rules! numbers {
        ($kind:ty) => {
            column
                .as_primitive::<$kind>()
                .values()
                .iter()
                .try_for_each(|id| ids.push(&id.to_string()))
        };
    }
    match column.data_type() {
        DataType::Utf8 => {
            column.as_string::<i32>().iter().flatten().try_for_each(|id| ids.push(id))
        }
        DataType::LargeUtf8 => {
            column.as_string::<i64>().iter().flatten().try_for_each(|id| ids.push(id))
        }
        DataType::Utf8View => {
            column.as_string_view().iter().flatten().try_for_each(|id| ids.push(id))
        }
        DataType::Int32 => numbers!(Int32Type),
        DataType::Int64 => numbers!(Int64Type),
        DataType::UInt32 => numbers!(UInt32Type),
        DataType::UInt64 => numbers!(UInt64Type),
        other => Err(contents(
            path,
            &format!(
                "ids are of type {other}, expected text or a whole \
            number"
            ),
        )),
    }
}

/// The rows read so far.
struct Rows<'a> {
    path: &'a Path,
    /// 0 before the first row.
    dim: usize,
    values: Vec<f32>,
    row: usize,
}

impl Rows<'_> {
    fn push(&mut self, column: &ArrayRef) -> Result<(), VectorFileError> {
        for at in 0..column.len() {
            if column.is_null(at) {
                return Err(self.bad("is null"));
            }
            let one = match column.data_type() {
                DataType::FixedSizeList(..) => column.as_fixed_size_list().value(at),
                DataType::List(_) => column.as_list::<i32>().value(at),
                DataType::LargeList(_) => column.as_list::<i64>().value(at),
                other => {
                    let why = format!("vectors are of type {other}, expected lists of numbers");
                    return Err(contents(self.path, &why));
                }
            };
            self.push_vector(&one)?;
        }
        Ok(())
    }

    fn push_vector(&mut self, vector: &ArrayRef) -> Result<(), VectorFileError> {
        let dim = vector.len();
        if self.dim == 0 && (1..=DIM_MAX).contains(&dim) {
            self.dim = dim;
        }
        if dim != self.dim {
            let expected = match self.dim {
                0 => format!("1 to {DIM_MAX}"),
                dim => format!("{dim}, as the rows before it"),
            };
            return Err(self.bad(&format!("has {dim} components, expected {expected}")));
        }
        if vector.null_count() > 0 {
            return Err(self.bad("has a null component"));
        }
        match vector.data_type() {
            DataType::Float32 => {
                self.values.extend_from_slice(vector.as_primitive::<Float32Type>().values());
            }
            DataType::Float64 => {
                let numbers = vector.as_primitive::<Float64Type>().values();
                self.values.extend(numbers.iter().map(|number| *number as f32));
            }
            DataType::Float16 => {
                let numbers = vector.as_primitive::<Float16Type>().values();
                self.values.extend(numbers.iter().map(|number| number.to_f32()));
            }
            other => return Err(self.bad(&format!("is of {other}, expected f32, f64 or f16"))),
        }
        self.row += 1;
        Ok(())
    }

    fn bad(&self, why: &str) -> VectorFileError {
        contents(self.path, &format!("the vector of row {} (from 0) {why}", self.row))
    }
}
