//! Rows that a reader refused: counted, the first ten kept with all that is needed to mend them.

use std::fmt;

/// How many refused rows are kept in full.
const KEPT_MAX: usize = 10;
/// How much of a refused value is kept, in characters.
const FOUND_CHARS_MAX: usize = 80;

/// One refused row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The file's name within the folder that was read.
    pub file: String,
    /// The line, from 1; where a quoted field spans lines, the first of them.
    pub line: u64,
    /// The field at fault; empty where it is the row as a whole.
    pub field: String,
    /// What would have been taken.
    pub expected: String,
    /// What stood there, at most 80 characters of it.
    pub found: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "expected {}, found {:?}", self.expected, self.found)
    }
}

/// What was refused of everything that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BadRows {
    count: u64,
    row_count: u64,
    first: Vec<BadRow>,
}

impl BadRows {
    /// Number of refused rows.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Number of rows read, refused ones included; headers and blank lines are not rows.
    pub fn row_count(&self) -> u64 {
        self.row_count
    }

    /// The first ten refused rows.
    pub fn first(&self) -> &[BadRow] {
        &self.first
    }

    /// Refused rows as a share of all rows; 0 where there are no rows.
    pub fn share(&self) -> f64 {
        if self.row_count == 0 { 0.0 } else { self.count as f64 / self.row_count as f64 }
    }

    pub(crate) fn take_good(&mut self) {
        self.row_count += 1;
    }

    /// Counts a refused row that took up `lines` lines: an unclosed quote swallows rows, and each
    /// of them is lost.
    pub(crate) fn refuse(&mut self, file: &str, line: u64, lines: u64, field: BadField) {
        self.row_count += lines.max(1);
        self.count += lines.max(1);
        if self.first.len() < KEPT_MAX {
            let BadField { field, expected, found } = field;
            self.first.push(BadRow { file: file.to_owned(), line, field, expected, found });
        }
    }
}

impl fmt::Display for BadRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} rows were refused", self.count, self.row_count)?;
        for row in &self.first {
            write!(f, "\n  {row}")?;
        }
        let more = self.count - self.first.len() as u64;
        if more > 0 && !self.first.is_empty() { write!(f, "\n  and {more} more") } else { Ok(()) }
    }
}

/// Why a row was refused, before its file and line are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadField {
    pub(crate) field: String,
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl BadField {
    pub(crate) fn new(field: &str, expected: impl Into<String>, found: &str) -> Self {
        let found = found.chars().take(FOUND_CHARS_MAX).collect();
        Self { field: field.to_owned(), expected: expected.into(), found }
    }

    /// The same by the name that the file has for its field, where it has another one.
    pub(crate) fn in_column(&self, column: Option<&str>) -> Self {
        let mut own = self.clone();
        own.field = column.unwrap_or(&self.field).to_owned();
        own
    }
}
