//! Fetched files on disk: put there whole or not at all, and checked before each use.
//!
//! A data set's folder holds its files and `checksums.json`. It is filled under another name and
//! renamed when complete, so that a killed fetch leaves nothing that looks like data.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::FetchError;
use crate::normal_form::hexadecimal;

const CHECKSUMS: &str = "checksums.json";
const PARTIAL_PREFIX: &str = ".partial-";
/// After this long a folder that a fetch left behind is nobody's.
const PARTIAL_AGE_MAX: Duration = Duration::from_secs(3600);

/// What `checksums.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Checksums {
    /// SHA-256 of each file, by name.
    sha256: BTreeMap<String, String>,
}

/// A folder that is being filled; removed again unless it is published.
pub(crate) struct PartialFolder {
    path: PathBuf,
}

impl PartialFolder {
    /// A new empty folder in the cache. Old ones, of fetches that were killed, are removed.
    pub(crate) fn create(cache: &Path) -> Result<Self, FetchError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(cache).map_err(|source| FetchError::io(cache, source))?;
        remove_abandoned(cache);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = cache.join(format!("{PARTIAL_PREFIX}{}-{number}", std::process::id()));
        // A process of the same number was killed here long ago.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).map_err(|source| FetchError::io(&path, source))?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the files of `self`'s folder `content` the cache's folder `target`.
    pub(crate) fn publish(self, content: &Path, target: &Path) -> Result<(), FetchError> {
        write_checksums(content)?;
        sync_folder(content)?;
        match fs::remove_dir_all(target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FetchError::io(target, error));
            }
            _ => {}
        }
        match fs::rename(content, target) {
            Ok(()) => {}
            // Another process published the same files between the two calls.
            Err(_) if is_intact(target) => {}
            Err(source) => return Err(FetchError::io(target, source)),
        }
        target.parent().map_or(Ok(()), sync_folder)
    }
}

impl Drop for PartialFolder {
    fn drop(&mut self) {
        // What is left is removed by the next fetch.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Whether a cached folder is complete and every file has the checksum of when it was put there.
pub(crate) fn is_intact(folder: &Path) -> bool {
    let Ok(text) = fs::read_to_string(folder.join(CHECKSUMS)) else { return false };
    let Ok(checksums) = serde_json::from_str::<Checksums>(&text) else { return false };
    !checksums.sha256.is_empty()
        && checksums.sha256.iter().all(|(name, sha256)| {
            let plain = Path::new(name).file_name().is_some_and(|file| file == name.as_str());
            plain && file_sha256(&folder.join(name)).is_ok_and(|found| found == *sha256)
        })
}

/// SHA-256 of a file in lower-case hexadecimal.
pub(crate) fn file_sha256(path: &Path) -> Result<String, FetchError> {
    let io = |source| FetchError::io(path, source);
    let mut file = File::open(path).map_err(io)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut buffer).map_err(io)? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn write_checksums(folder: &Path) -> Result<(), FetchError> {
    let io = |source| FetchError::io(folder, source);
    let mut sha256 = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        sha256.insert(name.unwrap_or_default(), file_sha256(&path)?);
    }
    let text = serde_json::to_string_pretty(&Checksums { sha256 }).map_err(io::Error::from);
    let path = folder.join(CHECKSUMS);
    let write = |text: String| {
        fs::write(&path, text)?;
        File::open(&path)?.sync_all()
    };
    text.and_then(write).map_err(|source| FetchError::io(&path, source))
}

fn sync_folder(folder: &Path) -> Result<(), FetchError> {
    // Windows cannot open a folder; there the rename alone must do.
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        return synced.map_err(|source| FetchError::io(folder, source));
    }
    Ok(())
}

fn remove_abandoned(cache: &Path) {
    let Ok(entries) = fs::read_dir(cache) else { return };
    for entry in entries.flatten() {
        let partial = entry.file_name().to_string_lossy().starts_with(PARTIAL_PREFIX);
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        if partial && age.is_some_and(|age| age > PARTIAL_AGE_MAX) {
            // Nothing depends on it: what cannot be removed only takes up room.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(cache: &Path, content: &str) -> PathBuf {
        let partial = PartialFolder::create(cache).unwrap();
        let files = partial.path().join("files");
        fs::create_dir(&files).unwrap();
        fs::write(files.join("a.txt"), content).unwrap();
        let target = cache.join("data");
        partial.publish(&files, &target).unwrap();
        target
    }

    #[test]
    fn what_is_published_is_intact_and_leaves_nothing_beside_it() {
        let cache = tempfile::tempdir().unwrap();
        let target = published(cache.path(), "first");
        assert!(is_intact(&target));
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
        published(cache.path(), "second");
        assert_eq!(fs::read_to_string(target.join("a.txt")).unwrap(), "second");
    }

    #[test]
    fn damage_is_noticed() {
        let cache = tempfile::tempdir().unwrap();
        let target = published(cache.path(), "content");
        fs::write(target.join("a.txt"), "c0ntent").unwrap();
        assert!(!is_intact(&target));
        let target = published(cache.path(), "content");
        fs::remove_file(target.join("a.txt")).unwrap();
        assert!(!is_intact(&target));
        let target = published(cache.path(), "content");
        fs::write(target.join(CHECKSUMS), "").unwrap();
        assert!(!is_intact(&target));
        assert!(!is_intact(&cache.path().join("absent")));
    }

    #[test]
    fn a_fetch_given_up_leaves_nothing() {
        let cache = tempfile::tempdir().unwrap();
        let partial = PartialFolder::create(cache.path()).unwrap();
        fs::write(partial.path().join("half"), "x").unwrap();
        drop(partial);
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }
}
