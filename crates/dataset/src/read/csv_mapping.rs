//! Any text table, with a mapping that says which column is what.

use encoding_rs::Encoding;
use gannet_core::{EventKinds, Item, KindIndex};
use serde::Deserialize;

use super::ReadOutcome;
use super::builder::{EventRow, Part};
use super::error::ReadError;
use super::field::{self, TimeUnit};
use super::lines::Lines;
use super::reading::{Reading, only_kind};
use super::table::{Dialect, Row, Table};
use crate::bad_rows::BadField;

/// The files of a folder and what their columns mean. Every column that is named must be there.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvMapping {
    /// The file of events.
    pub events: EventColumns,
    /// The file of items; absent: items are known by their events alone.
    #[serde(default)]
    pub items: Option<ItemColumns>,
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

/// The columns of the file of events.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventColumns {
    /// The file's name within the folder.
    pub file: String,
    /// Who.
    pub user: String,
    /// What.
    pub item: String,
    /// The kind, by the names of the configured kinds; absent: the first kind.
    #[serde(default)]
    pub kind: Option<String>,
    /// The value; absent, or blank in a row: 1.
    #[serde(default)]
    pub value: Option<String>,
    /// The time; absent: the data has no times. Blank in a row: a bad row.
    #[serde(default)]
    pub time: Option<String>,
    /// What the times count.
    #[serde(default)]
    pub time_unit: TimeUnit,
}

/// The columns of the file of items. Blank fields count as absent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemColumns {
    /// The file's name within the folder.
    pub file: String,
    /// The id.
    pub id: String,
    /// What a person calls it.
    #[serde(default)]
    pub title: Option<String>,
    /// The tags, each a path such as `sports/ball`.
    #[serde(default)]
    pub tags: Option<String>,
    /// What stands between tags.
    #[serde(default = "bar")]
    pub tag_separator: String,
    /// Who made it.
    #[serde(default)]
    pub author: Option<String>,
    /// When it was published; may lie in the future.
    #[serde(default)]
    pub published: Option<String>,
    /// What the published times count.
    #[serde(default = "iso8601")]
    pub published_unit: TimeUnit,
    /// Whether it may be shown: `true` or `false`, `yes` or `no`, `1` or `0`; blank: yes.
    #[serde(default)]
    pub available: Option<String>,
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

fn bar() -> String {
    "|".to_owned()
}

fn iso8601() -> TimeUnit {
    TimeUnit::Iso8601
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
    let columns = &mapping.events;
    if columns.kind.is_some() && reading.options.kinds.is_none() {
        let expected = "the kinds of events and their weights, since a column names kinds";
        let (expected, found) = (expected.to_owned(), "none".to_owned());
        return Err(ReadError::Setting { setting: "kinds", expected, found });
    }
    let mut events = form.open(&reading, &columns.file)?;
    let (user, item) = (events.column(&columns.user)?, events.column(&columns.item)?);
    let kind = events.optional_column(columns.kind.as_deref())?;
    let value = events.optional_column(columns.value.as_deref())?;
    let time = events.optional_column(columns.time.as_deref())?;
    let (kinds, now) = (reading.kinds(value.is_some()), reading.options.now);
    while let Some(row) = events.next()? {
        let row = row.and_then(|row| {
            let value_text = row.optional(value)?;
            let value = value_text.map(|text| field::value(value_name(columns), text));
            let time = time.map(|column| {
                field::event_time(row.name(column), row.text(column)?, columns.time_unit, now)
            });
            let row = EventRow {
                user: row.text(user)?,
                item: row.text(item)?,
                kind: kind_of(&row, kind, &kinds)?,
                value: value.transpose()?.unwrap_or(1.0),
                time: time.transpose()?,
                scene: None,
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
    let name = row.text(column)?.trim();
    kinds.index(name).ok_or_else(|| {
        let known: Vec<&str> = kinds.all().iter().map(|kind| kind.name.as_str()).collect();
        BadField::new(row.name(column), format!("one of {}", known.join(", ")), name)
    })
}

fn read_items(
    reading: &mut Reading<'_>,
    form: &FileForm,
    columns: &ItemColumns,
) -> Result<(), ReadError> {
    if columns.tag_separator.is_empty() {
        let (expected, found) = ("at least one character".to_owned(), String::new());
        return Err(ReadError::Setting { setting: "tag_separator", expected, found });
    }
    let mut items = form.open(reading, &columns.file)?;
    let id = items.column(&columns.id)?;
    let title = items.optional_column(columns.title.as_deref())?;
    let tags = items.optional_column(columns.tags.as_deref())?;
    let author = items.optional_column(columns.author.as_deref())?;
    let published = items.optional_column(columns.published.as_deref())?;
    let available = items.optional_column(columns.available.as_deref())?;
    while let Some(row) = items.next()? {
        let row = row.and_then(|row| {
            let tags = row.optional(tags)?;
            let tags = tags.map(|text| field::tags("tags", text, &columns.tag_separator));
            let published = row.optional(published)?;
            let published =
                published.map(|text| field::moment("published", text, columns.published_unit));
            let available =
                row.optional(available)?.map(|text| field::available("available", text));
            let item = Item {
                id: field::item_id(row.name(id), row.text(id)?)?,
                title: row.optional(title)?.unwrap_or_default().to_owned(),
                tags: tags.transpose()?.unwrap_or_default(),
                author: row.optional(author)?.map(str::to_owned),
                published: published.transpose()?,
                available: available.transpose()?.unwrap_or(true),
                expires: None,
                fields: Vec::new(),
            };
            reading.builder.add_item(row.name(id), item)
        });
        reading.count(items.place(), row);
    }
    Ok(())
}
