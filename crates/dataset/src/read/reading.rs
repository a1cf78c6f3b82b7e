//! What all readers share while they read: the builder, the refused rows, the kinds of events.

use std::path::Path;

use gannet_core::{EventKinds, KindIndex, Progress};

use super::builder::DatasetBuilder;
use super::error::ReadError;
use super::source::ReadOptions;
use super::{ReadOutcome, lines};
use crate::bad_rows::{BadField, BadRows};

/// One run of a reader.
pub(crate) struct Reading<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) options: &'a ReadOptions,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) builder: DatasetBuilder,
    pub(crate) bad_rows: BadRows,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(
        folder: &'a Path,
        options: &'a ReadOptions,
        progress: &'a dyn Progress,
    ) -> Result<Self, ReadError> {
        lines::check_folder(folder)?;
        if !(0.0..=1.0).contains(&options.bad_rows_share_max) {
            let found = options.bad_rows_share_max.to_string();
            let expected = "a share from 0 to 1".to_owned();
            return Err(ReadError::Setting { setting: "bad_rows_share_max", expected, found });
        }
        let (builder, bad_rows) = (DatasetBuilder::default(), BadRows::default());
        Ok(Self { folder, options, progress, builder, bad_rows })
    }

    /// Counts a row as good or bad.
    pub(crate) fn count(&mut self, at: RowPlace<'_>, row: Result<(), BadField>) {
        match row {
            Ok(()) => self.bad_rows.take_good(),
            Err(bad) => self.bad_rows.refuse(at.file, at.line, at.lines, bad),
        }
    }

    /// The configured kinds, or those that fit the data.
    pub(crate) fn kinds(&self, has_values: bool) -> EventKinds {
        match &self.options.kinds {
            Some(kinds) => kinds.clone(),
            None if has_values => EventKinds::rating(POSITIVE_RATING_FROM),
            None => EventKinds::implicit("interaction"),
        }
    }

    /// Checks that the kinds are configured: a column names them.
    pub(crate) fn require_kinds(&self) -> Result<(), ReadError> {
        if self.options.kinds.is_some() {
            return Ok(());
        }
        let expected = "the kinds of events and their weights, since a column names kinds";
        let (expected, found) = (expected.to_owned(), "none".to_owned());
        Err(ReadError::Setting { setting: "kinds", expected, found })
    }

    /// The data set, unless too many rows were refused or no event is left.
    pub(crate) fn finish(self, kinds: EventKinds, events: &Path) -> Result<ReadOutcome, ReadError> {
        let share_max = self.options.bad_rows_share_max;
        if self.bad_rows.share() > share_max {
            return Err(ReadError::TooManyBadRows { bad_rows: self.bad_rows, share_max });
        }
        if self.builder.event_count() == 0 {
            return Err(ReadError::Empty { path: events.to_owned() });
        }
        let dataset = self.builder.finish(&self.options.name, kinds, self.options.ties);
        Ok(ReadOutcome { dataset, bad_rows: self.bad_rows })
    }
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowPlace<'a> {
    pub(crate) file: &'a str,
    pub(crate) line: u64,
    pub(crate) lines: u64,
}

/// MovieLens' own convention and everybody's since: 4 and 5 stars are liked.
const POSITIVE_RATING_FROM: f32 = 4.0;

/// The kind that every event of a file without kinds has: `name` where it is configured.
pub(crate) fn only_kind(kinds: &EventKinds, name: &str) -> KindIndex {
    kinds.index(name).unwrap_or(KindIndex(0))
}
