//! From a snapshot to a folder, in steps of which each leaves the store readable.
//!
//! Everything is written under a name with a leading dot and synced; one rename makes the folder
//! count, a second one makes it the current one. A process that dies in between leaves the store
//! as it was, or with one more whole snapshot.

use std::io::Write;
use std::path::{Path, PathBuf};

use gannet_core::Catalogue;
use gannet_models::{Arrays, Histories, MergeWeights, Part, Snapshot};

use crate::durable::{refused, rename, sync_folder, write_new, write_new_with};
use crate::error::WriteError;
use crate::manifest::{
    FORMAT, FileFacts, MANIFEST, MANIFEST_SUM, Manifest, RECIPE, RECIPE_KIND, sha256, sum_line,
};
use crate::part_file;
use crate::store::CURRENT;

pub(crate) const CURRENT_NEW: &str = ".current.new";

/// What has just been done when an observer is called: where a test lets the process die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    FolderMade,
    FileWritten,
    ManifestWritten,
    ManifestSumWritten,
    FolderSynced,
    FolderRenamed,
    StoreSynced,
    CurrentWritten,
    CurrentRenamed,
}

/// Called after every step; an error stops the write right there, as a kill would.
pub(crate) type Observer<'a> = &'a mut dyn FnMut(Step) -> Result<(), WriteError>;

/// The folder in which a version is written before it counts.
pub(crate) fn unfinished(root: &Path, version: &str) -> PathBuf {
    root.join(format!(".new-{version}"))
}

/// Writes a folder and renames it into place; returns it and its manifest's sha256.
pub(crate) fn folder(
    root: &Path,
    snapshot: &Snapshot,
    observe: Observer<'_>,
) -> Result<(PathBuf, String), WriteError> {
    let (draft, place) = (unfinished(root, &snapshot.version), root.join(&snapshot.version));
    std::fs::create_dir(&draft).map_err(refused(&draft, "create"))?;
    observe(Step::FolderMade)?;
    let files = write_parts(&draft, snapshot, observe)?;
    let manifest = Manifest {
        format: FORMAT,
        version: snapshot.version.clone(),
        created_ms: snapshot.created.0,
        kinds: snapshot.kinds.all().to_vec(),
        files,
    };
    let mut text = serde_json::to_vec_pretty(&manifest).expect("strings and finite numbers");
    text.push(b'\n');
    write_new(&draft.join(MANIFEST), &text)?;
    observe(Step::ManifestWritten)?;
    let sum = sha256(&text);
    write_new(&draft.join(MANIFEST_SUM), sum_line(&sum).as_bytes())?;
    observe(Step::ManifestSumWritten)?;
    sync_folder(&draft)?;
    observe(Step::FolderSynced)?;
    rename(&draft, &place)?;
    observe(Step::FolderRenamed)?;
    sync_folder(root)?;
    observe(Step::StoreSynced)?;
    Ok((place, sum))
}

/// Makes a version the current one.
pub(crate) fn current(
    root: &Path,
    version: &str,
    manifest_sum: &str,
    observe: Observer<'_>,
) -> Result<(), WriteError> {
    let draft = root.join(CURRENT_NEW);
    write_new(&draft, format!("{version} {manifest_sum}\n").as_bytes())?;
    observe(Step::CurrentWritten)?;
    rename(&draft, &root.join(CURRENT))?;
    observe(Step::CurrentRenamed)?;
    sync_folder(root)
}

fn write_parts(
    folder: &Path,
    snapshot: &Snapshot,
    observe: Observer<'_>,
) -> Result<Vec<FileFacts>, WriteError> {
    let mut files = Vec::new();
    // One part at a time, and its arrays go as they are written: of a snapshot of gigabytes only
    // the largest part is held twice.
    let mut write_part = |name: &str, kind: &str, arrays: &dyn Fn() -> Arrays| {
        let name = format!("{name}.safetensors");
        let fill = |file: &mut dyn Write| part_file::write(arrays(), file);
        let (bytes, sha256) = write_new_with(&folder.join(&name), fill)?;
        files.push(FileFacts { name, kind: kind.to_owned(), bytes, sha256 });
        observe(Step::FileWritten)
    };
    write_part(Catalogue::KIND, Catalogue::KIND, &|| snapshot.catalogue.to_arrays())?;
    write_part(Histories::KIND, Histories::KIND, &|| snapshot.histories.to_arrays())?;
    write_part(MergeWeights::KIND, MergeWeights::KIND, &|| snapshot.merge_weights.to_arrays())?;
    for (name, model) in &snapshot.models {
        let kept = [Catalogue::KIND, Histories::KIND, MergeWeights::KIND];
        if kept.contains(&name.as_str()) {
            return Err(WriteError::ModelName { name: name.to_string() });
        }
        write_part(name.as_str(), model.kind(), &|| model.to_arrays())?;
    }
    let recipe = snapshot.recipe.as_bytes();
    write_new(&folder.join(RECIPE), recipe)?;
    let (name, kind) = (RECIPE.to_owned(), RECIPE_KIND.to_owned());
    files.push(FileFacts { name, kind, bytes: recipe.len() as u64, sha256: sha256(recipe) });
    observe(Step::FileWritten)?;
    Ok(files)
}
