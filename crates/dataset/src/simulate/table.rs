//! Rows of a simulation to Parquet.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use gannet_core::{FieldValue, Item, Progress, Timestamp};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;

use super::error::SimulationError;
use super::events::Event;
use super::item::Items;
use super::session::SCENES;
use super::user::{Taste, user_id};
use super::write::disk;
use super::{SimulationOptions, simulated_kinds};

const ROW_GROUP_ROWS: usize = 1 << 20;
/// Rows of items and users that one thread prepares at once.
const BATCH_ROWS: usize = 1 << 14;
const BATCHES_AT_ONCE: usize = 8;
/// Fastest level: the next ones take twice the time for some hundredths of the bytes.
const ZSTD_LEVEL: i32 = 1;
/// A row group's distinct ids fit: 1 million of them are 13 MB.
const DICTIONARY_BYTES_MAX: usize = 16 << 20;

/// A finished table.
pub(super) struct Written {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

/// A Parquet file in the making.
pub(super) struct Table<'a> {
    path: &'a Path,
    schema: Arc<Schema>,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl<'a> Table<'a> {
    pub(super) fn create(path: &'a Path, schema: Schema) -> Result<Self, SimulationError> {
        let file = File::create_new(path).map_err(disk(path))?;
        let level = ZstdLevel::try_new(ZSTD_LEVEL).expect("a level that zstd has");
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX);
        // Each differs from its neighbours by little, and none comes twice.
        for column in ["time", "published", "expires", "length_ms"] {
            properties = properties
                .set_column_dictionary_enabled(ColumnPath::from(column), false)
                .set_column_encoding(ColumnPath::from(column), Encoding::DELTA_BINARY_PACKED);
        }
        for column in ["id", "title", "value"] {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), false);
        }
        let schema = Arc::new(schema);
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties.build()))
            .map_err(|error| refused(path, error))?;
        Ok(Self { path, schema, writer, rows: 0 })
    }

    fn write(&mut self, columns: Vec<ArrayRef>) -> Result<(), SimulationError> {
        let path = self.path;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| refused(path, error.into()))?;
        self.rows += batch.num_rows() as u64;
        self.writer.write(&batch).map_err(|error| refused(path, error))
    }

    pub(super) fn write_events(
        &mut self,
        events: &[Event],
        start: Timestamp,
    ) -> Result<(), SimulationError> {
        let kinds = simulated_kinds();
        let kind = |event: &Event| kinds.all()[usize::from(event.kind)].name.as_str();
        let scene = |event: &Event| SCENES[usize::from(event.scene)];
        let moment = |event: &Event| Some(start.0.saturating_add(event.time_ms));
        self.write(vec![
            Arc::new(numbered("user-", events.iter().map(|event| event.user))),
            Arc::new(numbered("item-", events.iter().map(|event| event.item))),
            Arc::new(StringArray::from_iter_values(events.iter().map(kind))),
            Arc::new(events.iter().map(|event| event.value).collect::<Float32Array>()),
            times(events.iter().map(moment)),
            Arc::new(StringArray::from_iter_values(events.iter().map(scene))),
        ])
    }

    pub(super) fn finish(mut self) -> Result<Written, SimulationError> {
        let (path, rows) = (self.path, self.rows);
        // Not `into_inner`: that one forgets which error the disk gave.
        self.writer.finish().map_err(|error| refused(path, error))?;
        let file = self.writer.inner();
        file.sync_all().map_err(disk(path))?;
        let bytes = file.metadata().map_err(disk(path))?.len();
        Ok(Written { rows, bytes })
    }
}

/// Ids without a detour through one string each: a hundred million of them are written.
fn numbered(beginning: &str, numbers: impl ExactSizeIterator<Item = u32>) -> StringArray {
    let count = numbers.len();
    let mut ids = StringBuilder::with_capacity(count, count * (beginning.len() + 8));
    let mut text = beginning.to_owned();
    for number in numbers {
        text.truncate(beginning.len());
        push_number(&mut text, number + 1);
        ids.append_value(&text);
    }
    ids.finish()
}

fn push_number(text: &mut String, mut number: u32) {
    let (mut digits, mut at) = ([b'0'; 10], 10);
    while number > 0 || at == 10 {
        at -= 1;
        digits[at] += (number % 10) as u8;
        number /= 10;
    }
    text.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

fn times(times: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(times.collect::<TimestampMillisecondArray>().with_timezone("UTC"))
}

pub(super) fn event_schema() -> Schema {
    Schema::new(vec![
        Field::new("user", DataType::Utf8, false),
        Field::new("item", DataType::Utf8, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("value", DataType::Float32, false),
        Field::new("time", time_type(), false),
        Field::new("scene", DataType::Utf8, false),
    ])
}

fn item_schema() -> Schema {
    let tag = Field::new("item", DataType::Utf8, false);
    Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("title", DataType::Utf8, false),
        Field::new("tags", DataType::List(Arc::new(tag)), false),
        Field::new("author", DataType::Utf8, true),
        Field::new("published", time_type(), true),
        Field::new("expires", time_type(), true),
        Field::new("available", DataType::Boolean, false),
        Field::new("music", DataType::Utf8, true),
        Field::new("city", DataType::Utf8, true),
        Field::new("length_ms", DataType::Int64, true),
    ])
}

