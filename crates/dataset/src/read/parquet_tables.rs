//! `items.parquet`, `users.parquet`, `events.parquet` and `test_events.parquet` of any writer.
//!
//! Ids and names are text (plain, large, view or dictionary) or whole numbers, taken as their
//! decimal text; times are timestamps of any unit, dates, whole numbers or ISO 8601 text; values
//! any number. Every other column of items and users becomes a field. Rows come in batches: memory
//! beyond the data set is what the decoder holds of one row group.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use gannet_core::{EventKinds, FieldIndex, FieldKind, KindIndex, Timestamp};

use super::ReadOutcome;
use super::builder::{DatasetBuilder, FieldCell, ItemFacts, Name, NamedEvent, Part};
use super::columns::{
    EventColumns, FieldNames, ItemColumns, TableMapping, UserColumns, tag_separator,
};
use super::error::ReadError;
use super::field::{self, TimeUnit};
use super::parquet_cells::{self as cells, Role, is_number};
use super::parquet_file::{Batches, ParquetFile};
use super::reading::{Reading, only_kind};
use crate::bad_rows::BadField;
use crate::text_codes::TextCodes;

pub(crate) fn read(
    mut reading: Reading<'_>,
    mapping: &TableMapping,
) -> Result<ReadOutcome, ReadError> {
    let files = mapping.files(reading.folder, "parquet");
    if let Some(name) = &files.items {
        read_items(&mut reading, name, &mapping.items)?;
    }
    if let Some(name) = &files.users {
        read_users(&mut reading, name, &mapping.users)?;
    }
    let events = ParquetFile::open(reading.folder, &files.events)?;
    let path = events.path().to_owned();
    let kinds = read_events(&mut reading, events, &mapping.events, Part::Events)?;
    if let Some(name) = &files.test_events {
        let events = ParquetFile::open(reading.folder, name)?;
        read_events(&mut reading, events, &mapping.events, Part::TestEvents)?;
    }
    reading.finish(kinds, &path)
}

fn read_items(
    reading: &mut Reading<'_>,
    name: &str,
    columns: &ItemColumns,
) -> Result<(), ReadError> {
    let separator = tag_separator(columns)?;
    let file = ParquetFile::open(reading.folder, name)?;
    let find =
        |named: &Option<String>, standard: &str, role| file.find(named.as_deref(), standard, role);
    let id = file.needed(columns.id.as_deref(), "id", Role::Text)?;
    let title = find(&columns.title, "title", Role::Text)?;
    let tags = find(&columns.tags, "tags", Role::Tags)?;
    let author = find(&columns.author, "author", Role::Text)?;
    let published = find(&columns.published, "published", Role::Time)?;
    let available = find(&columns.available, "available", Role::Flag)?;
    let expires = find(&columns.expires, "expires", Role::Time)?;
    let mut wanted = vec![id];
    wanted.extend([title, tags, author, published, available, expires].into_iter().flatten());
    let builder = &mut reading.builder;
    let add = |name: &str, kind| builder.item_field(name, kind);
    let fields = Fields::of(&file, columns.fields.as_ref(), &mut wanted, add)?;
    let mut batches = file.batches(&wanted, false, reading.progress)?;
    let at = |column: Option<usize>| column.map(|column| batches.position(column));
    let (id, title, tags, author) = (batches.position(id), at(title), at(tags), at(author));
    let (published, available, expires) = (at(published), at(available), at(expires));
    let fields = fields.placed(&batches);
    let unit = columns.published_unit.unwrap_or(TimeUnit::Milliseconds);
    let mut scratch: [String; 3] = Default::default();
    while let Some((batch, before)) = batches.next()? {
        let column = |at: Option<usize>| at.map(|at| batch.column(at).as_ref());
        for row in 0..batch.num_rows() {
            let [id_text, title_text, author_text] = &mut scratch;
            let added = (|| {
                let moment = |name: &str, at| {
                    let cell = column(at).map(|cells| cells::time(name, cells, row, unit));
                    cell.transpose().map(Option::flatten)
                };
                let author = column(author).and_then(|cells| cells::text(cells, row, author_text));
                let title = column(title).and_then(|cells| cells::text(cells, row, title_text));
                let item = ItemFacts {
                    id: cells::needed_text("id", batch.column(id), row, id_text)?,
                    title: title.unwrap_or_default(),
                    tags: column(tags)
                        .map(|cells| cells::tags(cells, row, separator))
                        .unwrap_or_default(),
                    author: author.filter(|author| !author.trim().is_empty()),
                    published: moment("published", published)?,
                    available: flag(column(available), row)?,
                    expires: moment("expires", expires)?,
                    fields: fields.of_row(&batch, row),
                };
                reading.builder.add_item_row("id", &item).map(|_| ())
            })();
            let added = added.map_err(|bad: BadField| bad.in_column(columns.of(&bad.field)));
            reading.count(batches.place(before + row as u64 + 1), added);
        }
    }
    Ok(())
}

