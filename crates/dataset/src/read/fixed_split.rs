//! `train.txt` and `test.txt` as published with LightGCN: `user item item ...` on each line.
//!
//! Ids are words between blanks; there are no values, no times and no item file. A line with a user
//! and no items is a row without events. What `test.txt` holds becomes the test events.

use super::ReadOutcome;
use super::builder::{EventRow, Part};
use super::error::ReadError;
use super::field;
use super::lines::{Line, Lines};
use super::movielens_dat::too_long;
use super::reading::{Reading, RowPlace, only_kind};
use crate::bad_rows::BadField;

pub(crate) fn read(mut reading: Reading<'_>) -> Result<ReadOutcome, ReadError> {
    let kinds = reading.kinds(false);
    let kind = only_kind(&kinds, "interaction");
    let mut events_path = None;
    for (file, part) in [("train.txt", Part::Events), ("test.txt", Part::TestEvents)] {
        let mut lines = Lines::open(reading.folder, file, None, reading.progress)?;
        events_path.get_or_insert_with(|| lines.path().to_owned());
        while let Some(line) = lines.next()? {
            let row = checked_words(line).and_then(|words| {
                let mut words = words.split_ascii_whitespace();
                let user = words.next().unwrap_or_default();
                for item in words {
                    let row = EventRow { user, item, kind, value: 1.0, time: None, scene: None };
                    reading.builder.add_event(part, &row)?;
                }
                Ok(())
            });
            reading.count(RowPlace { file, line: lines.number(), lines: 1 }, row);
        }
    }
    reading.finish(kinds, &events_path.unwrap_or_default())
}

/// A line whose every word is an id: checked before the first of them is kept, so that no line is
/// half-applied.
fn checked_words(line: Line<'_>) -> Result<&str, BadField> {
    let Line::Bytes(bytes) = line else { return Err(too_long()) };
    let text = field::text("", bytes)?;
    for word in text.split_ascii_whitespace() {
        field::check_id("id", word)?;
    }
    Ok(text)
}
