//! `ratings.dat` and `movies.dat`: fields between `::`, no header; `users.dat` is left aside.
//!
//! The files of 1M are Latin-1, those of 10M UTF-8, and copies of both were converted. A line that
//! is valid UTF-8 is taken as such, any other as Latin-1: Latin-1 text that is valid UTF-8 by
//! chance would have to hold pairs such as `Ã©`.

use std::borrow::Cow;

use super::ReadOutcome;
use super::builder::{EventRow, Part};
use super::error::ReadError;
use super::field::{self, TimeUnit};
use super::lines::{LINE_BYTES_MAX, Line, Lines};
use super::movielens::{Film, ItemNumbers};
use super::reading::{Reading, RowPlace, only_kind};
use super::source::MovielensSettings;
use crate::bad_rows::BadField;

const SEPARATOR: &str = "::";

pub(crate) fn read(
    mut reading: Reading<'_>,
    settings: MovielensSettings,
) -> Result<ReadOutcome, ReadError> {
    let mut numbers = ItemNumbers::default();
    let mut films = Lines::open(reading.folder, "movies.dat", None, reading.progress)?;
    while let Some(line) = films.next()? {
        let row = latin_or_utf8(line).and_then(|line| {
            let film = film(&line)?;
            numbers.add_film(&mut reading, settings.item_ids, &film)
        });
        reading.count(RowPlace { file: films.name(), line: films.number(), lines: 1 }, row);
    }
    let kinds = reading.kinds(true);
    let kind = only_kind(&kinds, "rating");
    let now = reading.options.now;
    let mut ratings = Lines::open(reading.folder, "ratings.dat", None, reading.progress)?;
    while let Some(line) = ratings.next()? {
        let row = latin_or_utf8(line).and_then(|line| {
            let [user, number, value, time] = four_fields(&line)?;
            let row = EventRow {
                user,
                item: numbers.id(number),
                kind,
                value: field::value("rating", value)?,
                time: Some(field::event_time("timestamp", time, TimeUnit::Seconds, now)?),
                scene: None,
            };
            reading.builder.add_event(Part::Events, &row)
        });
        reading.count(RowPlace { file: ratings.name(), line: ratings.number(), lines: 1 }, row);
    }
    let path = ratings.path().to_owned();
    reading.finish(kinds, &path)
}

fn latin_or_utf8(line: Line<'_>) -> Result<Cow<'_, str>, BadField> {
    match line {
        Line::TooLong => Err(too_long()),
        Line::Bytes(bytes) => Ok(match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => encoding_rs::mem::decode_latin1(bytes),
        }),
    }
}

pub(crate) fn too_long() -> BadField {
    BadField::new("", format!("a line of at most {LINE_BYTES_MAX} bytes"), "a longer one")
}

/// The title is all that stands between the first and the last separator.
fn film(line: &str) -> Result<Film<'_>, BadField> {
    let fields = line
        .split_once(SEPARATOR)
        .and_then(|(number, rest)| Some((number, rest.rsplit_once(SEPARATOR)?)));
    let Some((number, (title, genres))) = fields else {
        return Err(BadField::new("", "MovieID::Title::Genres", line));
    };
    Ok(Film { number, title, genres })
}

fn four_fields(line: &str) -> Result<[&str; 4], BadField> {
    let mut fields = line.split(SEPARATOR);
    let four = [fields.next(), fields.next(), fields.next(), fields.next()];
    match (four, fields.next()) {
        ([Some(user), Some(item), Some(value), Some(time)], None) => Ok([user, item, value, time]),
        _ => Err(BadField::new("", "UserID::MovieID::Rating::Timestamp", line)),
    }
}