/// Whether an item is available; null: yes.
fn flag(column: Option<&dyn Array>, row: usize) -> Result<bool, BadField> {
    let mut scratch = String::new();
    match column.and_then(|column| cells::text(column, row, &mut scratch)) {
        Some(text) if !text.trim().is_empty() => field::available("available", text),
        _ => Ok(true),
    }
}

fn read_users(
    reading: &mut Reading<'_>,
    name: &str,
    columns: &UserColumns,
) -> Result<(), ReadError> {
    let file = ParquetFile::open(reading.folder, name)?;
    let id = file.needed(columns.id.as_deref(), "id", Role::Text)?;
    let mut wanted = vec![id];
    let builder = &mut reading.builder;
    let add = |name: &str, kind| builder.user_field(name, kind);
    let fields = Fields::of(&file, columns.fields.as_ref(), &mut wanted, add)?;
    let mut batches = file.batches(&wanted, false, reading.progress)?;
    let id = batches.position(id);
    let fields = fields.placed(&batches);
    let mut scratch = String::new();
    while let Some((batch, before)) = batches.next()? {
        for row in 0..batch.num_rows() {
            let id = cells::needed_text("id", batch.column(id), row, &mut scratch);
            let added =
                id.and_then(|id| reading.builder.add_user("id", id, &fields.of_row(&batch, row)));
            let added = added.map_err(|bad| bad.in_column(columns.of(&bad.field)));
            reading.count(batches.place(before + row as u64 + 1), added);
        }
    }
    Ok(())
}

/// The columns that become fields.
struct Fields(Vec<(usize, FieldIndex, FieldKind)>);

impl Fields {
    fn of(
        file: &ParquetFile,
        named: Option<&FieldNames>,
        wanted: &mut Vec<usize>,
        mut add: impl FnMut(&str, FieldKind) -> Result<FieldIndex, String>,
    ) -> Result<Self, ReadError> {
        let position = |name: &String| {
            let found = file.fields().iter().position(|field| field.name() == name);
            found.ok_or_else(|| file.unknown(name))
        };
        let columns: Vec<usize> = match named {
            Some(FieldNames::Only(names)) => {
                names.iter().map(position).collect::<Result<_, _>>()?
            }
            _ => (0..file.fields().len()).filter(|column| !wanted.contains(column)).collect(),
        };
        let mut fields = Vec::new();
        for column in columns {
            file.check(column, Role::Field)?;
            let source = &file.fields()[column];
            let number = is_number(source.data_type());
            let kind = if number { FieldKind::Number } else { FieldKind::Text };
            let field = add(source.name(), kind).map_err(|expected| {
                let found = source.name().clone();
                ReadError::Setting { setting: "fields", expected, found }
            })?;
            fields.push((column, field, kind));
            wanted.push(column);
        }
        Ok(Self(fields))
    }

