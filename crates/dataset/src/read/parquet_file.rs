//! One Parquet file under way: its columns checked, its rows in batches.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Schema};
use gannet_core::Progress;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use super::error::ReadError;
use super::lines::open_file;
use super::parquet_cells::{Role, is_text};
use super::reading::RowPlace;
use crate::text_codes::dictionary_type;

const BATCH_ROWS: usize = 1 << 13;

/// A file whose footer has been read.
pub(crate) struct ParquetFile {
    path: PathBuf,
    name: String,
    file: File,
    metadata: ArrowReaderMetadata,
}

impl ParquetFile {
    /// Opens a file of a folder, which must be there.
    pub(crate) fn open(folder: &Path, name: &str) -> Result<Self, ReadError> {
        let path = folder.join(name);
        let file = open_file(&path)?;
        let metadata =
            guarded(&path, || ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()))?;
        Ok(Self { path, name: name.to_owned(), file, metadata })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Number of rows, as the footer has it.
    fn row_count(&self) -> u64 {
        self.metadata.metadata().file_metadata().num_rows().max(0) as u64
    }

    /// For how many rows to make room ahead: the footer's number, but no more than the file has
    /// bytes. A footer that lies must not take the memory of the machine.
    pub(crate) fn rows_ahead(&self) -> usize {
        let bytes = self.file.metadata().map_or(0, |metadata| metadata.len());
        self.row_count().min(bytes) as usize
    }

    pub(crate) fn fields(&self) -> &[FieldRef] {
        self.metadata.schema().fields()
    }

    /// The position of a column and whether its type is one that the role takes: the column that
    /// is named, which must be there, or else the one of the standard name, if it is there.
    pub(crate) fn find(
        &self,
        named: Option<&str>,
        standard: &str,
        role: Role,
    ) -> Result<Option<usize>, ReadError> {
        let name = named.unwrap_or(standard);
        let found = self.fields().iter().position(|field| field.name() == name);
        match found {
            Some(column) => self.check(column, role).map(|()| Some(column)),
            None if named.is_none() => Ok(None),
            None => Err(self.unknown(name)),
        }
    }

    /// [`ParquetFile::find`] for a column that must be there.
    pub(crate) fn needed(
        &self,
        named: Option<&str>,
        standard: &str,
        role: Role,
    ) -> Result<usize, ReadError> {
        self.find(named, standard, role)?.ok_or_else(|| self.unknown(standard))
    }

    /// Checks the type of a column.
    pub(crate) fn check(&self, column: usize, role: Role) -> Result<(), ReadError> {
        let field = &self.fields()[column];
        if role.takes(field.data_type()) {
            return Ok(());
        }
        Err(ReadError::ColumnType {
            path: self.path.clone(),
            column: field.name().clone(),
            expected: role.expected(),
            found: type_name(field.data_type()),
        })
    }

    pub(crate) fn unknown(&self, column: &str) -> ReadError {
        ReadError::UnknownColumn {
            path: self.path.clone(),
            column: column.to_owned(),
            header: self.fields().iter().map(|field| field.name().clone()).collect(),
        }
    }

    /// Begins to read the columns that are wanted. With `dictionaries` their texts come as keys
    /// into the distinct ones.
    pub(crate) fn batches<'a>(
        self,
        wanted: &[usize],
        dictionaries: bool,
        progress: &'a dyn Progress,
    ) -> Result<Batches<'a>, ReadError> {
        let rows = self.row_count();
        let Self { path, name, file, metadata } = self;
        let text = if dictionaries { dictionary_type() } else { DataType::Utf8 };
        let fields: Vec<Field> =
            metadata.schema().fields().iter().map(|field| asked(field, &text)).collect();
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let reader = guarded(&path, || {
            let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)?;
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
            let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.iter().copied());
            builder.with_projection(mask).with_batch_size(BATCH_ROWS).build()
        })?;
        progress.begin(&format!("reading {name}"), Some(rows), "rows");
        Ok(Batches { path, name, wanted, reader, rows: 0, progress })
    }
}

/// The batches of a file.
pub(crate) struct Batches<'a> {
    path: PathBuf,
    name: String,
    wanted: Vec<usize>,
    reader: ParquetRecordBatchReader,
    rows: u64,
    progress: &'a dyn Progress,
}

impl Batches<'_> {
    /// Where a column of the file stands in each batch. Panics where it was not wanted.
    pub(crate) fn position(&self, column: usize) -> usize {
        self.wanted.iter().position(|wanted| *wanted == column).expect("the column was wanted")
    }

    /// The next batch and the number of rows before it.
    pub(crate) fn next(&mut self) -> Result<Option<(RecordBatch, u64)>, ReadError> {
        let reader = &mut self.reader;
        let batch = guarded(&self.path, || {
            reader.next().transpose().map_err(|error| ParquetError::ArrowError(error.to_string()))
        })?;
        let Some(batch) = batch else {
            self.progress.end();
            return Ok(None);
        };
        let before = self.rows;
        self.rows += batch.num_rows() as u64;
        self.progress.advance(batch.num_rows() as u64);
        Ok(Some((batch, before)))
    }

    /// The place of a row, counted from 1.
    pub(crate) fn place(&self, row: u64) -> RowPlace<'_> {
        RowPlace { file: &self.name, line: row, lines: 1 }
    }
}

/// The type in which a column is asked for: one for all the forms that text comes in.
fn asked(field: &FieldRef, text: &DataType) -> Field {
    let field = field.as_ref().clone();
    let kind = match field.data_type() {
        kind if is_text(kind) => text.clone(),
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        DataType::List(of)
        | DataType::LargeList(of)
        | DataType::ListView(of)
        | DataType::LargeListView(of)
        | DataType::FixedSizeList(of, _)
            if is_text(of.data_type()) =>
        {
            DataType::List(Arc::new(of.as_ref().clone().with_data_type(DataType::Utf8)))
        }
        kind => kind.clone(),
    };
    field.with_data_type(kind)
}

fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ReadError> {
    decoded(read).map_err(|why| ReadError::Parquet { path: path.to_owned(), why })
}

/// What a file's bytes make of the decoder: an error, or for some damage a panic. Both mean that
/// the file cannot be read, and neither may take the process with it.
pub(crate) fn decoded<T, E: ToString>(read: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    match outcome {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(_) => Err("the decoder gave up on its contents".to_owned()),
    }
}

fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Struct(_) => "a nested column (struct)".to_owned(),
        DataType::Map(..) => "a nested column (map)".to_owned(),
        kind if kind.is_nested() => format!("a nested column ({kind})"),
        kind => kind.to_string(),
    }
}
