//! The item vectors that a channel searches, trained here or brought along: one face for both.

use std::sync::Arc;

use gannet_core::{Bitmap, ItemIndex, ModelName};
use gannet_models::{Factors, Metric, Model, Snapshot, Vectors};
use gannet_vectors::{ExactSearch, Matrix, RowMask, SearchError, VectorSearch};

use super::spec;
use crate::{ChannelError, ChannelSpec, ChannelSpecError, Eligibility, QueryVector};

/// A model with a vector an item.
pub(super) enum VectorModel {
    /// Trained here, users and items against one another.
    Factors(Arc<Factors>),
    /// Imported.
    Vectors(Arc<Vectors>),
}

impl VectorModel {
    /// The model that the spec names, or the one of the kind's default name, with its name.
    pub(super) fn of(
        spec: &ChannelSpec,
        snapshot: &Snapshot,
        default: &str,
    ) -> Result<(ModelName, Self), ChannelSpecError> {
        let name = spec.model.as_ref().map_or(default, ModelName::as_str);
        let (name, model) = spec::find_model(spec, snapshot, name)?;
        let model = match model {
            Model::Factors(factors) => Self::Factors(factors.clone()),
            Model::Vectors(vectors) => Self::Vectors(vectors.clone()),
            other => {
                return Err(ChannelSpecError::ModelKind {
                    channel: spec.name.clone(),
                    model: name.clone(),
                    got: other.kind(),
                    expected: "factors or vectors",
                });
            }
        };
        Ok((name.clone(), model))
    }

    pub(super) fn version(&self) -> &str {
        match self {
            Self::Factors(factors) => &factors.version,
            Self::Vectors(vectors) => &vectors.version,
        }
    }

    pub(super) fn items(&self) -> &Arc<Matrix> {
        match self {
            Self::Factors(factors) => &factors.items,
            Self::Vectors(vectors) => &vectors.items,
        }
    }

    /// The rows that may be found; `None`: all.
    pub(super) fn known(&self) -> Option<&Bitmap> {
        match self {
            Self::Factors(_) => None,
            Self::Vectors(vectors) => Some(&vectors.known_items),
        }
    }

    /// Whether queries have to be of length 1.
    pub(super) fn is_cosine(&self) -> bool {
        matches!(self, Self::Vectors(vectors) if vectors.metric == Metric::Cosine)
    }

    /// The search by the model's own measure.
    pub(super) fn search(&self) -> Arc<dyn VectorSearch> {
        match self {
            Self::Factors(factors) => factors.search(),
            Self::Vectors(vectors) => vectors.search(),
        }
    }

    /// The search by angle alone. Item vectors that were trained for inner products have lengths
    /// that speak of popularity: as queries for one another they would find what is popular. Where
    /// they are not of length 1 already, this keeps a second, scaled copy of them.
    pub(super) fn search_by_angle(&self) -> Arc<dyn VectorSearch> {
        if self.is_cosine() {
            return self.search();
        }
        let mut scaled = (**self.items()).clone();
        for row in 0..scaled.height() {
            scale_to_length_1(scaled.row_mut(row));
        }
        Arc::new(ExactSearch::new(Arc::new(scaled)))
    }

    /// An item's vector, where it has one that points somewhere.
    pub(super) fn item(&self, item: ItemIndex) -> Option<&[f32]> {
        if self.known().is_some_and(|known| !known.contains(item.0)) {
            return None;
        }
        Some(self.items().row(item.at())).filter(|row| row.iter().any(|value| *value != 0.0))
    }

    /// The caller's own vector for this model, checked.
    pub(super) fn given(
        &self,
        name: &ModelName,
        given: &QueryVector,
    ) -> Result<Vec<f32>, ChannelError> {
        let (got, expected) = (given.version.as_str(), self.version());
        if got != expected {
            let why = format!("made for version {got:?} of {name}, this is {expected:?}");
            return Err(ChannelError::QueryVector(why));
        }
        SearchError::check_query(&given.values, self.items().dim())
            .map_err(|error| ChannelError::QueryVector(error.to_string()))?;
        Ok(given.values.clone())
    }
}

/// Makes a vector's length 1; one of zeros stays.
pub(super) fn scale_to_length_1(vector: &mut [f32]) {
    let squares = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
    if squares > 0.0 {
        let scale = 1.0 / squares.sqrt();
        vector.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
    }
}

/// What may be shown and has a vector.
pub(super) struct KnownRows<'a> {
    pub(super) eligible: &'a Eligibility,
    pub(super) known: Option<&'a Bitmap>,
}

impl RowMask for KnownRows<'_> {
    #[inline]
    fn word(&self, at: usize) -> u64 {
        match self.known.map_or(u64::MAX, |known| known.word(at)) {
            0 => 0,
            known => known & self.eligible.word(at),
        }
    }

    #[inline]
    fn contains(&self, row: u32) -> bool {
        self.known.is_none_or(|known| known.contains(row)) && RowMask::contains(self.eligible, row)
    }

    fn selectivity(&self) -> f32 {
        self.eligible.estimate()
    }
}
