//! Tab-separated tables with a typed header (`user_id:token`), as RecBole publishes them.
//!
//! `NAME.inter` holds the events; `NAME.item`, where it is there, the items; `NAME.user` is left
//! aside. Lines may end in CRLF; a quote is a character like any other.

use std::borrow::Cow;
use std::path::Path;

use gannet_core::Item;
use serde::Deserialize;

use super::ReadOutcome;
use super::builder::{EventRow, Part};
use super::error::ReadError;
use super::field::{self, TimeUnit};
use super::lines::{Lines, io_error};
use super::movielens::whole_title;
use super::reading::{Reading, only_kind};
use super::table::{Dialect, Row, Table};
use crate::bad_rows::BadField;

/// Which column is what. A column that is not named is found by the standard names given; one that
/// is named must be there. Names are without their type.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedHeaderMapping {
    /// The files' name without its extension; absent: the folder's only `.inter` file.
    pub stem: Option<String>,
    /// The user of an event: `user_id`.
    pub user: Option<String>,
    /// The item of an event: `item_id`.
    pub item: Option<String>,
    /// The value of an event: `rating`.
    pub value: Option<String>,
    /// The time of an event: `timestamp`.
    pub time: Option<String>,
    /// What the times count.
    pub time_unit: TimeUnit,
    /// The id of an item: `item_id`.
    pub item_id: Option<String>,
    /// The title of an item: `title`, `movie_title`, `item_name`, `name`.
    pub title: Option<String>,
    /// The tags of an item: `tags`, `genre`, `genres`, `class`, `categories`, `category`.
    pub tags: Option<String>,
    /// What stands between tags. Absent: a blank where the column's type is `token_seq`; where it
    /// is `token`, the whole field is one tag.
    pub tag_separator: Option<String>,
    /// The author of an item: `author`, `artist`, `brand`.
    pub author: Option<String>,
    /// The year of an item: `release_year`, `year`.
    pub year: Option<String>,
    /// What every user id begins with and is to lose; an id without it is a bad row.
    pub user_id_prefix: Option<String>,
    /// Whether the ids of items are titles of films with their year, to be brought to the form
    /// that `ItemIds::Title` has: one space before the year, brackets closed.
    pub item_ids_are_titles: bool,
}

const DIALECT: Dialect = Dialect { delimiter: b'\t', quoting: false };
const TYPES: [&str; 4] = ["token", "token_seq", "float", "float_seq"];
const TITLES: [&str; 4] = ["title", "movie_title", "item_name", "name"];
const TAGS: [&str; 6] = ["tags", "genre", "genres", "class", "categories", "category"];
const AUTHORS: [&str; 3] = ["author", "artist", "brand"];
const YEARS: [&str; 2] = ["release_year", "year"];

pub(crate) fn read(
    mut reading: Reading<'_>,
    mapping: &TypedHeaderMapping,
) -> Result<ReadOutcome, ReadError> {
    let stem = match &mapping.stem {
        Some(stem) => stem.clone(),
        None => only_stem(reading.folder)?,
    };
    let items = format!("{stem}.item");
    if reading.folder.join(&items).exists() {
        read_items(&mut reading, mapping, &items)?;
    }
    let mut events = TypedTable::open(&reading, &format!("{stem}.inter"))?;
    let user = events.needed(mapping.user.as_deref(), "user_id")?;
    let item = events.needed(mapping.item.as_deref(), "item_id")?;
    let value = events.find(mapping.value.as_deref(), &["rating"])?;
    let time = events.find(mapping.time.as_deref(), &["timestamp"])?;
    let kinds = reading.kinds(value.is_some());
    let kind = only_kind(&kinds, if value.is_some() { "rating" } else { "interaction" });
    let (prefix, now) = (mapping.user_id_prefix.as_deref(), reading.options.now);
    while let Some(row) = events.table.next()? {
        let row = row.and_then(|row| {
            let value = value.map(|column| field::value(row.name(column), row.text(column)?));
            let time = time.map(|column| {
                field::event_time(row.name(column), row.text(column)?, mapping.time_unit, now)
            });
            let row = EventRow {
                user: without_prefix(&row, user, prefix)?,
                item: &item_id(&row, item, mapping)?,
                kind,
                value: value.transpose()?.unwrap_or(1.0),
                time: time.transpose()?,
                scene: None,
            };
            reading.builder.add_event(Part::Events, &row)
        });
        reading.count(events.table.place(), row);
    }
    let path = events.table.path().to_owned();
    reading.finish(kinds, &path)
}

