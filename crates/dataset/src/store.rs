//! A checked data set on disk: Parquet files that any tool can read, named by a manifest.
//!
//! ```text
//! FOLDER/manifest.json         format, counts, kinds, scenes, length and sha256 of every file
//! FOLDER/items.parquet         id, title, tags list<string>, author, published (UTC), available,
//!                              expires (UTC), then a column a field: string or f64
//! FOLDER/users.parquet         id, in the order of the data set, then a column a field
//! FOLDER/events.parquet        user, item, kind, value f32, time (UTC), scene; in file order
//! FOLDER/test_events.parquet   the same, where the data came with a test file
//! FOLDER/truth.json            of simulated data: what tells every user's true preference
//! ```
//!
//! Version 1 had no expires, scene or fields; it is still read. Absent values are null. A folder is
//! written whole beside its place and moved there: a reader finds the older data set or the newer
//! one, never a mixture.

mod error;
mod folder;
mod manifest;
mod read;
mod schema;
mod write;

pub use error::StoreError;
pub use manifest::{DatasetManifest, StoredFile};

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use gannet_core::EventKinds;

use crate::dataset::{Dataset, Events};
use crate::normal_form::normal_form_checksum;
use crate::simulate::{TRUTH, TruePreference, truth_of_text};
use folder::Replacement;
use manifest::{FORMAT, FORMAT_VERSION, MANIFEST};

const ITEMS: &str = "items.parquet";
const USERS: &str = "users.parquet";
const EVENTS: &str = "events.parquet";
const TEST_EVENTS: &str = "test_events.parquet";

/// Writes a data set to a folder, which is made, or replaced where it holds a data set already.
///
/// The older data set stays until the newer one is whole and synced. A folder with anything else
/// in it is left alone ([`StoreError::NotADataset`]). Memory beyond the data set's own is bounded
/// by one row group.
pub fn ingest(dataset: &Dataset, folder: &Path) -> Result<DatasetManifest, StoreError> {
    ingest_with_truth(dataset, None, folder)
}

/// [`ingest`] of simulated data with the truth behind it, which [`open_truth`] gives back. A truth
/// of another catalogue is refused ([`TruePreference::check`]), and nothing is stored.
pub fn ingest_with_truth(
    dataset: &Dataset,
    truth: Option<&TruePreference>,
    folder: &Path,
) -> Result<DatasetManifest, StoreError> {
    if let Some(truth) = truth {
        let users = dataset.users.iter();
        truth.check(&dataset.catalogue, users).map_err(|mismatch| StoreError::Contents {
            path: folder.join(TRUTH),
            why: mismatch.to_string(),
        })?;
    }
    let replacement = Replacement::begin(folder)?;
    let place = replacement.place();
    let catalogue = &dataset.catalogue;
    let mut files = vec![
        write::items(&place.join(ITEMS), catalogue)?,
        write::users(&place.join(USERS), &dataset.users, &dataset.user_fields)?,
        write::events(&place.join(EVENTS), dataset, &dataset.events)?,
    ];
    if let Some(test) = &dataset.test_events {
        files.push(write::events(&place.join(TEST_EVENTS), dataset, test)?);
    }
    if let Some(truth) = truth {
        files.push(write::truth(&place.join(TRUTH), truth)?);
    }
    let manifest = DatasetManifest {
        format: FORMAT.to_owned(),
        format_version: FORMAT_VERSION,
        name: dataset.name.clone(),
        kinds: dataset.kinds.all().to_vec(),
        scenes: dataset.scenes.clone(),
        item_count: catalogue.len() as u64,
        user_count: dataset.users.len() as u64,
        event_count: dataset.events.users.len() as u64,
        test_event_count: dataset.test_events.as_ref().map(|test| test.users.len() as u64),
        first_time: times(dataset).min(),
        last_time: times(dataset).max(),
        events_without_time: dataset.events.interactions.len() as u64
            - times(dataset).count() as u64,
        normal_form_sha256: normal_form_checksum(dataset),
        files,
    };
    manifest.write(&place.join(MANIFEST))?;
    replacement.finish()?;
    Ok(manifest)
}

fn times(dataset: &Dataset) -> impl Iterator<Item = gannet_core::Timestamp> + '_ {
    dataset.events.interactions.iter().filter_map(|event| event.time)
}

/// Reads a data set back; every file's length and checksum is checked before it is read.
///
/// Where a replacement was cut short between its two moves, the older data set is read.
pub fn open(folder: &Path) -> Result<Dataset, StoreError> {
    let place = folder::find(folder)?;
    let manifest = DatasetManifest::read(&place.join(MANIFEST))?;
    let checked = |name: &str, rows: u64| manifest.open_file(&place, name, rows);
    let kinds = EventKinds::new(manifest.kinds.clone()).map_err(|error| {
        StoreError::BadManifest { path: place.join(MANIFEST), why: error.to_string() }
    })?;
    let (version, scenes) = (manifest.format_version, &manifest.scenes);
    let catalogue = read::items(checked(ITEMS, manifest.item_count)?, version)?;
    let (users, user_fields) = read::users(checked(USERS, manifest.user_count)?, version)?;
    let names = read::Names { catalogue: &catalogue, users: &users, kinds: &kinds, scenes };
    let events = read::events(checked(EVENTS, manifest.event_count)?, &names, version)?;
    let test_events = match manifest.test_event_count {
        Some(rows) => Some(read::events(checked(TEST_EVENTS, rows)?, &names, version)?),
        None => None::<Events>,
    };
    Ok(Dataset {
        name: manifest.name,
        catalogue: Arc::new(catalogue),
        users: Arc::new(users),
        user_fields: Arc::new(user_fields),
        scenes: manifest.scenes,
        kinds,
        events,
        test_events,
    })
}

/// The truth behind a stored data set; `None` where none was stored with it.
///
/// Its length and checksum are checked, and that it tells of as many items as the data set has.
pub fn open_truth(folder: &Path) -> Result<Option<TruePreference>, StoreError> {
    let place = folder::find(folder)?;
    let manifest = DatasetManifest::read(&place.join(MANIFEST))?;
    if !manifest.files.iter().any(|file| file.name == TRUTH) {
        return Ok(None);
    }
    let mut checked = manifest.open_file(&place, TRUTH, 0)?;
    let (path, mut text) = (checked.path.clone(), String::new());
    checked.file.read_to_string(&mut text).map_err(disk(&path))?;
    let wrong = |why| StoreError::Contents { path: path.clone(), why };
    let truth = truth_of_text(&text).map_err(wrong)?;
    let (told, items) = (u64::from(truth.options().item_count), manifest.item_count);
    if told != items {
        return Err(wrong(format!("it tells of {told} items, the data set has {items}")));
    }
    Ok(Some(truth))
}

/// Reads the manifest alone; the files that it names are not looked at.
pub fn read_manifest(folder: &Path) -> Result<DatasetManifest, StoreError> {
    DatasetManifest::read(&folder::find(folder)?.join(MANIFEST))
}

fn disk(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError + '_ {
    move |source| StoreError::Disk { path: path.to_owned(), source }
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    fs::File::open(folder).and_then(|file| file.sync_all()).map_err(disk(folder))
}
