//! Tables to Parquet, a batch of rows at a time.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field, Schema};
use gannet_core::{Catalogue, Column, FieldTable, Interaction, ItemIndex, StringTable, Timestamp};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};

use super::manifest::FORMAT_VERSION;
use super::schema::{event_columns, item_columns, user_columns, with_fields};
use super::{StoreError, StoredFile, disk};
use crate::dataset::{Dataset, Events};
use crate::normal_form::hexadecimal;
use crate::simulate::{TRUTH, TruePreference, truth_text};

const BATCH_ROWS: usize = 1 << 14;
const ROW_GROUP_ROWS: usize = 1 << 17;
/// A whole row group's ids fit: half a dictionary would have readers look every id up.
const DICTIONARY_BYTES_MAX: usize = 16 << 20;

pub(super) fn items(path: &Path, catalogue: &Catalogue) -> Result<StoredFile, StoreError> {
    let schema = with_fields(item_columns(FORMAT_VERSION), catalogue.fields());
    let mut table = Table::create(path, schema, &["id", "title"])?;
    for rows in batches(catalogue.len()) {
        let items: Vec<ItemIndex> = rows.clone().map(|row| ItemIndex(row as u32)).collect();
        let of = |text: fn(&Catalogue, ItemIndex) -> &str| {
            StringArray::from_iter_values(items.iter().map(|item| text(catalogue, *item)))
        };
        let field = Field::new("item", DataType::Utf8, false);
        let mut tags = ListBuilder::new(StringBuilder::new()).with_field(field);
        for item in &items {
            for tag in catalogue.tags(*item) {
                tags.values().append_value(catalogue.tag_name(*tag));
            }
            tags.append(true);
        }
        let author =
            |item: &ItemIndex| catalogue.author(*item).map(|author| catalogue.author_name(author));
        let available = |item: &ItemIndex| catalogue.available().contains(item.0);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(of(Catalogue::id)),
            Arc::new(of(Catalogue::title)),
            Arc::new(tags.finish()),
            Arc::new(items.iter().map(author).collect::<StringArray>()),
            times(items.iter().map(|item| catalogue.published(*item))),
            Arc::new(BooleanArray::from(items.iter().map(available).collect::<Vec<bool>>())),
            times(items.iter().map(|item| catalogue.expires(*item))),
        ];
        columns.extend(field_columns(catalogue.fields(), &rows));
        table.write(columns)?;
    }
    table.finish()
}

pub(super) fn users(
    path: &Path,
    users: &StringTable,
    fields: &FieldTable,
) -> Result<StoredFile, StoreError> {
    let mut table = Table::create(path, with_fields(user_columns(), fields), &["id"])?;
    for rows in batches(users.len()) {
        let ids = rows.clone().map(|row| users.get(row as u32));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from_iter_values(ids))];
        columns.extend(field_columns(fields, &rows));
        table.write(columns)?;
    }
    table.finish()
}

fn field_columns<'a>(
    fields: &'a FieldTable,
    rows: &'a Range<usize>,
) -> impl Iterator<Item = ArrayRef> + 'a {
    fields.indices().map(|field| match fields.column(field) {
        Column::Text { .. } => {
            let texts = rows.clone().map(|row| fields.text(field, row));
            Arc::new(texts.collect::<StringArray>()) as ArrayRef
        }
        Column::Number(_) => {
            let numbers = rows.clone().map(|row| fields.number(field, row));
            Arc::new(numbers.collect::<Float64Array>()) as ArrayRef
        }
    })
}

pub(super) fn events(
    path: &Path,
    dataset: &Dataset,
    events: &Events,
) -> Result<StoredFile, StoreError> {
    let schema = Schema::new(event_columns(FORMAT_VERSION));
    let mut table = Table::create(path, schema, &[])?;
    let scene = |event: &Interaction| {
        event.scene.map(|scene| dataset.scenes[usize::from(scene.0)].as_str())
    };
    for rows in batches(events.users.len()) {
        let users = events.users[rows.clone()].iter().map(|user| dataset.users.get(user.0));
        let own = &events.interactions[rows];
        let items = own.iter().map(|event| dataset.catalogue.id(event.item));
        let kinds = own.iter().map(|event| dataset.kinds.kind(event.kind).name.as_str());
        let values: Vec<f32> = own.iter().map(|event| event.value).collect();
        table.write(vec![
            Arc::new(StringArray::from_iter_values(users)),
            Arc::new(StringArray::from_iter_values(items)),
            Arc::new(StringArray::from_iter_values(kinds)),
            Arc::new(Float32Array::from(values)),
            times(own.iter().map(|event| event.time)),
            Arc::new(own.iter().map(scene).collect::<StringArray>()),
        ])?;
    }
    table.finish()
}

