//! The manifest of a snapshot: its files with their lengths and checksums, and its event kinds.

use std::fmt::Write;
use std::path::Path;

use gannet_core::EventKind;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::ReadError;

/// The format that is written.
pub const FORMAT: u32 = 2;

/// The oldest format that is read: one before [`FORMAT`]. Format 2 brought fields, expiry and
/// scenes, and calls the index of any field of keys `key_index`.
pub const FORMAT_OLDEST: u32 = 1;

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const MANIFEST_SUM: &str = "manifest.sha256";
pub(crate) const RECIPE: &str = "recipe.toml";
pub(crate) const RECIPE_KIND: &str = "recipe";

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its name in the folder.
    pub name: String,
    /// The kind of part that it holds, such as `item_neighbours`, or `recipe`.
    pub kind: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its checksum in lower-case hexadecimal.
    pub sha256: String,
}

/// What a snapshot is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of the folder.
    pub format: u32,
    /// The snapshot's version, which is its folder's name too.
    pub version: String,
    /// When it was made, in milliseconds since 1970 (UTC).
    pub created_ms: i64,
    /// The kinds of events, in the order that histories number them.
    pub kinds: Vec<EventKind>,
    /// Its files. Files in the folder that are not listed are ignored.
    pub files: Vec<FileFacts>,
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u64,
}

impl Manifest {
    /// Length of all files together, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }

    /// Reads the text of a manifest; the format is looked at before anything else.
    pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<Self, ReadError> {
        let contents = |why: String| ReadError::Contents { path: path.to_owned(), why };
        let not_json = |error| contents(format!("not a manifest: {error}"));
        let FormatOnly { format } = serde_json::from_slice(text).map_err(not_json)?;
        if format < u64::from(FORMAT_OLDEST) || format > u64::from(FORMAT) {
            return Err(ReadError::Format {
                path: path.to_owned(),
                got: format,
                oldest: FORMAT_OLDEST,
                newest: FORMAT,
            });
        }
        let manifest: Self = serde_json::from_slice(text).map_err(not_json)?;
        for (at, file) in manifest.files.iter().enumerate() {
            if !is_plain_name(&file.name) {
                return Err(contents(format!("{:?} is not a file name", file.name)));
            }
            if manifest.files[..at].iter().any(|earlier| earlier.name == file.name) {
                return Err(contents(format!("{:?} is listed twice", file.name)));
            }
        }
        Ok(manifest)
    }
}

/// Whether a name stays in its folder on every system.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    (1..=128).contains(&name.len()) && !name.starts_with(['.', '-']) && name.bytes().all(plain)
}

/// Whether a version can name a folder of the store.
pub(crate) fn check_version(version: &str) -> Result<(), ReadError> {
    let kept = ["current", "lock"].iter().any(|kept| version.eq_ignore_ascii_case(kept));
    if version.len() > 64 || kept || !is_plain_name(version) {
        let version = version.chars().take(80).collect();
        return Err(ReadError::Version { version });
    }
    Ok(())
}

/// The sha256 of some bytes in lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes every byte");
    }
    text
}

/// What stands in the file beside a manifest, as `sha256sum --check` reads it.
pub(crate) fn sum_line(sha256: &str) -> String {
    format!("{sha256}  {MANIFEST}\n")
}
