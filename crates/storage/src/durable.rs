//! Small steps on disk that survive a power cut: files and folders are synced before they count.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::WriteError;

/// Adds the file and what was tried to a system error.
pub(crate) fn refused(
    path: &Path,
    action: &'static str,
) -> impl FnOnce(std::io::Error) -> WriteError {
    move |source| WriteError::Io { path: path.to_owned(), action, source }
}

/// Writes a new file and syncs it.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let mut file = File::create_new(path).map_err(refused(path, "create"))?;
    file.write_all(bytes).map_err(refused(path, "write"))?;
    file.sync_all().map_err(refused(path, "sync"))
}

/// Syncs a folder, so that the names in it survive.
pub(crate) fn sync_folder(path: &Path) -> Result<(), WriteError> {
    // Other systems cannot open a folder as a file; their renames are durable by themselves.
    if cfg!(unix) {
        let folder = File::open(path).map_err(refused(path, "open"))?;
        folder.sync_all().map_err(refused(path, "sync"))?;
    }
    Ok(())
}

/// Renames a file or folder; the folder above still has to be synced.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), WriteError> {
    fs::rename(from, to).map_err(refused(to, "rename into place"))
}
