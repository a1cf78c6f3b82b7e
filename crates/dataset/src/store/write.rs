//! Tables to Parquet, a batch of rows at a time.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use gannet_core::{Catalogue, ItemIndex, StringTable, Timestamp};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};

use super::{StoreError, StoredFile, disk};
use crate::dataset::{Dataset, Events};
use crate::normal_form::hexadecimal;

const BATCH_ROWS: usize = 1 << 14;
const ROW_GROUP_ROWS: usize = 1 << 17;

pub(super) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

pub(super) fn item_schema() -> Schema {
    let tag = Field::new("item", DataType::Utf8, false);
    Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("title", DataType::Utf8, false),
        Field::new("tags", DataType::List(Arc::new(tag)), false),
        Field::new("author", DataType::Utf8, true),
        Field::new("published", time_type(), true),
        Field::new("available", DataType::Boolean, false),
    ])
}

pub(super) fn user_schema() -> Schema {
    Schema::new(vec![Field::new("id", DataType::Utf8, false)])
}

pub(super) fn event_schema() -> Schema {
    Schema::new(vec![
        Field::new("user", DataType::Utf8, false),
        Field::new("item", DataType::Utf8, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("value", DataType::Float32, false),
        Field::new("time", time_type(), true),
    ])
}

pub(super) fn items(path: &Path, catalogue: &Catalogue) -> Result<StoredFile, StoreError> {
    let mut table = Table::create(path, item_schema())?;
    for rows in batches(catalogue.len()) {
        let items: Vec<ItemIndex> = rows.map(|row| ItemIndex(row as u32)).collect();
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
        table.write(vec![
            Arc::new(of(Catalogue::id)),
            Arc::new(of(Catalogue::title)),
            Arc::new(tags.finish()),
            Arc::new(items.iter().map(author).collect::<StringArray>()),
            times(items.iter().map(|item| catalogue.published(*item))),
            Arc::new(BooleanArray::from(items.iter().map(available).collect::<Vec<bool>>())),
        ])?;
    }
    table.finish()
}

pub(super) fn users(path: &Path, users: &StringTable) -> Result<StoredFile, StoreError> {
    let mut table = Table::create(path, user_schema())?;
    for rows in batches(users.len()) {
        let ids = rows.map(|row| users.get(row as u32));
        table.write(vec![Arc::new(StringArray::from_iter_values(ids))])?;
    }
    table.finish()
}

pub(super) fn events(
    path: &Path,
    dataset: &Dataset,
    events: &Events,
) -> Result<StoredFile, StoreError> {
    let mut table = Table::create(path, event_schema())?;
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
        ])?;
    }
    table.finish()
}

fn batches(rows: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
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
    fn create(path: &'a Path, schema: Schema) -> Result<Self, StoreError> {
        let file = File::create_new(path).map_err(disk(path))?;
        let file = Summed { file, hash: Sha256::new(), bytes: 0 };
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
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
        let schema = Arc::new(user_schema());
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
