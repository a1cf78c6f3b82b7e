//! Parquet back to the parts of a data set; a file that only looks right is refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use gannet_core::{
    Catalogue, CatalogueBuilder, EventKinds, FieldIndex, FieldKind, FieldTable, Interaction,
    ItemIndex, ItemRow, KindIndex, SceneIndex, StringTable, TagPath, Timestamp, UserId, UserIndex,
};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};

use super::StoreError;
use super::manifest::CheckedFile;
use super::schema::{event_columns, item_columns, user_columns};
use crate::dataset::Events;
use crate::text_codes::{TextCodes, dictionary_type};

const BATCH_ROWS: usize = 1 << 14;

/// What the names in an events file stand for.
pub(super) struct Names<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) users: &'a StringTable,
    pub(super) kinds: &'a EventKinds,
    pub(super) scenes: &'a [String],
}

pub(super) fn items(file: CheckedFile, version: u32) -> Result<Catalogue, StoreError> {
    let columns = item_columns(version);
    let table = Table::open(file, &columns, version, Form::of_records(version))?;
    let mut catalogue = CatalogueBuilder::new();
    let fields = FieldColumns::of(&table, columns.len(), catalogue.fields_mut())?;
    let mut tags = Vec::new();
    table.each(|batch, row| {
        let author = batch.column(3).as_string::<i32>();
        let times = |column: usize| {
            let times = batch.column(column).as_primitive::<TimestampMillisecondType>();
            times.is_valid(row).then(|| Timestamp(times.value(row)))
        };
        let own = batch.column(2).as_list::<i32>().value(row);
        tags.clear();
        for tag in own.as_string::<i32>().iter().flatten() {
            let tag = match catalogue.find_tag(tag) {
                Some(known) => known,
                None => catalogue.tag(&TagPath::new(tag).map_err(|error| error.to_string())?),
            };
            tags.push(tag);
        }
        let item = catalogue.add_row(&ItemRow {
            id: text(batch, 0).value(row),
            title: text(batch, 1).value(row),
            tags: &tags,
            author: author.is_valid(row).then(|| author.value(row)),
            published: times(4),
            available: batch.column(5).as_boolean().value(row),
            expires: if version >= 2 { times(6) } else { None },
        });
        let item = item.map_err(|error| error.to_string())?;
        fields.set(catalogue.fields_mut(), item.at(), batch, row)
    })?;
    Ok(catalogue.finish())
}

pub(super) fn users(
    file: CheckedFile,
    version: u32,
) -> Result<(StringTable, FieldTable), StoreError> {
    let columns = user_columns();
    let table = Table::open(file, &columns, version, Form::of_records(version))?;
    let (mut users, mut fields) = (StringTable::new(), FieldTable::new());
    let field_columns = FieldColumns::of(&table, columns.len(), &mut fields)?;
    table.each(|batch, row| {
        let id = UserId::new(text(batch, 0).value(row)).map_err(|error| error.to_string())?;
        if users.find(id.as_str()).is_some() {
            return Err(format!("user {id} is given twice"));
        }
        let user = users.intern(id.as_str());
        field_columns.set(&mut fields, user as usize, batch, row)
    })?;
    Ok((users, fields))
}

/// The columns behind the fixed ones, and the fields that they are.
struct FieldColumns {
    first: usize,
    fields: Vec<(FieldIndex, FieldKind)>,
}

impl FieldColumns {
    fn of(table: &Table, first: usize, fields: &mut FieldTable) -> Result<Self, StoreError> {
        let mut own = Vec::new();
        for field in &table.fields[first..] {
            let kind = match field.data_type() {
                DataType::Utf8 => FieldKind::Text,
                DataType::Float64 => FieldKind::Number,
                other => {
                    let why = format!("field {:?} is of type {other}", field.name());
                    return Err(bad(&table.path, why));
                }
            };
            let index = fields.add(field.name(), kind);
            own.push((index.map_err(|error| bad(&table.path, error.to_string()))?, kind));
        }
        Ok(Self { first, fields: own })
    }

