//! `ratings.csv` and `movies.csv`: UTF-8 with a header, titles quoted where they hold a comma.

use super::ReadOutcome;
use super::builder::{EventRow, Part};
use super::error::ReadError;
use super::field::{self, TimeUnit};
use super::lines::Lines;
use super::movielens::{Film, ItemNumbers};
use super::reading::{Reading, only_kind};
use super::source::MovielensSettings;
use super::table::{Dialect, Table};

const DIALECT: Dialect = Dialect { delimiter: b',', quoting: true };

pub(crate) fn read(
    mut reading: Reading<'_>,
    settings: MovielensSettings,
) -> Result<ReadOutcome, ReadError> {
    let mut numbers = ItemNumbers::default();
    let films = Lines::open(reading.folder, "movies.csv", None, reading.progress)?;
    let mut films = Table::new(films, DIALECT)?;
    let (number, title) = (films.column("movieId")?, films.column("title")?);
    let genres = films.column("genres")?;
    while let Some(row) = films.next()? {
        let row = row.and_then(|row| {
            let (number, title) = (row.text(number)?, row.text(title)?);
            let film = Film { number, title, genres: row.text(genres)? };
            numbers.add_film(&mut reading, settings.item_ids, &film)
        });
        reading.count(films.place(), row);
    }
    let kinds = reading.kinds(true);
    let kind = only_kind(&kinds, "rating");
    let now = reading.options.now;
    let ratings = Lines::open(reading.folder, "ratings.csv", None, reading.progress)?;
    let mut ratings = Table::new(ratings, DIALECT)?;
    let (user, item) = (ratings.column("userId")?, ratings.column("movieId")?);
    let (value, time) = (ratings.column("rating")?, ratings.column("timestamp")?);
    while let Some(row) = ratings.next()? {
        let row = row.and_then(|row| {
            let time = row.text(time)?;
            let row = EventRow {
                user: row.text(user)?,
                item: numbers.id(row.text(item)?),
                kind,
                value: field::value("rating", row.text(value)?)?,
                time: Some(field::event_time("timestamp", time, TimeUnit::Seconds, now)?),
                scene: None,
            };
            reading.builder.add_event(Part::Events, &row)
        });
        reading.count(ratings.place(), row);
    }
    let path = ratings.path().to_owned();
    reading.finish(kinds, &path)
}
