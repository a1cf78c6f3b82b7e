//! Memory maps of snapshot files: the only `unsafe` of this crate.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

use crate::error::ReadError;
use crate::manifest::{FileFacts, sha256};

/// A file whose length and checksum are those of the manifest.
pub(crate) struct CheckedMap {
    /// `None` for an empty file, which cannot be mapped.
    map: Option<Mmap>,
}

impl CheckedMap {
    /// Maps a file and checks it before anybody sees a byte of it.
    pub(crate) fn open(path: &Path, facts: &FileFacts) -> Result<Self, ReadError> {
        let refused =
            |action| move |source| ReadError::Io { path: path.to_owned(), action, source };
        let missing = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => {
                ReadError::Missing { path: path.to_owned(), expected: "a file of the manifest" }
            }
            _ => refused("open")(error),
        };
        // Looked at before it is opened: opening a pipe would wait for a writer for ever.
        if !path.metadata().map_err(missing)?.is_file() {
            let why = "not a file".to_owned();
            return Err(ReadError::Contents { path: path.to_owned(), why });
        }
        let file = File::open(path).map_err(missing)?;
        let got = file.metadata().map_err(refused("measure"))?.len();
        if got != facts.bytes {
            return Err(ReadError::Length { path: path.to_owned(), got, expected: facts.bytes });
        }
        let map = if got == 0 { None } else { Some(map(&file).map_err(refused("map"))?) };
        let checked = Self { map };
        let got = sha256(checked.bytes());
        if got != facts.sha256 {
            let expected = facts.sha256.clone();
            return Err(ReadError::Checksum { path: path.to_owned(), got, expected });
        }
        Ok(checked)
    }

    /// The contents.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or(&[])
    }
}

#[allow(unsafe_code)]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is read-only and private to this process. A file of a snapshot is never
    // written after its folder has its name, and is removed only by unlinking, which leaves the
    // mapped pages as they are; nothing in this crate truncates one. Someone who writes into a
    // published file by hand breaks that contract, which no check here could prevent.
    unsafe { Mmap::map(file) }
}
