//! The store: a folder of snapshots, of which `CURRENT` names the one that serves.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use gannet_models::Snapshot;

use crate::durable::{refused, rename, sync_folder};
use crate::error::{ReadError, WriteError};
use crate::manifest::{MANIFEST, Manifest, check_version};
use crate::{read, write};

pub(crate) const CURRENT: &str = "CURRENT";
const LOCK: &str = "LOCK";

/// How often a reader looks again when `CURRENT` moved while it read.
const READS_MAX: usize = 3;

/// A folder of snapshots. Readers need no lock and never see half a snapshot; writers exclude
/// one another, across processes too.
#[derive(Debug, Clone)]
pub struct SnapshotStore {
    root: PathBuf,
}

impl SnapshotStore {
    /// The store in a folder, which is made by the first write. Clears what a killed write left,
    /// unless somebody is writing or the disk is read-only: neither keeps a reader from starting.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, ReadError> {
        let root = root.into();
        if root.exists() && !root.is_dir() {
            let why = "not a folder, expected a folder of snapshots".to_owned();
            return Err(ReadError::Contents { path: root, why });
        }
        let store = Self { root };
        if store.has_leftovers()
            && let Ok(_lock) = store.lock()
        {
            store.clear_leftovers();
        }
        Ok(store)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a snapshot and makes it the current one; returns its folder. All or nothing: after
    /// an error, or a kill at any moment, the store still serves what it served before.
    pub fn write(&self, snapshot: &Snapshot) -> Result<PathBuf, WriteError> {
        let written = self.write_observed(snapshot, &mut |_| Ok(()));
        if written.is_err()
            && let Ok(_lock) = self.lock()
        {
            self.clear_leftovers();
        }
        written
    }

    pub(crate) fn write_observed(
        &self,
        snapshot: &Snapshot,
        observe: write::Observer<'_>,
    ) -> Result<PathBuf, WriteError> {
        check_version(&snapshot.version).map_err(WriteError::Version)?;
        snapshot.check()?;
        fs::create_dir_all(&self.root).map_err(refused(&self.root, "create"))?;
        let _lock = self.lock()?;
        self.clear_leftovers();
        let place = self.root.join(&snapshot.version);
        if place.exists() {
            return Err(WriteError::Exists { path: place });
        }
        let (place, sum) = write::folder(&self.root, snapshot, observe)?;
        write::current(&self.root, &snapshot.version, &sum, observe)?;
        Ok(place)
    }

    /// Makes another version the current one, after its manifest was checked: the way back.
    pub fn make_current(&self, version: &str) -> Result<(), WriteError> {
        let (_, sum) = self.manifest(version)?;
        let _lock = self.lock()?;
        self.clear_leftovers();
        write::current(&self.root, version, &sum, &mut |_| Ok(()))
    }

    /// The version that `CURRENT` names; `None` where nothing was ever written.
    pub fn current_version(&self) -> Result<Option<String>, ReadError> {
        Ok(self.pointer()?.map(|(version, _)| version))
    }

