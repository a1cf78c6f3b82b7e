//! Lines of a file of any size, in bounded memory.
//!
//! A byte order mark at the start and the `\r` of a `\r\n` are dropped, blank lines skipped.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use gannet_core::Progress;

use super::error::ReadError;
use super::transcode::Transcoded;

/// Longest line, in bytes: far above any real row, far below what would hurt.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;
/// How many bytes pass between two words to the progress display.
const PROGRESS_BYTES: u64 = 1 << 20;

/// One line of a file, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Its bytes: not blank, at most [`LINE_BYTES_MAX`].
    Bytes(&'a [u8]),
    /// A longer line, whose end has been passed.
    TooLong,
}

/// Reads a file line by line.
pub(crate) struct Lines<'a> {
    path: PathBuf,
    name: String,
    input: Box<dyn BufRead>,
    buffer: Vec<u8>,
    number: u64,
    progress: &'a dyn Progress,
    unreported: u64,
}

impl<'a> Lines<'a> {
    /// Opens a file of a folder. `encoding` is what its bytes are turned into UTF-8 from; without
    /// one they come as they are.
    pub(crate) fn open(
        folder: &Path,
        name: &str,
        encoding: Option<&'static Encoding>,
        progress: &'a dyn Progress,
    ) -> Result<Self, ReadError> {
        let path = folder.join(name);
        let file = open_file(&path)?;
        let bytes = file.metadata().map_err(|source| io_error(&path, source))?.len();
        progress.begin(&format!("reading {name}"), Some(bytes), "bytes");
        let input: Box<dyn BufRead> = match encoding {
            None => Box::new(BufReader::with_capacity(1 << 18, file)),
            Some(encoding) => {
                Box::new(BufReader::with_capacity(1 << 18, Transcoded::new(file, encoding)))
            }
        };
        let (buffer, number, unreported) = (Vec::new(), 0, 0);
        let name = name.to_owned();
        Ok(Self { path, name, input, buffer, number, progress, unreported })
    }

    /// The file's whole path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file's name within the folder.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The number of the line that [`Lines::next`] gave last, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line that is not blank (of no bytes or of spaces alone).
    pub(crate) fn next(&mut self) -> Result<Option<Line<'_>>, ReadError> {
        self.next_line(true)
    }

    /// The next line, be it blank: what goes on inside quotes.
    pub(crate) fn next_within_quotes(&mut self) -> Result<Option<Line<'_>>, ReadError> {
        self.next_line(false)
    }

    fn next_line(&mut self, skip_blank: bool) -> Result<Option<Line<'_>>, ReadError> {
        loop {
            self.buffer.clear();
            let limit = LINE_BYTES_MAX as u64 + 2;
            let read = (&mut self.input).take(limit).read_until(b'\n', &mut self.buffer);
            let read = read.map_err(|source| io_error(&self.path, source))?;
            self.report(read as u64);
            if read == 0 {
                self.progress.end();
                return Ok(None);
            }
            self.number += 1;
            let ended = self.buffer.last() == Some(&b'\n');
            if !ended && read as u64 == limit {
                self.skip_to_end_of_line()?;
                return Ok(Some(Line::TooLong));
            }
            let start =
                if self.number == 1 && self.buffer.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            let end = content_end(&self.buffer);
            if end - start > LINE_BYTES_MAX {
                return Ok(Some(Line::TooLong));
            }
            let blank = self.buffer[start..end].iter().all(|byte| *byte == b' ');
            if !(blank && skip_blank) {
                return Ok(Some(Line::Bytes(&self.buffer[start..end])));
            }
        }
    }

    fn skip_to_end_of_line(&mut self) -> Result<(), ReadError> {
        let skipped =
            self.input.skip_until(b'\n').map_err(|source| io_error(&self.path, source))?;
        self.report(skipped as u64);
        Ok(())
    }

    fn report(&mut self, bytes: u64) {
        self.unreported += bytes;
        if self.unreported >= PROGRESS_BYTES || bytes == 0 {
            self.progress.advance(self.unreported);
            self.unreported = 0;
        }
    }
}

fn content_end(line: &[u8]) -> usize {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line).len()
}

/// Opens a file that must be there, be a file, and not be empty.
pub(crate) fn open_file(path: &Path) -> Result<File, ReadError> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let wanted = "this format needs it".to_owned();
            return Err(ReadError::Missing { path: path.to_owned(), wanted });
        }
        Err(source) => return Err(io_error(path, source)),
    };
    if metadata.is_dir() {
        return Err(ReadError::FolderForFile { path: path.to_owned() });
    }
    if metadata.len() == 0 {
        return Err(ReadError::Empty { path: path.to_owned() });
    }
    File::open(path).map_err(|source| io_error(path, source))
}

/// Checks that a folder is there and is one.
pub(crate) fn check_folder(path: &Path) -> Result<(), ReadError> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(ReadError::FileForFolder { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let wanted = "give the folder that holds the data's files".to_owned();
            Err(ReadError::Missing { path: path.to_owned(), wanted })
        }
        Err(source) => Err(io_error(path, source)),
    }
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> ReadError {
    ReadError::Io { path: path.to_owned(), source }
}
