//! One type for every kind of model: what training returns, a judge scores and a channel opens.

use std::sync::Arc;

use crate::arrays::{Arrays, ArraysError, Part};
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
            Model::Popularity(_) => Popularity::KIND,
            Model::Recency(_) => Recency::KIND,
            Model::TagIndex(_) => TagIndex::KIND,
            Model::ItemNeighbours(_) => ItemNeighbours::KIND,
            Model::Factors(_) => Factors::KIND,
            Model::UserItems(_) => UserItems::KIND,
        }
    }

    /// The arrays of the model.
    pub fn to_arrays(&self) -> Arrays {
        match self {
            Model::Popularity(model) => model.to_arrays(),
            Model::Recency(model) => model.to_arrays(),
            Model::TagIndex(model) => model.to_arrays(),
            Model::ItemNeighbours(model) => model.to_arrays(),
            Model::Factors(model) => model.to_arrays(),
            Model::UserItems(model) => model.to_arrays(),
        }
    }

    /// The model of a kind (see [`Model::kind`]) from its arrays, checked.
    pub fn from_arrays(kind: &str, arrays: Arrays) -> Result<Self, ArraysError> {
        Ok(match kind {
            Popularity::KIND => Model::Popularity(Arc::new(Part::from_arrays(arrays)?)),
            Recency::KIND => Model::Recency(Arc::new(Part::from_arrays(arrays)?)),
            TagIndex::KIND => Model::TagIndex(Arc::new(Part::from_arrays(arrays)?)),
            ItemNeighbours::KIND => Model::ItemNeighbours(Arc::new(Part::from_arrays(arrays)?)),
            Factors::KIND => Model::Factors(Arc::new(Part::from_arrays(arrays)?)),
            UserItems::KIND => Model::UserItems(Arc::new(Part::from_arrays(arrays)?)),
            _ => return Err(ArraysError::Kind(kind.to_owned())),
        })
    }
}