    /// The current snapshot; `None` where nothing was ever written.
    pub fn current(&self) -> Result<Option<Snapshot>, ReadError> {
        let mut reads = 0;
        loop {
            let Some(pointer) = self.pointer()? else { return Ok(None) };
            reads += 1;
            match self.read_pointed(&pointer) {
                Ok(snapshot) => return Ok(Some(snapshot)),
                // A newer snapshot may have come, and this one gone, while it was being read.
                Err(_) if reads < READS_MAX && self.pointer()?.as_ref() != Some(&pointer) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// One snapshot, every byte of it checked.
    pub fn read(&self, version: &str) -> Result<Snapshot, ReadError> {
        let (manifest, _) = self.manifest(version)?;
        read::snapshot(&self.root.join(version), &manifest)
    }

    /// What a snapshot is made of, from its checked manifest alone.
    pub fn inspect(&self, version: &str) -> Result<Manifest, ReadError> {
        Ok(self.manifest(version)?.0)
    }

    /// Reads a whole snapshot to find damage, and drops it.
    pub fn verify(&self, version: &str) -> Result<Manifest, ReadError> {
        let (manifest, _) = self.manifest(version)?;
        read::snapshot(&self.root.join(version), &manifest)?;
        Ok(manifest)
    }

    /// The versions that are there, by name; a damaged one is listed too.
    pub fn versions(&self) -> Result<Vec<String>, ReadError> {
        let refused = |source| ReadError::Io { path: self.root.clone(), action: "list", source };
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(refused)?,
        };
        let mut versions = Vec::new();
        for entry in entries {
            let entry = entry.map_err(refused)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if check_version(&name).is_ok() && entry.path().join(MANIFEST).exists() {
                versions.push(name);
            }
        }
        versions.sort_unstable();
        Ok(versions)
    }

    /// Keeps the `count` newest snapshots and the current one; returns the versions removed.
    /// What cannot be read, damaged or of a newer format, is left for people to decide on.
    pub fn retain(&self, count: usize) -> Result<Vec<String>, WriteError> {
        let current = self.current_version()?;
        if !self.root.exists() {
            return Ok(Vec::new());
        }
        let _lock = self.lock()?;
        self.clear_leftovers();
        let mut known: Vec<(i64, String)> = self
            .versions()?
            .into_iter()
            .filter_map(|version| Some((self.inspect(&version).ok()?.created_ms, version)))
            .collect();
        known.sort_unstable_by(|left, right| right.cmp(left));
        let mut removed = Vec::new();
        for (_, version) in known.into_iter().skip(count) {
            if Some(&version) == current.as_ref() {
                continue;
            }
            // Renamed first: a kill halfway must not leave half a snapshot under its name.
            let doomed = self.root.join(format!(".old-{version}"));
            rename(&self.root.join(&version), &doomed)?;
            fs::remove_dir_all(&doomed).map_err(refused(&doomed, "remove"))?;
            removed.push(version);
        }
        sync_folder(&self.root)?;
        Ok(removed)
    }

    fn manifest(&self, version: &str) -> Result<(Manifest, String), ReadError> {
        check_version(version)?;
        read::manifest(&self.root.join(version), version)
    }

    /// `CURRENT`: a version and the sha256 of its manifest.
    fn pointer(&self) -> Result<Option<(String, String)>, ReadError> {
        let path = self.root.join(CURRENT);
        let text = match read::small_file(&path, "the current version") {
            Err(ReadError::Missing { .. }) => return Ok(None),
            text => text?,
        };
        let contents = |why: &str| ReadError::Contents { path: path.clone(), why: why.to_owned() };
        let line = std::str::from_utf8(&text).ok().and_then(|text| text.strip_suffix('\n'));
        let Some((version, sum)) = line.and_then(|line| line.split_once(' ')) else {
            return Err(contents("not a version with a sha256 on one line"));
        };
        if check_version(version).is_err() {
            return Err(contents("does not name a version"));
        }
        Ok(Some((version.to_owned(), sum.to_owned())))
    }

    fn read_pointed(&self, (version, expected): &(String, String)) -> Result<Snapshot, ReadError> {
        let (manifest, got) = self.manifest(version)?;
        if got != *expected {
            let (path, expected) = (self.root.join(version).join(MANIFEST), expected.clone());
            return Err(ReadError::Checksum { path, got, expected });
        }
        read::snapshot(&self.root.join(version), &manifest)
    }

    fn lock(&self) -> Result<File, WriteError> {
        let path = self.root.join(LOCK);
        let options = File::options().create(true).truncate(false).write(true).open(&path);
        let file = options.map_err(refused(&path, "open"))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(WriteError::Locked { path }),
            Err(TryLockError::Error(source)) => Err(refused(&path, "lock")(source)),
        }
    }

    fn leftovers(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let left = entries.filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name == write::CURRENT_NEW || name.starts_with(".new-") || name.starts_with(".old-")
        });
        left.map(|entry| entry.path()).collect()
    }

    fn has_leftovers(&self) -> bool {
        !self.leftovers().is_empty()
    }

    /// Removes what it can; what stays is in nobody's way but that of the same version's write,
    /// which then says so.
    fn clear_leftovers(&self) {
        for path in self.leftovers() {
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