/// No rows: the options of the simulation.
pub(super) fn truth(path: &Path, truth: &TruePreference) -> Result<StoredFile, StoreError> {
    let file = File::create_new(path).map_err(disk(path))?;
    let mut summed = Summed { file, hash: Sha256::new(), bytes: 0 };
    let written = summed.write_all(&truth_text(truth.options()));
    written.and_then(|()| summed.file.sync_all()).map_err(disk(path))?;
    let sha256 = hexadecimal(&summed.hash.finalize());
    Ok(StoredFile { name: TRUTH.to_owned(), rows: 0, bytes: summed.bytes, sha256 })
}

fn batches(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(BATCH_ROWS).map(move |first| first..rows.min(first + BATCH_ROWS))
}

fn times(times: impl Iterator<Item = Option<Timestamp>>) -> ArrayRef {
    let times: TimestampMillisecondArray = times.map(|time| time.map(|time| time.0)).collect();
    Arc::new(times.with_timezone("UTC"))
}

/// A Parquet file in the making.
struct Table<'a> {
    path: &'a Path,
    schema: Arc<Schema>,
    writer: ArrowWriter<Summed>,
    rows: u64,
}

impl<'a> Table<'a> {
    /// `distinct` columns have another value in each row: a dictionary of them would be their copy.
    fn create(path: &'a Path, schema: Schema, distinct: &[&str]) -> Result<Self, StoreError> {
        let file = File::create_new(path).map_err(disk(path))?;
        let file = Summed { file, hash: Sha256::new(), bytes: 0 };
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX);
        for column in distinct {
            let column = ColumnPath::new(vec![(*column).to_owned()]);
            properties = properties.set_column_dictionary_enabled(column, false);
        }
        let properties = properties.build();
        let schema = Arc::new(schema);
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))
            .map_err(|error| refused(path, error))?;
        Ok(Self { path, schema, writer, rows: 0 })
    }

    fn write(&mut self, columns: Vec<ArrayRef>) -> Result<(), StoreError> {
        let path = self.path;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| refused(path, error.into()))?;
        self.rows += batch.num_rows() as u64;
        self.writer.write(&batch).map_err(|error| refused(path, error))
    }

    fn finish(self) -> Result<StoredFile, StoreError> {
        let Self { path, mut writer, rows, .. } = self;
        // Not `into_inner`: that one forgets which error the disk gave.
        writer.finish().map_err(|error| refused(path, error))?;
        let summed = writer.inner();
        summed.file.sync_all().map_err(disk(path))?;
        let name = path.file_name().map(|name| name.display().to_string()).unwrap_or_default();
        let sha256 = hexadecimal(&summed.hash.clone().finalize());
        Ok(StoredFile { name, rows, bytes: summed.bytes, sha256 })
    }
}

/// A full disk comes wrapped in the writer's own error: the path and the cause are what helps.
fn refused(path: &Path, error: ParquetError) -> StoreError {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => StoreError::Disk { path: path.to_owned(), source: *source },
            Err(other) => StoreError::Contents { path: path.to_owned(), why: other.to_string() },
        },
        other => StoreError::Contents { path: path.to_owned(), why: other.to_string() },
    }
}

/// A file whose checksum grows with it, so that it need not be read again.
struct Summed {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Summed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_refuses_half_way_is_named_and_not_taken_for_bad_contents() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.parquet");
        std::fs::write(&path, "").unwrap();
        let schema = Arc::new(Schema::new(user_columns()));
        // Open for reading only: every write fails, whoever runs this.
        let summed = Summed { file: File::open(&path).unwrap(), hash: Sha256::new(), bytes: 0 };
        let writer = ArrowWriter::try_new(summed, Arc::clone(&schema), None);
        let written = writer.map_err(|error| refused(&path, error)).and_then(|writer| {
            let mut table = Table { path: &path, schema, writer, rows: 0 };
            table.write(vec![Arc::new(StringArray::from_iter_values(["a", "b"]))])?;
            table.finish()
        });
        let error = written.unwrap_err();
        assert!(matches!(&error, StoreError::Disk { path: at, .. } if *at == path), "{error}");
    }
}
