//! `items.jsonl`, `users.jsonl`, `events.jsonl` and `test_events.jsonl`: a JSON object a line.
//!
//! The names are those of the Parquet files. A number as an id is taken as its decimal text. The
//! first event decides whether the data has times: a later one that differs is a bad row.

use std::borrow::Cow;

use gannet_core::{FieldValue, KindIndex, Timestamp};

use super::ReadOutcome;
use super::builder::{EventRow, ItemFacts, Part};
use super::columns::{
    EventColumns, FieldNames, ItemColumns, TableMapping, UserColumns, tag_separator,
};
use super::error::ReadError;
use super::field::{self, TimeUnit};
use super::json_row::{JsonCell, JsonRow, row};
use super::lines::{LINE_BYTES_MAX, Line, Lines};
use super::reading::{Reading, RowPlace, only_kind};
use crate::bad_rows::BadField;

pub(crate) fn read(
    mut reading: Reading<'_>,
    mapping: &TableMapping,
) -> Result<ReadOutcome, ReadError> {
    let files = mapping.files(reading.folder, "jsonl");
    if let Some(name) = &files.items {
        read_items(&mut reading, name, &mapping.items)?;
    }
    if let Some(name) = &files.users {
        read_users(&mut reading, name, &mapping.users)?;
    }
    let mut seen = Seen::default();
    read_events(&mut reading, &files.events, &mapping.events, Part::Events, &mut seen)?;
    if let Some(name) = &files.test_events {
        read_events(&mut reading, name, &mapping.events, Part::TestEvents, &mut seen)?;
    }
    let kinds = reading.kinds(seen.values);
    let path = reading.folder.join(&files.events);
    reading.finish(kinds, &path)
}

/// Takes every line of a file; what `take` says against one is counted.
fn each_line(
    reading: &mut Reading<'_>,
    name: &str,
    mut take: impl FnMut(&mut Reading<'_>, &str) -> Result<(), BadField>,
) -> Result<(), ReadError> {
    let mut lines = Lines::open(reading.folder, name, None, reading.progress)?;
    while let Some(line) = lines.next()? {
        let taken = match line {
            Line::Bytes(bytes) => field::text("", bytes).and_then(|line| take(reading, line)),
            Line::TooLong => {
                let expected = format!("a line of at most {LINE_BYTES_MAX} bytes");
                Err(BadField::new("", expected, "a longer one"))
            }
        };
        reading.count(RowPlace { file: name, line: lines.number(), lines: 1 }, taken);
    }
    Ok(())
}

fn read_items(
    reading: &mut Reading<'_>,
    file: &str,
    columns: &ItemColumns,
) -> Result<(), ReadError> {
    let separator = tag_separator(columns)?;
    let unit = columns.published_unit.unwrap_or(TimeUnit::Milliseconds);
    let name = |named: &'static str, own: &Option<String>| own.clone().unwrap_or(named.to_owned());
    let names = [
        name("id", &columns.id),
        name("title", &columns.title),
        name("tags", &columns.tags),
        name("author", &columns.author),
        name("published", &columns.published),
        name("available", &columns.available),
        name("expires", &columns.expires),
    ];
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    each_line(reading, file, |reading, line| {
        let JsonRow { asked: cells, others } = row(line, &asked, true)?;
        let [id, title, tags, author, published, available, expires] = cells.as_slice() else {
            unreachable!("as many cells as were asked for")
        };
        let moment = |name, cell| optional_time(name, cell, unit);
        let (id, title) = (needed_id(&names[0], id)?, optional_text(&names[1], title)?);
        let author = optional_text(&names[3], author)?;
        let item = ItemFacts {
            id: &id,
            title: title.as_deref().unwrap_or_default(),
            tags: tag_texts(&names[2], tags, separator)?,
            author: author.as_deref(),
            published: moment(&names[4], published)?,
            available: flag(&names[5], available)?,
            expires: moment(&names[6], expires)?,
            fields: Vec::new(),
        };
        let fields = fields(&others, columns.fields.as_ref())?;
        reading.builder.add_item_with(&names[0], &item, &fields)
    })
}

fn read_users(
    reading: &mut Reading<'_>,
    file: &str,
    columns: &UserColumns,
) -> Result<(), ReadError> {
    let id = columns.id.as_deref().unwrap_or("id");
    each_line(reading, file, |reading, line| {
        let found = row(line, &[id], true)?;
        let fields = fields(&found.others, columns.fields.as_ref())?;
        reading.builder.add_user_with(id, &needed_id(id, &found.asked[0])?, &fields)
    })
}

/// What the events so far had.
#[derive(Default)]
struct Seen {
    values: bool,
    times: Option<bool>,
    kinds: bool,
}

fn read_events(
    reading: &mut Reading<'_>,
    file: &str,
    columns: &EventColumns,
    part: Part,
    seen: &mut Seen,
) -> Result<(), ReadError> {
    let unit = columns.time_unit.unwrap_or(TimeUnit::Milliseconds);
    let name = |named: &'static str, own: &Option<String>| own.clone().unwrap_or(named.to_owned());
    let names = [
        name("user", &columns.user),
        name("item", &columns.item),
        name("kind", &columns.kind),
        name("value", &columns.value),
        name("time", &columns.time),
        name("scene", &columns.scene),
    ];
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let (now, kinds) = (reading.options.now, reading.options.kinds.clone());
    each_line(reading, file, |reading, line| {
        let cells = row(line, &asked, false)?.asked;
        let [user, item, kind, value, time, scene] = cells.as_slice() else {
            unreachable!("as many cells as were asked for")
        };
        let time = optional_time(&names[4], time, unit)?;
        if let Some(time) = time {
            field::event_moment(&names[4], time, &format!("{} ms", time.0), now)?;
        }
        if seen.times.is_some_and(|times| times != time.is_some()) {
            let (expected, found) = match time {
                None => ("a time, as the events before it have", "none"),
                Some(_) => ("no time, as the events before it", "one"),
            };
            return Err(BadField::new(&names[4], expected, found));
        }
        let kind = match (kind, &kinds) {
            (JsonCell::Null, Some(kinds)) => only_kind(kinds, ""),
            (JsonCell::Null, None) => KindIndex(0),
            (_, None) => {
                seen.kinds = true;
                KindIndex(0)
            }
            (kind, Some(kinds)) => field::kind(&names[2], &needed_id(&names[2], kind)?, kinds)?,
        };
        let value = optional_value(&names[3], value)?;
        let scene = optional_text(&names[5], scene)?;
        let event = EventRow {
            user: &needed_id(&names[0], user)?,
            item: &needed_id(&names[1], item)?,
            kind,
            value: value.unwrap_or(1.0),
            time,
            scene: scene.as_deref(),
        };
        reading.builder.add_event(part, &event)?;
        seen.values |= value.is_some();
        seen.times = Some(time.is_some());
        Ok(())
    })?;
    if seen.kinds { reading.require_kinds() } else { Ok(()) }
}

fn needed_id<'a>(name: &str, cell: &'a JsonCell<'_>) -> Result<Cow<'a, str>, BadField> {
    match cell {
        JsonCell::Text(text) => Ok(Cow::Borrowed(text)),
        JsonCell::Whole(number) => Ok(Cow::Owned(number.to_string())),
        other => Err(BadField::new(name, "text or a whole number", &other.found())),
    }
}

/// Text, blank and null counting as absent.
fn optional_text<'a>(name: &str, cell: &'a JsonCell<'_>) -> Result<Option<Cow<'a, str>>, BadField> {
    match cell {
        JsonCell::Null => Ok(None),
        cell => Ok(Some(needed_id(name, cell)?).filter(|text| !text.trim().is_empty())),
    }
}

fn tag_texts<'a>(
    name: &str,
    cell: &'a JsonCell<'_>,
    separator: &str,
) -> Result<Vec<&'a str>, BadField> {
    match cell {
        JsonCell::Null => Ok(Vec::new()),
        JsonCell::Text(text) => Ok(field::pieces(text, separator)),
        JsonCell::Texts(texts) => {
            Ok(texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect())
        }
        other => Err(BadField::new(name, "a list of texts, or text", &other.found())),
    }
}

