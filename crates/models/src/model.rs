//! One type for every kind of model: what training returns, a judge scores and a channel opens.

use std::sync::Arc;

use crate::arrays::{Arrays, ArraysError, Part};
use crate::{Factors, ItemNeighbours, KeyIndex, Popularity, Recency, Trending, UserItems, Vectors};

/// A model of any kind.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Model {
    Popularity(Arc<Popularity>),
    Recency(Arc<Recency>),
    KeyIndex(Arc<KeyIndex>),
    ItemNeighbours(Arc<ItemNeighbours>),
    Factors(Arc<Factors>),
    UserItems(Arc<UserItems>),
    Trending(Arc<Trending>),
    Vectors(Arc<Vectors>),
}

impl Model {
    /// The word that names the kind in manifests and errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Model::Popularity(_) => Popularity::KIND,
            Model::Recency(_) => Recency::KIND,
            Model::KeyIndex(_) => KeyIndex::KIND,
            Model::ItemNeighbours(_) => ItemNeighbours::KIND,
            Model::Factors(_) => Factors::KIND,
            Model::UserItems(_) => UserItems::KIND,
            Model::Trending(_) => Trending::KIND,
            Model::Vectors(_) => Vectors::KIND,
        }
    }

    /// The arrays of the model.
    pub fn to_arrays(&self) -> Arrays {
        match self {
            Model::Popularity(model) => model.to_arrays(),
            Model::Recency(model) => model.to_arrays(),
            Model::KeyIndex(model) => model.to_arrays(),
            Model::ItemNeighbours(model) => model.to_arrays(),
            Model::Factors(model) => model.to_arrays(),
            Model::UserItems(model) => model.to_arrays(),
            Model::Trending(model) => model.to_arrays(),
            Model::Vectors(model) => model.to_arrays(),
        }
    }

    /// The model of a kind (see [`Model::kind`]) from its arrays, checked.
    pub fn from_arrays(kind: &str, arrays: Arrays) -> Result<Self, ArraysError> {
        Ok(match kind {
            Popularity::KIND => Model::Popularity(Arc::new(Part::from_arrays(arrays)?)),
            Recency::KIND => Model::Recency(Arc::new(Part::from_arrays(arrays)?)),
            KeyIndex::KIND => Model::KeyIndex(Arc::new(Part::from_arrays(arrays)?)),
            ItemNeighbours::KIND => Model::ItemNeighbours(Arc::new(Part::from_arrays(arrays)?)),
            Factors::KIND => Model::Factors(Arc::new(Part::from_arrays(arrays)?)),
            UserItems::KIND => Model::UserItems(Arc::new(Part::from_arrays(arrays)?)),
            Trending::KIND => Model::Trending(Arc::new(Part::from_arrays(arrays)?)),
            Vectors::KIND => Model::Vectors(Arc::new(Part::from_arrays(arrays)?)),
            _ => return Err(ArraysError::Kind(kind.to_owned())),
        })
    }
}
