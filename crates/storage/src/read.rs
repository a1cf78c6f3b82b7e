//! From a folder to a snapshot: every length, checksum and array is checked before it is used.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use gannet_core::{Catalogue, EventKinds, ModelName, Timestamp};
use gannet_models::{ArraysError, Histories, MergeWeights, Model, Part, Snapshot};
use rayon::prelude::*;

use crate::error::ReadError;
use crate::manifest::{FileFacts, MANIFEST, MANIFEST_SUM, Manifest, RECIPE_KIND, sha256, sum_line};
use crate::map::CheckedMap;
use crate::part_file;

/// A manifest, a checksum or `CURRENT` is never larger; more means that it is something else.
const SMALL_FILE_BYTES_MAX: u64 = 16 << 20;

/// Reads a small file whole.
pub(crate) fn small_file(path: &Path, expected: &'static str) -> Result<Vec<u8>, ReadError> {
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ReadError::Missing { path: path.to_owned(), expected },
        _ => ReadError::Io { path: path.to_owned(), action: "read", source },
    };
    let facts = path.metadata().map_err(refused)?;
    let contents = |why: String| ReadError::Contents { path: path.to_owned(), why };
    if !facts.is_file() {
        return Err(contents(format!("not a file, expected {expected}")));
    }
    if facts.len() == 0 {
        return Err(contents(format!("empty, expected {expected}")));
    }
    if facts.len() > SMALL_FILE_BYTES_MAX {
        return Err(contents(format!("{} bytes, too many for {expected}", facts.len())));
    }
    fs::read(path).map_err(refused)
}

/// Reads and checks the manifest of a folder; returns its sha256 too.
pub(crate) fn manifest(folder: &Path, version: &str) -> Result<(Manifest, String), ReadError> {
    let path = folder.join(MANIFEST);
    let text = small_file(&path, "the manifest of a snapshot")?;
    let got = sha256(&text);
    let parsed = Manifest::parse(&path, &text);
    // Told first: a newer format may well have dropped the checksum file.
    if let Err(ReadError::Format { .. }) = parsed {
        return parsed.map(|manifest| (manifest, got));
    }
    let sum_path = folder.join(MANIFEST_SUM);
    let sum = small_file(&sum_path, "the checksum of the manifest")?;
    if sum != sum_line(&got).as_bytes() {
        let expected = String::from_utf8_lossy(&sum).trim_end().chars().take(80).collect();
        return Err(ReadError::Checksum { path, got, expected });
    }
    let manifest = parsed?;
    if manifest.version != version {
        let why = format!("names version {:?}, expected {version:?}", manifest.version);
        return Err(ReadError::Contents { path, why });
    }
    Ok((manifest, got))
}

/// Reads every file of a folder.
pub(crate) fn snapshot(folder: &Path, manifest: &Manifest) -> Result<Snapshot, ReadError> {
    let manifest_path = folder.join(MANIFEST);
    let contents = |why: String| ReadError::Contents { path: manifest_path.clone(), why };
    let kinds = EventKinds::new(manifest.kinds.clone());
    let kinds = kinds.map_err(|error| contents(error.to_string()))?;
    // Files at once, on all cores: hashing gigabytes is what takes the time.
    let read: Vec<Result<ReadPart, ReadError>> =
        manifest.files.par_iter().map(|file| part(folder, file, manifest.format)).collect();
    let mut parts = Parts::default();
    for (file, part) in manifest.files.iter().zip(read) {
        let in_file = |source| ReadError::Part { path: folder.join(&file.name), source };
        parts.take(&file.name, &file.kind, part?).map_err(in_file)?;
    }
    let missing = |kind: &str| contents(format!("lists no file of kind {kind:?}"));
    let snapshot = Snapshot {
        version: manifest.version.clone(),
        created: Timestamp(manifest.created_ms),
        kinds,
        catalogue: Arc::new(parts.catalogue.ok_or_else(|| missing(Catalogue::KIND))?),
        histories: Arc::new(parts.histories.ok_or_else(|| missing(Histories::KIND))?),
        models: parts.models,
        merge_weights: parts.merge_weights.ok_or_else(|| missing(MergeWeights::KIND))?,
        recipe: parts.recipe.ok_or_else(|| missing(RECIPE_KIND))?,
    };
    let path = folder.to_owned();
    snapshot.check().map_err(|source| ReadError::Snapshot { path, source })?;
    Ok(snapshot)
}

/// One file's contents, checked.
enum ReadPart {
    Catalogue(Box<Catalogue>),
    Histories(Histories),
    MergeWeights(MergeWeights),
    Recipe(String),
    Model(Model),
}

fn part(folder: &Path, file: &FileFacts, format: u32) -> Result<ReadPart, ReadError> {
    let path = folder.join(&file.name);
    let map = CheckedMap::open(&path, file)?;
    ReadPart::of(&file.kind, format, map.bytes()).map_err(|source| ReadError::Part { path, source })
}

impl ReadPart {
    fn of(kind: &str, format: u32, bytes: &[u8]) -> Result<Self, ArraysError> {
        if kind == RECIPE_KIND {
            let text = std::str::from_utf8(bytes);
            let text = text.map_err(|error| ArraysError::contents(kind, error))?;
            return Ok(Self::Recipe(text.to_owned()));
        }
        let arrays = part_file::from_bytes(bytes)?;
        let (kind, arrays) = match format {
            1 => arrays.upgrade_from_format_1(kind)?,
            _ => (kind.to_owned(), arrays),
        };
        Ok(match kind.as_str() {
            Catalogue::KIND => Self::Catalogue(Box::new(Part::from_arrays(arrays)?)),
            Histories::KIND => Self::Histories(Part::from_arrays(arrays)?),
            MergeWeights::KIND => Self::MergeWeights(Part::from_arrays(arrays)?),
            kind => Self::Model(Model::from_arrays(kind, arrays)?),
        })
    }
}

#[derive(Default)]
struct Parts {
    catalogue: Option<Catalogue>,
    histories: Option<Histories>,
    merge_weights: Option<MergeWeights>,
    recipe: Option<String>,
    models: BTreeMap<ModelName, Model>,
}

impl Parts {
    fn take(&mut self, name: &str, kind: &str, part: ReadPart) -> Result<(), ArraysError> {
        match part {
            ReadPart::Catalogue(part) => put(&mut self.catalogue, *part, kind),
            ReadPart::Histories(part) => put(&mut self.histories, part, kind),
            ReadPart::MergeWeights(part) => put(&mut self.merge_weights, part, kind),
            ReadPart::Recipe(part) => put(&mut self.recipe, part, kind),
            ReadPart::Model(model) => {
                let name = name.strip_suffix(".safetensors").unwrap_or(name);
                let name =
                    ModelName::new(name).map_err(|error| ArraysError::contents(kind, error))?;
                match self.models.insert(name, model) {
                    None => Ok(()),
                    Some(_) => Err(ArraysError::contents(kind, "two models have the same name")),
                }
            }
        }
    }
}

fn put<T>(slot: &mut Option<T>, part: T, kind: &str) -> Result<(), ArraysError> {
    match slot.replace(part) {
        None => Ok(()),
        Some(_) => Err(ArraysError::contents(kind, "a second file of this kind")),
    }
}
