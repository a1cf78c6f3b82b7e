//! One generation of everything that a request reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_core::{Catalogue, EventKinds, ModelName, Timestamp};

use crate::{Histories, MergeWeights, Model};

/// A catalogue generation with the models trained on it. Swapped as a whole.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Names this snapshot in answers, metrics and folders.
    pub version: String,
    /// When it was made.
    pub created: Timestamp,
    /// The kinds of events that histories and requests carry.
    pub kinds: EventKinds,
    /// The items.
    pub catalogue: Arc<Catalogue>,
    /// The users and what they did.
    pub histories: Arc<Histories>,
    /// The models by name.
    pub models: BTreeMap<ModelName, Model>,
    /// What the merge learnt.
    pub merge_weights: MergeWeights,
    /// How it was made, for people: data set, split, parameters, as TOML text.
    pub recipe: String,
}
