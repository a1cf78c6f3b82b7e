//! What a dataset folder says of itself.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use gannet_core::{EventKind, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{StoreError, disk};
use crate::dataset::SCENES_MAX;
use crate::normal_form::hexadecimal;

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const FORMAT: &str = "gannet dataset";
pub(super) const FORMAT_VERSION: u32 = 2;
const READ_BYTES: usize = 1 << 18;

/// A file of a stored data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its name in the folder.
    pub name: String,
    /// Its rows; 0 of `truth.json`, which is no table.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

/// What a dataset folder says of itself (`manifest.json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetManifest {
    /// Always `gannet dataset`.
    pub format: String,
    /// The version of this layout; a newer one is refused untouched.
    pub format_version: u32,
    /// The data set's name.
    pub name: String,
    /// The kinds of its events.
    pub kinds: Vec<EventKind>,
    /// The scenes that its events name, at most 255; absent in version 1.
    #[serde(default)]
    pub scenes: Vec<String>,
    /// Number of items.
    pub item_count: u64,
    /// Number of users.
    pub user_count: u64,
    /// Number of events.
    pub event_count: u64,
    /// Number of events of the test file; absent where there is none.
    pub test_event_count: Option<u64>,
    /// Time of the first event, in milliseconds since 1970 UTC; absent where there are no times.
    pub first_time: Option<Timestamp>,
    /// Time of the last event.
    pub last_time: Option<Timestamp>,
    /// Events without a time: any, and splits by time are refused.
    pub events_without_time: u64,
    /// Checksum of the contents, the same whatever files they came from
    /// ([`crate::normal_form_checksum`]).
    pub normal_form_sha256: String,
    /// The files.
    pub files: Vec<StoredFile>,
}

/// As much of a manifest as every version has.
#[derive(Deserialize)]
struct Heading {
    format: String,
    format_version: u32,
}

/// A file whose length and checksum are those of the manifest, at its beginning.
#[derive(Debug)]
pub(super) struct CheckedFile {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) rows: u64,
}

impl DatasetManifest {
    pub(super) fn write(&self, path: &Path) -> Result<(), StoreError> {
        let json = serde_json::to_vec_pretty(self).expect("a manifest has no maps with odd keys");
        let mut file = File::create_new(path).map_err(disk(path))?;
        file.write_all(&json).and_then(|()| file.sync_all()).map_err(disk(path))
    }

    pub(super) fn read(path: &Path) -> Result<Self, StoreError> {
        let json = std::fs::read(path).map_err(disk(path))?;
        if json.is_empty() {
            return Err(StoreError::EmptyManifest { path: path.to_owned() });
        }
        let bad = |why: String| StoreError::BadManifest { path: path.to_owned(), why };
        let heading: Heading =
            serde_json::from_slice(&json).map_err(|error| bad(error.to_string()))?;
        if heading.format != FORMAT {
            return Err(bad(format!("format is {:?}, expected {FORMAT:?}", heading.format)));
        }
        if heading.format_version > FORMAT_VERSION {
            let (found, known) = (heading.format_version, FORMAT_VERSION);
            return Err(StoreError::NewerFormat { path: path.to_owned(), found, known });
        }
        let manifest: Self =
            serde_json::from_slice(&json).map_err(|error| bad(error.to_string()))?;
        if manifest.scenes.len() > SCENES_MAX {
            return Err(bad(format!("at most {SCENES_MAX} scenes are possible")));
        }
        Ok(manifest)
    }

    /// Whether the folder is one that may be replaced: a manifest of ours, even a broken one, but
    /// never one of a newer program.
    pub(super) fn is_ours(path: &Path) -> bool {
        match Self::read(path) {
            Ok(_) | Err(StoreError::EmptyManifest { .. }) => true,
            Err(_) => false,
        }
    }

    /// Opens a file of the folder after checking its length and checksum.
    pub(super) fn open_file(
        &self,
        folder: &Path,
        name: &str,
        rows: u64,
    ) -> Result<CheckedFile, StoreError> {
        let path = folder.join(name);
        let stored = self.files.iter().find(|file| file.name == name).ok_or_else(|| {
            let why = format!("it names no file {name}");
            StoreError::BadManifest { path: folder.join(MANIFEST), why }
        })?;
        if stored.rows != rows {
            let why = format!("{name} has {} rows in one place and {rows} in another", stored.rows);
            return Err(StoreError::BadManifest { path: folder.join(MANIFEST), why });
        }
        let mut file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::MissingFile { path: path.clone() },
            _ => StoreError::Disk { path: path.clone(), source },
        })?;
        let found = file.metadata().map_err(disk(&path))?.len();
        if found != stored.bytes {
            return Err(StoreError::Length { path, expected: stored.bytes, found });
        }
        let found = checksum(&mut file).map_err(disk(&path))?;
        if found != stored.sha256 {
            return Err(StoreError::Checksum { path, expected: stored.sha256.clone(), found });
        }
        Ok(CheckedFile { path, file, rows })
    }
}

fn checksum(file: &mut File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            bytes => hash.update(&buffer[..bytes]),
        }
    }
    file.rewind()?;
    Ok(hexadecimal(&hash.finalize()))
}