fn optional_time(
    name: &str,
    cell: &JsonCell<'_>,
    unit: TimeUnit,
) -> Result<Option<Timestamp>, BadField> {
    let (text, unit) = match cell {
        JsonCell::Null => return Ok(None),
        JsonCell::Text(text) => (Cow::Borrowed(text.as_ref()), TimeUnit::Iso8601),
        JsonCell::Whole(number) => (Cow::Owned(number.to_string()), unit),
        JsonCell::Number(number) => (Cow::Owned(number.to_string()), unit),
        other => return Err(BadField::new(name, "a number or ISO 8601 text", &other.found())),
    };
    field::moment(name, &text, unit).map(Some)
}

fn optional_value(name: &str, cell: &JsonCell<'_>) -> Result<Option<f32>, BadField> {
    let value = match cell {
        JsonCell::Null => return Ok(None),
        JsonCell::Whole(number) => *number as f32,
        JsonCell::Number(number) => *number as f32,
        other => return Err(BadField::new(name, "a finite number", &other.found())),
    };
    match value.is_finite() {
        true => Ok(Some(value + 0.0)),
        false => Err(BadField::new(name, "a finite number", &cell.found())),
    }
}

fn flag(name: &str, cell: &JsonCell<'_>) -> Result<bool, BadField> {
    match cell {
        JsonCell::Null => Ok(true),
        JsonCell::Flag(flag) => Ok(*flag),
        other => field::available(name, &other.found()),
    }
}

/// Keys that become fields; null and blank ones are absent.
fn fields(
    others: &[(Cow<'_, str>, JsonCell<'_>)],
    named: Option<&FieldNames>,
) -> Result<Vec<(String, FieldValue)>, BadField> {
    let mut fields = Vec::new();
    for (name, cell) in others {
        if let Some(FieldNames::Only(names)) = named
            && !names.iter().any(|known| known == name)
        {
            continue;
        }
        let value = match cell {
            JsonCell::Null => continue,
            JsonCell::Text(text) if text.trim().is_empty() => continue,
            JsonCell::Text(text) => FieldValue::Text(text.to_string()),
            JsonCell::Flag(flag) => FieldValue::Text(flag.to_string()),
            JsonCell::Whole(number) => FieldValue::Number(*number as f64),
            JsonCell::Number(number) => FieldValue::Number(*number),
            other => {
                return Err(BadField::new(name, "text, a number or a boolean", &other.found()));
            }
        };
        fields.push((name.to_string(), value));
    }
    Ok(fields)
}
