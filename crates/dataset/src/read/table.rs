//! Rows of a text table with a header, quoted or not, with the line that each begins on.

use std::path::Path;

use csv_core::ReadRecordResult;

use super::error::ReadError;
use super::field;
use super::lines::{LINE_BYTES_MAX, Line, Lines};
use super::reading::RowPlace;
use crate::bad_rows::BadField;

/// How a table is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    /// Whether `"a,b"` is one field; if not, a quote is a character like any other.
    pub(crate) quoting: bool,
}

/// A table whose header has been read.
pub(crate) struct Table<'a> {
    lines: Lines<'a>,
    header: Vec<String>,
    parser: RowParser,
    first_line: u64,
}

impl<'a> Table<'a> {
    /// Reads the header; its names are trimmed.
    pub(crate) fn new(lines: Lines<'a>, dialect: Dialect) -> Result<Self, ReadError> {
        let (header, first_line) = (Vec::new(), 0);
        let mut table = Self { lines, header, parser: RowParser::new(dialect), first_line };
        let Some(row) = table.read_row()? else {
            return Err(ReadError::Empty { path: table.path().to_owned() });
        };
        let header = row.and_then(|()| {
            let fields = table.parser.fields();
            fields.map(|name| Ok(field::text("header", name)?.trim().to_owned())).collect()
        });
        table.header = header.map_err(|bad: BadField| ReadError::Header {
            path: table.path().to_owned(),
            expected: "a header of column names",
            found: bad.found,
        })?;
        Ok(table)
    }

    /// The whole path of its file.
    pub(crate) fn path(&self) -> &Path {
        self.lines.path()
    }

    /// The names of its columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// The position of a column that must be there.
    pub(crate) fn column(&self, name: &str) -> Result<usize, ReadError> {
        let found = self.header.iter().position(|column| column == name);
        found.ok_or_else(|| ReadError::UnknownColumn {
            path: self.path().to_owned(),
            column: name.to_owned(),
            header: self.header.clone(),
        })
    }

    /// The position of a column that must be there if it is named at all.
    pub(crate) fn optional_column(&self, name: Option<&str>) -> Result<Option<usize>, ReadError> {
        name.map(|name| self.column(name)).transpose()
    }

    /// The next row: its fields, or why it is not one. Rows of another width than the header's are
    /// refused: no telling which field is which.
    pub(crate) fn next(&mut self) -> Result<Option<Result<Row<'_>, BadField>>, ReadError> {
        let Some(row) = self.read_row()? else { return Ok(None) };
        let (wanted, count) = (self.header.len(), self.parser.field_count);
        let row = row.and_then(|()| match count == wanted {
            true => Ok(Row { parser: &self.parser, header: &self.header }),
            false => {
                let expected = format!("{wanted} fields");
                Err(BadField::new("", expected, &format!("{count} fields")))
            }
        });
        Ok(Some(row))
    }

    /// Where the row that [`Table::next`] gave last stands.
    pub(crate) fn place(&self) -> RowPlace<'_> {
        let lines = self.lines.number() + 1 - self.first_line;
        RowPlace { file: self.lines.name(), line: self.first_line, lines }
    }

    /// Parses one row, which goes on over several lines where a quote is open.
    fn read_row(&mut self) -> Result<Option<Result<(), BadField>>, ReadError> {
        self.parser.begin();
        let mut line = self.lines.next()?;
        if line.is_none() {
            return Ok(None);
        }
        let mut first = true;
        loop {
            let ended = match line {
                Some(Line::Bytes(bytes)) if self.parser.fits(bytes.len()) => self.parser.add(bytes),
                Some(_) => {
                    let expected = format!("a row of at most {LINE_BYTES_MAX} bytes");
                    let found = "a longer one (is a quote left open?)";
                    self.first_line = if first { self.lines.number() } else { self.first_line };
                    return Ok(Some(Err(BadField::new("", expected, found))));
                }
                None => {
                    let expected = "a closing quote before the end of the file";
                    return Ok(Some(Err(BadField::new("", expected, "none"))));
                }
            };
            if first {
                self.first_line = self.lines.number();
                first = false;
            }
            if ended {
                return Ok(Some(Ok(())));
            }
            line = self.lines.next_within_quotes()?;
        }
    }
}

/// The fields of one row.
pub(crate) struct Row<'a> {
    parser: &'a RowParser,
    header: &'a [String],
}

impl<'a> Row<'a> {
    /// The name of a column, for messages.
    pub(crate) fn name(&self, column: usize) -> &'a str {
        &self.header[column]
    }

    /// The text of a field.
    pub(crate) fn text(&self, column: usize) -> Result<&'a str, BadField> {
        field::text(self.name(column), self.parser.field(column))
    }

    /// The text of a field of an optional column; blank counts as absent.
    pub(crate) fn optional(&self, column: Option<usize>) -> Result<Option<&'a str>, BadField> {
        let Some(column) = column else { return Ok(None) };
        Ok(Some(self.text(column)?).filter(|text| !text.trim().is_empty()))
    }
}

/// Splits the lines of one row into fields.
struct RowParser {
    parser: csv_core::Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
    written: usize,
    field_count: usize,
}

impl RowParser {
    fn new(dialect: Dialect) -> Self {
        let parser = csv_core::ReaderBuilder::new()
            .delimiter(dialect.delimiter)
            .quoting(dialect.quoting)
            .build();
        Self { parser, output: vec![0; 1024], ends: vec![0; 32], written: 0, field_count: 0 }
    }

    fn begin(&mut self) {
        self.parser.reset();
        (self.written, self.field_count) = (0, 0);
    }

    fn fits(&self, more: usize) -> bool {
        self.written + more <= LINE_BYTES_MAX
    }

    /// Adds a line; whether it ended the row.
    fn add(&mut self, line: &[u8]) -> bool {
        self.feed(line) || self.feed(b"\n")
    }

    fn feed(&mut self, mut input: &[u8]) -> bool {
        // The parser would take empty input for the end of the file.
        while !input.is_empty() {
            let output = &mut self.output[self.written..];
            let ends = &mut self.ends[self.field_count..];
            let (result, taken, written, fields) = self.parser.read_record(input, output, ends);
            input = &input[taken..];
            self.written += written;
            self.field_count += fields;
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => return true,
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
        false
    }

    fn field(&self, column: usize) -> &[u8] {
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        &self.output[start..self.ends[column]]
    }

    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.field_count).map(|column| self.field(column))
    }
}
