//! What a snapshot weighs: by its files, and by what the process grew to.

use gannet_storage::Manifest;
use serde::Serialize;

use crate::memory;

/// Parts of a snapshot that grow with users; every other grows with items.
const OF_USERS: [&str; 2] = ["histories", "user_items"];

/// One file of the snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct PartBytes {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) bytes: u64,
}

/// Bytes counted and bytes resident.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Footprint {
    pub(super) items: usize,
    pub(super) users: usize,
    pub(super) parts: Vec<PartBytes>,
    /// Of the parts that grow with items (a factor model counts here: one file holds both sides).
    pub(super) bytes_an_item: f64,
    /// Of histories and users' item lists.
    pub(super) bytes_a_user: f64,
    /// Growth of resident memory: snapshot, engine (channels, masks), each asking user's record.
    pub(super) resident_snapshot_bytes: u64,
    pub(super) resident_engine_bytes: u64,
    pub(super) resident_record_bytes: f64,
    /// After the last request, and its growth while requests were run.
    pub(super) resident_bytes: u64,
    pub(super) resident_growth_bytes: i64,
    pub(super) peak_bytes: u64,
}

/// Resident memory at the steps of a benchmark.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Steps {
    pub(super) start: u64,
    pub(super) snapshot: u64,
    pub(super) engine: u64,
    pub(super) users: u64,
}

pub(super) fn now() -> u64 {
    memory::resident_bytes().unwrap_or(0)
}

impl Footprint {
    pub(super) fn of(manifest: &Manifest, items: usize, users: usize) -> Self {
        let part = |file: &gannet_storage::FileFacts| PartBytes {
            name: file.name.clone(),
            kind: file.kind.clone(),
            bytes: file.bytes,
        };
        let of_users = |file: &&gannet_storage::FileFacts| OF_USERS.contains(&file.kind.as_str());
        let (with_users, with_items): (Vec<_>, Vec<_>) = manifest.files.iter().partition(of_users);
        let sum = |files: &[&gannet_storage::FileFacts]| {
            files.iter().fold(0u64, |sum, file| sum.saturating_add(file.bytes)) as f64
        };
        Self {
            items,
            users,
            parts: manifest.files.iter().map(part).collect(),
            bytes_an_item: sum(&with_items) / items.max(1) as f64,
            bytes_a_user: sum(&with_users) / users.max(1) as f64,
            ..Self::default()
        }
    }

    pub(super) fn measured(self, steps: Steps, asking: usize) -> Self {
        let resident = now();
        Self {
            resident_snapshot_bytes: steps.snapshot.saturating_sub(steps.start),
            resident_engine_bytes: steps.engine.saturating_sub(steps.users),
            resident_record_bytes: steps.users.saturating_sub(steps.snapshot) as f64
                / asking.max(1) as f64,
            resident_bytes: resident,
            resident_growth_bytes: resident as i64 - steps.engine as i64,
            peak_bytes: memory::peak_bytes().unwrap_or(0),
            ..self
        }
    }
}
