//! One type for every kind of model: what training returns, a judge scores and a channel opens.

use std::sync::Arc;

use crate::{Factors, ItemNeighbours, Popularity, Recency, TagIndex, UserItems};

/// A model of any kind.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Model {
    Popularity(Arc<Popularity>),
    Recency(Arc<Recency>),
    TagIndex(Arc<TagIndex>),
    ItemNeighbours(Arc<ItemNeighbours>),
    Factors(Arc<Factors>),
    UserItems(Arc<UserItems>),
}

impl Model {
    /// The word that names the kind in manifests and errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Model::Popularity(_) => "popularity",
            Model::Recency(_) => "recency",
            Model::TagIndex(_) => "tag_index",
            Model::ItemNeighbours(_) => "item_neighbours",
            Model::Factors(_) => "factors",
            Model::UserItems(_) => "user_items",
        }
    }
}