pub(super) fn items(
    path: &Path,
    items: &Items,
    progress: &dyn Progress,
) -> Result<Written, SimulationError> {
    progress.begin("simulate items", Some(u64::from(items.count())), "items");
    let mut table = Table::create(path, item_schema())?;
    write_batches(&mut table, items.count(), progress, |rows| {
        let items: Vec<Item> = rows.map(|item| items.item(item)).collect();
        item_columns(&items)
    })?;
    progress.end();
    table.finish()
}

fn item_columns(items: &[Item]) -> Vec<ArrayRef> {
    let tag = Field::new("item", DataType::Utf8, false);
    let mut tags = ListBuilder::new(StringBuilder::new()).with_field(tag);
    for item in items {
        item.tags.iter().for_each(|tag| tags.values().append_value(tag.as_str()));
        tags.append(true);
    }
    let text = |name: &str| -> ArrayRef {
        let of = |item: &Item| match field(item, name) {
            Some(FieldValue::Text(text)) => Some(text.clone()),
            _ => None,
        };
        Arc::new(items.iter().map(of).collect::<StringArray>())
    };
    let whole = |name: &str| -> ArrayRef {
        let of = |item: &Item| match field(item, name) {
            Some(FieldValue::Number(number)) => Some(*number as i64),
            _ => None,
        };
        Arc::new(items.iter().map(of).collect::<Int64Array>())
    };
    let available: Vec<bool> = items.iter().map(|item| item.available).collect();
    vec![
        Arc::new(StringArray::from_iter_values(items.iter().map(|item| item.id.as_str()))),
        Arc::new(StringArray::from_iter_values(items.iter().map(|item| item.title.as_str()))),
        Arc::new(tags.finish()),
        Arc::new(items.iter().map(|item| item.author.as_deref()).collect::<StringArray>()),
        times(items.iter().map(|item| item.published.map(|moment| moment.0))),
        times(items.iter().map(|item| item.expires.map(|moment| moment.0))),
        Arc::new(BooleanArray::from(available)),
        text("music"),
        text("city"),
        whole("length_ms"),
    ]
}

fn field<'a>(item: &'a Item, name: &str) -> Option<&'a FieldValue> {
    item.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

pub(super) fn users(
    path: &Path,
    options: &SimulationOptions,
    items: &Items,
) -> Result<Written, SimulationError> {
    let text = |name| Field::new(name, DataType::Utf8, false);
    let schema = Schema::new(["id", "city", "age_band", "activity"].map(text).to_vec());
    let mut table = Table::create(path, schema)?;
    write_batches(&mut table, options.user_count, &gannet_core::Silent, |rows| {
        let tastes: Vec<Taste> =
            rows.clone().map(|user| Taste::new(items, options.seed, user)).collect();
        let ids = StringArray::from_iter_values(rows.map(user_id));
        let column = |at: usize| -> ArrayRef {
            let of = |taste: &Taste| match &taste.fields()[at].1 {
                FieldValue::Text(text) => text.clone(),
                FieldValue::Number(number) => number.to_string(),
            };
            Arc::new(StringArray::from_iter_values(tastes.iter().map(of)))
        };
        vec![Arc::new(ids), column(0), column(1), column(2)]
    })?;
    table.finish()
}

/// Prepares batches on all cores and writes them in order.
fn write_batches(
    table: &mut Table<'_>,
    count: u32,
    progress: &dyn Progress,
    columns: impl Fn(Range<u32>) -> Vec<ArrayRef> + Sync,
) -> Result<(), SimulationError> {
    let step = BATCH_ROWS as u32;
    let starts: Vec<u32> = (0..count).step_by(BATCH_ROWS).collect();
    for group in starts.chunks(BATCHES_AT_ONCE) {
        let batch = |start: &u32| columns(*start..count.min(start.saturating_add(step)));
        let prepared: Vec<Vec<ArrayRef>> = group.par_iter().map(batch).collect();
        for columns in prepared {
            progress.advance(columns[0].len() as u64);
            table.write(columns)?;
        }
    }
    Ok(())
}

/// A full disk comes wrapped in the writer's own error: the path and the cause are what helps.
fn refused(path: &Path, error: ParquetError) -> SimulationError {
    let contents = |why: String| SimulationError::Contents { path: path.to_owned(), why };
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => SimulationError::Disk { path: path.to_owned(), source: *source },
            Err(other) => contents(other.to_string()),
        },
        other => contents(other.to_string()),
    }
}
