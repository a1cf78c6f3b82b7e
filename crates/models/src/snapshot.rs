//! One generation of everything that a request reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_core::{Catalogue, EventKinds, ItemIndex, ModelName, Timestamp};

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

/// Why parts that are each right do not make one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// A part was made for another number of items, users or keys.
    #[error("{part} has {got} {of}, the snapshot {expected}")]
    Count {
        /// The part.
        part: String,
        /// `items`, `users` or `keys`.
        of: &'static str,
        /// How many the part has.
        got: usize,
        /// How many the snapshot has.
        expected: usize,
    },
    /// A part names something that the snapshot does not have.
    #[error("{part} names {of} {index} of {count}")]
    Unknown {
        /// The part.
        part: String,
        /// `item`, `event kind` or `scene`.
        of: &'static str,
        /// What it names.
        index: usize,
        /// How many there are.
        count: usize,
    },
}

impl Snapshot {
    /// Checks that all parts speak of the same items, users, tags and kinds: a request may then
    /// index any of them with any index. Called by whoever puts parts from disk together.
    pub fn check(&self) -> Result<(), SnapshotError> {
        let (items, kinds) = (self.catalogue.len(), self.kinds.all().len());
        for event in self.histories.all_events() {
            require_known("histories", "item", event.item.at(), items)?;
            require_known("histories", "event kind", usize::from(event.kind.0), kinds)?;
            if let Some(scene) = event.scene {
                let scenes = self.histories.scenes().len();
                require_known("histories", "scene", usize::from(scene.0), scenes)?;
            }
        }
        self.models.iter().try_for_each(|(name, model)| self.check_model(name.as_str(), model))
    }

    fn check_model(&self, name: &str, model: &Model) -> Result<(), SnapshotError> {
        let (items, users) = (self.catalogue.len(), self.histories.len());
        let count = |of, got, expected| match got == expected {
            true => Ok(()),
            false => Err(SnapshotError::Count { part: name.to_owned(), of, got, expected }),
        };
        match model {
            Model::Popularity(model) => count("items", model.scores().len(), items),
            Model::Recency(model) => {
                let newest = model.order().iter().map(|(item, _)| *item).max();
                require_known(name, "item", newest.unwrap_or(ItemIndex(0)).at(), items.max(1))
            }
            Model::KeyIndex(model) => {
                count("items", model.postings.width() as usize, items)?;
                let field = self.catalogue.key_field(&model.field);
                let keys = field.map_or(0, |field| self.catalogue.key_count(field));
                count("keys", model.postings.height(), keys)
            }
            Model::ItemNeighbours(model) => count("items", model.lists.height(), items),
            Model::Factors(model) => {
                count("items", model.items.height(), items)?;
                count("users", model.users.height(), users)
            }
            Model::UserItems(model) => {
                count("items", model.items_of_users.width() as usize, items)?;
                count("users", model.items_of_users.height(), users)
            }
            Model::Trending(model) => {
                let last = model.order().iter().map(|(item, _)| *item).max();
                require_known(name, "item", last.unwrap_or(ItemIndex(0)).at(), items.max(1))
            }
            Model::Vectors(model) => {
                count("items", model.items.height(), items)?;
                let given = model.users.as_ref().map_or(users, |given| given.rows.height());
                count("users", given, users)
            }
        }
    }
}

fn require_known(
    part: &str,
    of: &'static str,
    index: usize,
    count: usize,
) -> Result<(), SnapshotError> {
    if index < count {
        return Ok(());
    }
    Err(SnapshotError::Unknown { part: part.to_owned(), of, index, count })
}