    fn set(
        &self,
        fields: &mut FieldTable,
        at: usize,
        batch: &RecordBatch,
        row: usize,
    ) -> Result<(), String> {
        for (column, (field, kind)) in (self.first..).zip(&self.fields) {
            let column = batch.column(column);
            if column.is_null(row) {
                continue;
            }
            let set = match kind {
                FieldKind::Text => {
                    fields.set_text(*field, at, column.as_string::<i32>().value(row))
                }
                FieldKind::Number => {
                    fields.set_number(*field, at, column.as_primitive::<Float64Type>().value(row))
                }
            };
            set.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

pub(super) fn events(
    file: CheckedFile,
    names: &Names<'_>,
    version: u32,
) -> Result<Events, StoreError> {
    let table = Table::open(file, &event_columns(version), version, Form::Events)?;
    let capacity = table.rows as usize;
    let mut events =
        Events { users: Vec::with_capacity(capacity), interactions: Vec::with_capacity(capacity) };
    let mut codes = EventCodes::new();
    let mut at = 0;
    let path = table.path.clone();
    table.each_batch(|batch| {
        let values = batch.column(3).as_primitive::<Float32Type>();
        let times = batch.column(4).as_primitive::<TimestampMillisecondType>();
        codes.begin(batch);
        for row in 0..batch.num_rows() {
            at += 1;
            let (user, item, kind, scene) = codes
                .row(batch, row, names)
                .map_err(|why| bad(&path, format!("row {at}: {why}")))?;
            let time = times.is_valid(row).then(|| Timestamp(times.value(row)));
            events.users.push(user);
            events.interactions.push(Interaction {
                item,
                kind,
                value: values.value(row),
                time,
                scene,
            });
        }
        Ok(())
    })?;
    Ok(events)
}

/// What the texts of the event columns stand for.
struct EventCodes {
    users: TextCodes<UserIndex>,
    items: TextCodes<ItemIndex>,
    kinds: TextCodes<KindIndex>,
    scenes: TextCodes<SceneIndex>,
}

impl EventCodes {
    fn new() -> Self {
        Self {
            users: TextCodes::new(),
            items: TextCodes::new(),
            kinds: TextCodes::new(),
            scenes: TextCodes::new(),
        }
    }

    fn begin(&mut self, batch: &RecordBatch) {
        self.users.begin(batch.column(0).as_dictionary::<Int32Type>());
        self.items.begin(batch.column(1).as_dictionary::<Int32Type>());
        self.kinds.begin(batch.column(2).as_dictionary::<Int32Type>());
        if let Some(scenes) = batch.columns().get(5) {
            self.scenes.begin(scenes.as_dictionary::<Int32Type>());
        }
    }

    fn row(
        &mut self,
        batch: &RecordBatch,
        row: usize,
        names: &Names<'_>,
    ) -> Result<(UserIndex, ItemIndex, KindIndex, Option<SceneIndex>), String> {
        let unknown = |what: &str, name: &str| format!("no {what} is called {name:?}");
        let user = self.users.code(key(batch.column(0), row), |name| {
            names.users.find(name).map(UserIndex).ok_or_else(|| unknown("user", name))
        })?;
        let item = self.items.code(key(batch.column(1), row), |name| {
            names.catalogue.find(name).ok_or_else(|| unknown("item", name))
        })?;
        let kind = self.kinds.code(key(batch.column(2), row), |name| {
            names.kinds.index(name).ok_or_else(|| unknown("kind", name))
        })?;
        let scene = match batch.columns().get(5).filter(|scenes| scenes.is_valid(row)) {
            None => None,
            Some(scenes) => Some(self.scenes.code(key(scenes, row), |name| {
                let at = names.scenes.iter().position(|scene| scene == name);
                at.map(|at| SceneIndex(at as u8)).ok_or_else(|| unknown("scene", name))
            })?),
        };
        Ok((user, item, kind, scene))
    }
}

fn key(column: &ArrayRef, row: usize) -> usize {
    column.as_dictionary::<Int32Type>().keys().value(row) as usize
}

fn text(batch: &RecordBatch, column: usize) -> &StringArray {
    batch.column(column).as_string::<i32>()
}

/// What the columns of a file may be besides the fixed ones, and how its texts are wanted.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// The fixed ones alone.
    Bare,
    /// Fields behind them.
    WithFields,
    /// The fixed ones alone; texts as dictionaries.
    Events,
}

impl Form {
    fn of_records(version: u32) -> Self {
        if version >= 2 { Form::WithFields } else { Form::Bare }
    }
}

/// A Parquet file under way, whose columns are known to be those of its version.
struct Table {
    path: PathBuf,
    rows: u64,
    fields: Vec<Arc<Field>>,
    reader: ParquetRecordBatchReader,
}

impl Table {
    fn open(
        file: CheckedFile,
        columns: &[Field],
        version: u32,
        form: Form,
    ) -> Result<Self, StoreError> {
        let CheckedFile { path, file, rows } = file;
        let refused = |error: parquet::errors::ParquetError| bad(&path, error.to_string());
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let mut metadata = metadata.map_err(refused)?;
        let fields: Vec<Arc<Field>> = metadata.schema().fields().iter().cloned().collect();
        let fixed = fields.iter().map(AsRef::as_ref).take(columns.len());
        if !fixed.eq(columns) || (fields.len() > columns.len() && form != Form::WithFields) {
            let found: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            return Err(bad(
                &path,
                format!("columns are not those of format {version}: {found:?}"),
            ));
        }
        let found = metadata.metadata().file_metadata().num_rows();
        if found != rows as i64 {
            return Err(bad(&path, format!("{found} rows where the manifest says {rows}")));
        }
        if form == Form::Events {
            let asked = fields.iter().map(|field| match field.data_type() {
                DataType::Utf8 => field.as_ref().clone().with_data_type(dictionary_type()),
                _ => field.as_ref().clone(),
            });
            let schema = Arc::new(Schema::new(asked.collect::<Vec<Field>>()));
            let options = ArrowReaderOptions::new().with_schema(schema);
            metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
                .map_err(refused)?;
        }
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(refused)?;
        Ok(Self { path, rows, fields, reader })
    }

    fn each_batch(
        self,
        mut take: impl FnMut(&RecordBatch) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut rows = 0;
        for batch in self.reader {
            let batch = batch.map_err(|error| bad(&self.path, error.to_string()))?;
            rows += batch.num_rows() as u64;
            take(&batch)?;
        }
        if rows == self.rows {
            return Ok(());
        }
        Err(bad(&self.path, format!("{rows} rows where the manifest says {}", self.rows)))
    }

    /// Takes every row; what `take` says against one ends the reading.
    fn each(
        self,
        mut take: impl FnMut(&RecordBatch, usize) -> Result<(), String>,
    ) -> Result<(), StoreError> {
        let (path, mut at) = (self.path.clone(), 0);
        self.each_batch(|batch| {
            for row in 0..batch.num_rows() {
                at += 1;
                take(batch, row).map_err(|why| bad(&path, format!("row {at}: {why}")))?;
            }
            Ok(())
        })
    }
}

fn bad(path: &Path, why: String) -> StoreError {
    StoreError::Contents { path: path.to_owned(), why }
}
