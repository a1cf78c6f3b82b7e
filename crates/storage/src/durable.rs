//! Small steps on disk that survive a power cut: files and folders are synced before they count.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::WriteError;
use crate::manifest::hexadecimal;

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

/// Writes a new file as `fill` tells, without holding it whole, and syncs it; its length and its
/// sha256 in lower-case hexadecimal.
pub(crate) fn write_new_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(u64, String), WriteError> {
    let file = File::create_new(path).map_err(refused(path, "create"))?;
    let mut hashing = HashingWriter { file, digest: Sha256::new(), length: 0 };
    let mut buffered = BufWriter::with_capacity(BUFFER_BYTES, &mut hashing);
    let filled = fill(&mut buffered).and_then(|()| buffered.flush());
    drop(buffered);
    filled.map_err(refused(path, "write"))?;
    hashing.file.sync_all().map_err(refused(path, "sync"))?;
    Ok((hashing.length, hexadecimal(&hashing.digest.finalize())))
}

/// Bytes that are hashed and written at once.
const BUFFER_BYTES: usize = 1 << 20;

struct HashingWriter {
    file: File,
    digest: Sha256,
    length: u64,
}

impl Write for HashingWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
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
