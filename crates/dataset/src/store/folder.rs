//! Replacing a folder as a whole, and finding it again after a replacement that was cut short.
//!
//! A folder that is not empty cannot be renamed over, so the older one steps aside first
//! (`.NAME.old`); between the two moves [`find`] still knows where it is.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::MANIFEST;
use super::{StoreError, disk, sync_folder};

/// A folder in the making beside the one that it will replace. Dropped unfinished, it is removed.
#[derive(Debug)]
pub(super) struct Replacement {
    folder: PathBuf,
    place: PathBuf,
    finished: bool,
    /// Held until the end; the system lets go of it when the process dies.
    _lock: File,
}

impl Replacement {
    pub(super) fn begin(folder: &Path) -> Result<Self, StoreError> {
        let parent = parent(folder);
        fs::create_dir_all(parent).map_err(disk(parent))?;
        let lock_path = beside(folder, "lock")?;
        let lock = File::create(&lock_path).map_err(disk(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Busy { path: folder.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(disk(&lock_path)(source)),
        }
        recover(folder)?;
        refuse_foreign(folder)?;
        let place = beside(folder, "new")?;
        remove(&place)?;
        fs::create_dir(&place).map_err(disk(&place))?;
        Ok(Self { folder: folder.to_owned(), place, finished: false, _lock: lock })
    }

    /// Where the new files go.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    /// Puts the new folder where the older one was. The files in it are synced already.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        sync_folder(&self.place)?;
        let older = beside(&self.folder, "old")?;
        let replaces = self.folder.exists();
        if replaces {
            fs::rename(&self.folder, &older).map_err(disk(&self.folder))?;
        }
        fs::rename(&self.place, &self.folder).map_err(disk(&self.folder))?;
        self.finished = true;
        sync_folder(parent(&self.folder))?;
        if replaces { remove(&older) } else { Ok(()) }
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.finished {
            // The next writer removes what stays here; the error that led here is the one to show.
            let _ = fs::remove_dir_all(&self.place);
        }
    }
}

/// The folder to read: the one asked for, or the older one where a replacement was cut short.
pub(super) fn find(folder: &Path) -> Result<PathBuf, StoreError> {
    let older = beside(folder, "old")?;
    let found = match (folder.exists(), older.join(MANIFEST).exists()) {
        (true, _) => folder.to_owned(),
        (false, true) => older,
        (false, false) => return Err(StoreError::Missing { path: folder.to_owned() }),
    };
    if found.join(MANIFEST).exists() {
        Ok(found)
    } else {
        Err(StoreError::NotADataset { path: folder.to_owned() })
    }
}

/// Ends what a writer that died between its two moves, or after them, left undone.
fn recover(folder: &Path) -> Result<(), StoreError> {
    let older = beside(folder, "old")?;
    if !older.exists() {
        Ok(())
    } else if folder.exists() {
        remove(&older)
    } else {
        fs::rename(&older, folder).map_err(disk(&older))
    }
}

fn refuse_foreign(folder: &Path) -> Result<(), StoreError> {
    let not_ours = || StoreError::NotADataset { path: folder.to_owned() };
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(not_ours()),
        Err(error) => Err(disk(folder)(error)),
        Ok(mut entries) => {
            let empty = entries.next().is_none();
            if empty || super::DatasetManifest::is_ours(&folder.join(MANIFEST)) {
                Ok(())
            } else {
                Err(not_ours())
            }
        }
    }
}

fn remove(folder: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(folder)(error)),
        _ => Ok(()),
    }
}

fn parent(folder: &Path) -> &Path {
    folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(folder: &Path, ending: &str) -> Result<PathBuf, StoreError> {
    let name = folder.file_name().ok_or_else(|| StoreError::NotADataset { path: folder.into() })?;
    Ok(parent(folder).join(format!(".{}.{ending}", name.display())))
}
