//! Any text table, with a mapping that says which column is what.

use encoding_rs::Encoding;
use gannet_core::{EventKinds, KindIndex};
use serde::Deserialize;

use super::ReadOutcome;
use super::builder::{EventRow, ItemFacts, Part};
use super::columns::{EventColumns, ItemColumns, UserColumns, tag_separator};
use super::error::ReadError;
use super::field::{self, TimeUnit};
use super::field_cells::FieldCells;
use super::lines::Lines;
use super::reading::{Reading, only_kind};
use super::table::{Dialect, Row, Table};
use crate::bad_rows::BadField;

/// The files of a folder and what their columns mean. Every column that is named must be there.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvMapping {
    /// The file of events.
    #[serde(default)]
    pub events: EventColumns,
    /// The file of items; absent: items are known by their events alone.
    #[serde(default)]
    pub items: Option<ItemColumns>,
    /// The file of users; absent: users are known by their events alone.
    #[serde(default)]
    pub users: Option<UserColumns>,
    /// What stands between fields: one ASCII character.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Whether fields may stand in double quotes.
    #[serde(default = "yes")]
    pub quoting: bool,
    /// The files' encoding, by any name of the WHATWG standard, such as `utf-8`, `latin1`, `gbk`.
    #[serde(default = "utf_8")]
    pub encoding: String,
}

fn comma() -> char {
    ','
}

fn yes() -> bool {
    true
}

fn utf_8() -> String {
    "utf-8".to_owned()
}

/// What the mapping's strings mean.
struct FileForm {
    dialect: Dialect,
    /// Absent: UTF-8, which needs no turning.
    encoding: Option<&'static Encoding>,
}

impl FileForm {
    fn new(mapping: &CsvMapping) -> Result<Self, ReadError> {
        let delimiter = u8::try_from(mapping.delimiter).ok().filter(u8::is_ascii);
        let delimiter = delimiter.filter(|byte| !matches!(byte, b'"' | b'\r' | b'\n'));
        let delimiter = delimiter.ok_or_else(|| ReadError::Setting {
            setting: "delimiter",
            expected: "one ASCII character other than a quote or a line end".to_owned(),
            found: mapping.delimiter.to_string(),
        })?;
        let encoding = Encoding::for_label(mapping.encoding.as_bytes());
        let encoding = encoding.ok_or_else(|| ReadError::Setting {
            setting: "encoding",
            expected: "an encoding such as utf-8, latin1, gbk".to_owned(),
            found: mapping.encoding.clone(),
        })?;
        let dialect = Dialect { delimiter, quoting: mapping.quoting };
        Ok(Self { dialect, encoding: Some(encoding).filter(|e| *e != encoding_rs::UTF_8) })
    }

    fn open<'a>(&self, reading: &Reading<'a>, file: &str) -> Result<Table<'a>, ReadError> {
        let lines = Lines::open(reading.folder, file, self.encoding, reading.progress)?;
        Table::new(lines, self.dialect)
    }
}

pub(crate) fn read(
    mut reading: Reading<'_>,
    mapping: &CsvMapping,
) -> Result<ReadOutcome, ReadError> {
    let form = FileForm::new(mapping)?;
    if let Some(columns) = &mapping.items {
        read_items(&mut reading, &form, columns)?;
    }
    if let Some(columns) = &mapping.users {
        read_users(&mut reading, &form, columns)?;
    }
    let columns = &mapping.events;
    if columns.kind.is_some() {
        reading.require_kinds()?;
    }
    let mut events = form.open(&reading, columns.file.as_deref().unwrap_or("events.csv"))?;
    let user = events.column(columns.user.as_deref().unwrap_or("user"))?;
    let item = events.column(columns.item.as_deref().unwrap_or("item"))?;
    let kind = events.optional_column(columns.kind.as_deref())?;
    let value = events.optional_column(columns.value.as_deref())?;
    let time = events.optional_column(columns.time.as_deref())?;
    let scene = events.optional_column(columns.scene.as_deref())?;
    let unit = columns.time_unit.unwrap_or_default();
    let (kinds, now) = (reading.kinds(value.is_some()), reading.options.now);
    while let Some(row) = events.next()? {
        let row = row.and_then(|row| {
            let value_text = row.optional(value)?;
            let value = value_text.map(|text| field::value(value_name(columns), text));
            let time = time
                .map(|column| field::event_time(row.name(column), row.text(column)?, unit, now));
            let row = EventRow {
                user: row.text(user)?,
                item: row.text(item)?,
                kind: kind_of(&row, kind, &kinds)?,
                value: value.transpose()?.unwrap_or(1.0),
                time: time.transpose()?,
                scene: row.optional(scene)?.map(str::trim),
            };
            reading.builder.add_event(Part::Events, &row)
        });
        reading.count(events.place(), row);
    }
    let path = events.path().to_owned();
    reading.finish(kinds, &path)
}