    /// With the positions of the columns in batches.
    fn placed(mut self, batches: &Batches<'_>) -> Self {
        for (column, ..) in &mut self.0 {
            *column = batches.position(*column);
        }
        self
    }

    /// The fields that a row has; null and blank ones are absent.
    fn of_row<'a>(&self, batch: &'a RecordBatch, row: usize) -> Vec<(FieldIndex, FieldCell<'a>)> {
        let cell = |(column, field, kind): &(usize, FieldIndex, FieldKind)| {
            let column: &'a dyn Array = batch.column(*column).as_ref();
            let cell = match kind {
                FieldKind::Number => FieldCell::Number(cells::number(column, row)?),
                FieldKind::Text => FieldCell::Text(field_text(column, row)?),
            };
            Some((*field, cell))
        };
        self.0.iter().filter_map(cell).collect()
    }
}

fn field_text(column: &dyn Array, row: usize) -> Option<&str> {
    if column.is_null(row) {
        return None;
    }
    let text = match column.as_boolean_opt() {
        Some(flags) => ["false", "true"][usize::from(flags.value(row))],
        None => column.as_string::<i32>().value(row),
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

fn read_events(
    reading: &mut Reading<'_>,
    file: ParquetFile,
    columns: &EventColumns,
    part: Part,
) -> Result<EventKinds, ReadError> {
    let user = file.needed(columns.user.as_deref(), "user", Role::Text)?;
    let item = file.needed(columns.item.as_deref(), "item", Role::Text)?;
    let find =
        |named: &Option<String>, standard: &str, role| file.find(named.as_deref(), standard, role);
    let kind = find(&columns.kind, "kind", Role::Text)?;
    let value = find(&columns.value, "value", Role::Number)?;
    let time = find(&columns.time, "time", Role::Time)?;
    let scene = find(&columns.scene, "scene", Role::Text)?;
    if kind.is_some() {
        reading.require_kinds()?;
    }
    let kinds = reading.kinds(value.is_some());
    let mut wanted = vec![user, item];
    wanted.extend([kind, value, time, scene].into_iter().flatten());
    let rows = file.rows_ahead();
    let mut batches = file.batches(&wanted, true, reading.progress)?;
    let at = |column: Option<usize>| column.map(|column| batches.position(column));
    let mut events = EventCells {
        user: NameCells::new("user", batches.position(user)),
        item: NameCells::new("item", batches.position(item)),
        kind: at(kind),
        kind_codes: TextCodes::new(),
        value: at(value),
        time: at(time),
        scene: at(scene).map(|at| NameCells::new("scene", at)),
        unit: columns.time_unit.unwrap_or(TimeUnit::Milliseconds),
        now: reading.options.now,
        kinds: &kinds,
    };
    reading.builder.reserve_events(part, rows);
    while let Some((batch, before)) = batches.next()? {
        events.begin(&batch);
        for row in 0..batch.num_rows() {
            let added = events.add(&batch, row, part, &mut reading.builder);
            let added = added.map_err(|bad| bad.in_column(columns.of(&bad.field)));
            reading.count(batches.place(before + row as u64 + 1), added);
        }
    }
    Ok(kinds)
}

/// A column of names, and the numbers of those that were met.
struct NameCells {
    field: &'static str,
    column: usize,
    codes: TextCodes<u32>,
    scratch: String,
}

impl NameCells {
    fn new(field: &'static str, column: usize) -> Self {
        Self { field, column, codes: TextCodes::new(), scratch: String::new() }
    }

    fn begin(&mut self, batch: &RecordBatch) {
        if let Some(column) = batch.column(self.column).as_dictionary_opt::<Int32Type>() {
            self.codes.begin(column);
        }
    }

    /// The name in a row; `None` where it is null.
    fn name<'a>(&'a mut self, column: &'a ArrayRef, row: usize) -> Option<Name<'a>> {
        let known = cells::key(column, row).and_then(|key| self.codes.known(key));
        match known {
            Some(number) => Some(Name::Known(number)),
            None => cells::text(column, row, &mut self.scratch).map(Name::New),
        }
    }

    fn needed<'a>(&'a mut self, column: &'a ArrayRef, row: usize) -> Result<Name<'a>, BadField> {
        let field = self.field;
        self.name(column, row).ok_or_else(|| BadField::new(field, "a name", "null"))
    }

    fn keep(&mut self, column: &ArrayRef, row: usize, number: u32) {
        if let Some(key) = cells::key(column, row) {
            self.codes.keep(key, number);
        }
    }
}

/// The columns of an events file.
struct EventCells<'a> {
    user: NameCells,
    item: NameCells,
    kind: Option<usize>,
    kind_codes: TextCodes<KindIndex>,
    value: Option<usize>,
    time: Option<usize>,
    scene: Option<NameCells>,
    unit: TimeUnit,
    now: Timestamp,
    kinds: &'a EventKinds,
}

impl EventCells<'_> {
    fn begin(&mut self, batch: &RecordBatch) {
        self.user.begin(batch);
        self.item.begin(batch);
        if let Some(scene) = &mut self.scene {
            scene.begin(batch);
        }
        let kinds = self.kind.and_then(|at| batch.column(at).as_dictionary_opt::<Int32Type>());
        if let Some(kinds) = kinds {
            self.kind_codes.begin(kinds);
        }
    }

    fn add(
        &mut self,
        batch: &RecordBatch,
        row: usize,
        part: Part,
        builder: &mut DatasetBuilder,
    ) -> Result<(), BadField> {
        let kind = self.kind(batch, row)?;
        let value = self.value.and_then(|at| cells::number(batch.column(at), row));
        let time = self.time.map(|at| self.time(batch.column(at), row)).transpose()?;
        let (users, items) = (batch.column(self.user.column), batch.column(self.item.column));
        let scenes = self.scene.as_ref().map(|scene| batch.column(scene.column));
        let event = NamedEvent {
            user: self.user.needed(users, row)?,
            item: self.item.needed(items, row)?,
            kind,
            value: value.map(checked_value).transpose()?.unwrap_or(1.0),
            time,
            scene: match (&mut self.scene, scenes) {
                (Some(scene), Some(column)) => scene.name(column, row).filter(is_named),
                _ => None,
            },
        };
        let numbers = builder.add_named_event(part, &event)?;
        self.user.keep(users, row, numbers.user);
        self.item.keep(items, row, numbers.item);
        if let (Some(scene), Some(column), Some(number)) = (&mut self.scene, scenes, numbers.scene)
        {
            scene.keep(column, row, number);
        }
        Ok(())
    }

    fn kind(&mut self, batch: &RecordBatch, row: usize) -> Result<KindIndex, BadField> {
        let Some(at) = self.kind else { return Ok(only_kind(self.kinds, "")) };
        let (column, kinds) = (batch.column(at), self.kinds);
        if let Some(key) = cells::key(column, row) {
            return self.kind_codes.code(key, |name| field::kind("kind", name, kinds));
        }
        let mut scratch = String::new();
        field::kind("kind", cells::needed_text("kind", column, row, &mut scratch)?, kinds)
    }

    fn time(&self, column: &ArrayRef, row: usize) -> Result<Timestamp, BadField> {
        let time = cells::time("time", column, row, self.unit)?;
        let time = time.ok_or_else(|| BadField::new("time", "a time", "null"))?;
        if (0..=self.now.0).contains(&time.0) {
            return Ok(time);
        }
        field::event_moment("time", time, &format!("{} ms", time.0), self.now)
    }
}

/// A blank scene is one that is not known.
fn is_named(name: &Name<'_>) -> bool {
    !matches!(name, Name::New(text) if text.trim().is_empty())
}

fn checked_value(value: f64) -> Result<f32, BadField> {
    match value as f32 {
        value if value.is_finite() => Ok(value + 0.0),
        _ => Err(BadField::new("value", "a finite number", &value.to_string())),
    }
}