fn read_items(
    reading: &mut Reading<'_>,
    mapping: &TypedHeaderMapping,
    file: &str,
) -> Result<(), ReadError> {
    let mut items = TypedTable::open(reading, file)?;
    let id = items.needed(mapping.item_id.as_deref(), "item_id")?;
    let title = items.find(mapping.title.as_deref(), &TITLES)?;
    let tags = items.find(mapping.tags.as_deref(), &TAGS)?;
    let author = items.find(mapping.author.as_deref(), &AUTHORS)?;
    let year = items.find(mapping.year.as_deref(), &YEARS)?;
    let is_sequence = tags.is_some_and(|column| items.types[column] == "token_seq");
    let separator = mapping.tag_separator.as_deref().or(is_sequence.then_some(" "));
    while let Some(row) = items.table.next()? {
        let row = row.and_then(|row| {
            // No field of a tab-separated table holds a tab: without a separator, one tag.
            let separator = separator.unwrap_or("\t");
            let tags = row.optional(tags)?.map(|text| field::tags("tags", text, separator));
            let year = row.optional(year)?.map(|text| field::year("year", text));
            let own_id = item_id(&row, id, mapping)?;
            let title = match title {
                Some(column) if column == id => own_id.to_string(),
                _ => row.optional(title)?.unwrap_or_default().to_owned(),
            };
            let item = Item {
                title,
                tags: tags.transpose()?.unwrap_or_default(),
                author: row.optional(author)?.map(str::to_owned),
                published: year.transpose()?,
                ..Item::bare(field::item_id(row.name(id), &own_id)?)
            };
            reading.builder.add_item(row.name(id), &item)
        });
        reading.count(items.table.place(), row);
    }
    Ok(())
}

fn item_id<'a>(
    row: &Row<'a>,
    column: usize,
    mapping: &TypedHeaderMapping,
) -> Result<Cow<'a, str>, BadField> {
    let id = row.text(column)?;
    Ok(if mapping.item_ids_are_titles { whole_title(id) } else { Cow::Borrowed(id) })
}

fn without_prefix<'a>(
    row: &Row<'a>,
    column: usize,
    prefix: Option<&str>,
) -> Result<&'a str, BadField> {
    let text = row.text(column)?;
    let Some(prefix) = prefix else { return Ok(text) };
    text.strip_prefix(prefix).ok_or_else(|| {
        BadField::new(row.name(column), format!("an id that begins with {prefix:?}"), text)
    })
}

/// A table whose header has been divided into names and types.
struct TypedTable<'a> {
    table: Table<'a>,
    names: Vec<String>,
    types: Vec<String>,
}

impl<'a> TypedTable<'a> {
    fn open(reading: &Reading<'a>, file: &str) -> Result<Self, ReadError> {
        let lines = Lines::open(reading.folder, file, None, reading.progress)?;
        let table = Table::new(lines, DIALECT)?;
        let (mut names, mut types) = (Vec::new(), Vec::new());
        for column in table.header() {
            let typed = column.rsplit_once(':').filter(|(_, kind)| TYPES.contains(kind));
            let (name, kind) = typed.ok_or_else(|| ReadError::Header {
                path: table.path().to_owned(),
                expected: "columns such as user_id:token, typed token, token_seq, float, float_seq",
                found: column.clone(),
            })?;
            names.push(name.to_owned());
            types.push(kind.to_owned());
        }
        Ok(Self { table, names, types })
    }

    /// The column that is named, or else the first standard name that is there.
    fn find(&self, named: Option<&str>, standard: &[&str]) -> Result<Option<usize>, ReadError> {
        let position = |name: &str| self.names.iter().position(|column| column == name);
        match named {
            Some(name) => match position(name) {
                Some(column) => Ok(Some(column)),
                None => Err(self.unknown(name)),
            },
            None => Ok(standard.iter().find_map(|name| position(name))),
        }
    }

    fn needed(&self, named: Option<&str>, standard: &str) -> Result<usize, ReadError> {
        self.find(named, &[standard])?.ok_or_else(|| self.unknown(standard))
    }

    fn unknown(&self, column: &str) -> ReadError {
        let (path, column) = (self.table.path().to_owned(), column.to_owned());
        ReadError::UnknownColumn { path, column, header: self.table.header().to_vec() }
    }
}

/// The stem of the only `.inter` file of a folder.
fn only_stem(folder: &Path) -> Result<String, ReadError> {
    let mut stems = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|source| io_error(folder, source))? {
        let name = entry.map_err(|source| io_error(folder, source))?.file_name();
        if let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".inter")) {
            stems.push(stem.to_owned());
        }
    }
    stems.sort();
    match <[String; 1]>::try_from(stems) {
        Ok([stem]) => Ok(stem),
        Err(stems) if stems.is_empty() => {
            let wanted = "this format needs a file of events".to_owned();
            Err(ReadError::Missing { path: folder.join("*.inter"), wanted })
        }
        Err(stems) => Err(ReadError::Ambiguous {
            folder: folder.to_owned(),
            extension: ".inter".to_owned(),
            found: stems.join(", "),
        }),
    }
}
