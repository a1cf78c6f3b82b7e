//! Takes named files out of a zip archive that nobody vouches for.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use zip::ZipArchive;
use zip::read::ZipFile;

use super::error::FetchError;

/// Largest file taken out of an archive; the largest expected has 45 MB.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Most entries that an archive may list.
const ENTRIES_MAX: usize = 10_000;

/// Writes the archive's files whose path is `prefix` and one of `names` into a folder, under that
/// name. Refuses an archive with any entry that leads out of its own folder, and stops at
/// 256 MiB a file whatever its header claims.
pub(crate) fn extract(
    archive: &Path,
    prefix: &str,
    names: &[&str],
    into: &Path,
) -> Result<(), FetchError> {
    let broken = |reason: String| FetchError::Archive { archive: archive.to_owned(), reason };
    let file = File::open(archive).map_err(|source| FetchError::io(archive, source))?;
    let mut zip = ZipArchive::new(file).map_err(|error| broken(error.to_string()))?;
    if zip.len() > ENTRIES_MAX {
        return Err(broken(format!("lists {} files, more than {ENTRIES_MAX}", zip.len())));
    }
    let mut missing: Vec<&str> = names.to_vec();
    for position in 0..zip.len() {
        let entry = zip.by_index(position).map_err(|error| broken(error.to_string()))?;
        let path = entry.name().map_err(|error| broken(error.to_string()))?.into_owned();
        if entry.enclosed_name().is_none() || path.starts_with('/') || path.contains("..") {
            return Err(broken(format!("entry {path:?} leads out of its folder")));
        }
        let Some(name) = path.strip_prefix(prefix).filter(|name| missing.contains(name)) else {
            continue;
        };
        let name = name.to_owned();
        if !entry.is_file() {
            return Err(broken(format!("{path:?} is not a plain file")));
        }
        write_entry(entry, &into.join(&name))
            .map_err(|reason| broken(format!("{path}: {reason}")))?;
        missing.retain(|wanted| *wanted != name);
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(broken(format!("holds no {prefix}{}", missing.join(", "))))
}

fn write_entry<R: Read>(entry: ZipFile<'_, R>, target: &Path) -> Result<(), String> {
    let too_large = || format!("is larger than {FILE_BYTES_MAX} bytes");
    if entry.size() > FILE_BYTES_MAX {
        return Err(too_large());
    }
    let mut file = File::create_new(target).map_err(|error| error.to_string())?;
    let mut bounded = entry.take(FILE_BYTES_MAX + 1);
    let written = std::io::copy(&mut bounded, &mut file).map_err(|error| error.to_string())?;
    if written > FILE_BYTES_MAX {
        return Err(too_large());
    }
    file.flush().and_then(|()| file.sync_all()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zip::write::{SimpleFileOptions, ZipWriter};

    fn archive(folder: &Path, entries: &[(&str, &str)]) -> std::path::PathBuf {
        let path = folder.join("data.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        for (name, content) in entries {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    #[test]
    fn only_the_named_files_come_out() {
        let folder = tempfile::tempdir().unwrap();
        let zip = archive(folder.path(), &[("a/x.dat", "1"), ("a/y.dat", "2"), ("z", "3")]);
        let into = tempfile::tempdir().unwrap();
        extract(&zip, "a/", &["x.dat"], into.path()).unwrap();
        assert_eq!(std::fs::read_to_string(into.path().join("x.dat")).unwrap(), "1");
        assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 1);
    }

    #[test]
    fn entries_that_lead_out_are_refused_with_the_whole_archive() {
        for bad in ["../evil", "a/../../evil", "/etc/evil", "a\\..\\..\\evil"] {
            let folder = tempfile::tempdir().unwrap();
            let zip = archive(folder.path(), &[(bad, "1"), ("a/x.dat", "1")]);
            let into = tempfile::tempdir().unwrap();
            let error = extract(&zip, "a/", &["x.dat"], into.path()).unwrap_err();
            assert!(error.to_string().contains("leads out"), "{bad}: {error}");
            assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_missing_file_and_a_page_in_place_of_an_archive_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let zip = archive(folder.path(), &[("a/x.dat", "1")]);
        let error = extract(&zip, "a/", &["x.dat", "y.dat"], folder.path()).unwrap_err();
        assert!(error.to_string().contains("holds no a/y.dat"), "{error}");
        let page = folder.path().join("page.zip");
        std::fs::write(&page, "<html>please log in</html>").unwrap();
        assert!(matches!(
            extract(&page, "", &["x"], folder.path()),
            Err(FetchError::Archive { .. })
        ));
    }
}