fn value_name(columns: &EventColumns) -> &str {
    columns.value.as_deref().unwrap_or("value")
}

fn kind_of(
    row: &Row<'_>,
    column: Option<usize>,
    kinds: &EventKinds,
) -> Result<KindIndex, BadField> {
    let Some(column) = column else { return Ok(only_kind(kinds, "")) };
    field::kind(row.name(column), row.text(column)?.trim(), kinds)
}

fn read_items(
    reading: &mut Reading<'_>,
    form: &FileForm,
    columns: &ItemColumns,
) -> Result<(), ReadError> {
    let separator = tag_separator(columns)?;
    let mut items = form.open(reading, columns.file.as_deref().unwrap_or("items.csv"))?;
    let id = items.column(columns.id.as_deref().unwrap_or("id"))?;
    let title = items.optional_column(columns.title.as_deref())?;
    let tags = items.optional_column(columns.tags.as_deref())?;
    let author = items.optional_column(columns.author.as_deref())?;
    let published = items.optional_column(columns.published.as_deref())?;
    let available = items.optional_column(columns.available.as_deref())?;
    let expires = items.optional_column(columns.expires.as_deref())?;
    let taken: Vec<usize> = [Some(id), title, tags, author, published, available, expires]
        .into_iter()
        .flatten()
        .collect();
    let named = (&columns.fields, columns.number_fields.as_slice());
    let fields =
        FieldCells::of(&items, named, &taken, |name, kind| reading.builder.item_field(name, kind))?;
    let unit = columns.published_unit.unwrap_or(TimeUnit::Iso8601);
    while let Some(row) = items.next()? {
        let row = row.and_then(|row| {
            let tags = row.optional(tags)?.map(|text| field::pieces(text, separator));
            let moment = |name: &str, column| {
                row.optional(column)?.map(|text| field::moment(name, text, unit)).transpose()
            };
            let available =
                row.optional(available)?.map(|text| field::available("available", text));
            let item = ItemFacts {
                id: row.text(id)?,
                title: row.optional(title)?.unwrap_or_default(),
                tags: tags.unwrap_or_default(),
                author: row.optional(author)?,
                published: moment("published", published)?,
                available: available.transpose()?.unwrap_or(true),
                expires: moment("expires", expires)?,
                fields: fields.of_row(&row)?,
            };
            reading.builder.add_item_row(row.name(id), &item).map(|_| ())
        });
        reading.count(items.place(), row);
    }
    Ok(())
}

fn read_users(
    reading: &mut Reading<'_>,
    form: &FileForm,
    columns: &UserColumns,
) -> Result<(), ReadError> {
    let mut users = form.open(reading, columns.file.as_deref().unwrap_or("users.csv"))?;
    let id = users.column(columns.id.as_deref().unwrap_or("id"))?;
    let named = (&columns.fields, columns.number_fields.as_slice());
    let fields =
        FieldCells::of(&users, named, &[id], |name, kind| reading.builder.user_field(name, kind))?;
    while let Some(row) = users.next()? {
        let row = row.and_then(|row| {
            reading.builder.add_user(row.name(id), row.text(id)?, &fields.of_row(&row)?)
        });
        reading.count(users.place(), row);
    }
    Ok(())
}
