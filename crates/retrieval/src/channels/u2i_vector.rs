//! `u2i_vector` (u2i): items whose vectors have the highest inner product with the user's vector,
//! found through the vector index; reads [`gannet_models::Factors`] or imported
//! [`gannet_models::Vectors`].
//!
//! The user's vector is the first of these that there is: the request's own query vector for this
//! model; the trained or imported one; one made from his newest liked items. Trained factors that
//! can fold in do that where events are newer than training (for iALS the exact minimiser given
//! the item vectors: Hu, Koren and Volinsky 2008, equation 4). Otherwise the vectors of liked items
//! are pooled: that is how vectors of items alone come to serve users. `pooling` says how; absent,
//! imported vectors are pooled by `decayed_mean` and trained ones not at all, since user and item
//! vectors of factors mean something only against each other.
//!
//! Dislikes: `negative_weight` times the user's vector's length is taken off it in the direction of
//! the mean of the disliked items. Not of a query vector: its maker knows what it means.
//!
//! Only rows that have a vector are found. Dropped items are not counted: the mask works inside
//! the search, which never looks at them. Who has no vector, or one of zeros, gets an empty list.
//! Cost: the search (exact: one inner product an eligible item); folding in adds
//! `events * dim² + dim³ / 3` multiply-adds, pooling `events * dim`.

use std::sync::Arc;

use gannet_core::{ChannelName, ItemIndex, ModelName, RefusalCounts};
use gannet_models::{Factors, Snapshot};
use gannet_vectors::VectorSearch;
use serde::Deserialize;

use super::vector_model::{KnownRows, VectorModel, scale_to_length_1};
use super::{selection, spec};
use crate::{
    Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, Trigger, UserProfile,
};

/// How the vectors of liked items become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pooling {
    /// Not at all.
    None,
    /// Weighted by strength (and by age, with `half_life_days`).
    Mean,
    /// The same, halved every `half_life_places` places in the history.
    DecayedMean,
    /// The mean of the newest `last_count`.
    Last,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct U2iVectorParameters {
    /// How many of the most recent liked items are folded in.
    fold_in_max: usize,
    /// How a vector is made of liked items where folding in is not possible.
    pooling: Option<Pooling>,
    /// How many of the most recent liked items are pooled, and of the disliked ones counted.
    pooled_max: usize,
    /// Of `decayed_mean`.
    half_life_places: f32,
    /// Of `last`.
    last_count: usize,
    /// Days after which a pooled item counts half; absent: never.
    half_life_days: Option<f32>,
    /// What dislikes count; absent: 0 for trained factors, which were fitted to them, else 0.25.
    negative_weight: Option<f32>,
}

impl Default for U2iVectorParameters {
    fn default() -> Self {
        Self {
            fold_in_max: 1000,
            pooling: None,
            pooled_max: 50,
            half_life_places: 10.0,
            last_count: 5,
            half_life_days: None,
            negative_weight: None,
        }
    }
}

struct U2iVector {
    name: ChannelName,
    model_name: ModelName,
    model: VectorModel,
    search: Arc<dyn VectorSearch>,
    pooling: Pooling,
    negative_weight: f32,
    parameters: U2iVectorParameters,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let parameters: U2iVectorParameters = spec::parameters(spec)?;
    let U2iVectorParameters { fold_in_max, pooled_max, half_life_places, last_count, .. } =
        parameters;
    for (name, count) in
        [("fold_in_max", fold_in_max), ("pooled_max", pooled_max), ("last_count", last_count)]
    {
        spec::require(spec, count > 0, name, count, "1 or more")?;
    }
    let holds = half_life_places > 0.0 && half_life_places.is_finite();
    spec::require(spec, holds, "half_life_places", half_life_places, "above 0")?;
    spec::require_half_life(spec, parameters.half_life_days)?;
    let (model_name, model) = VectorModel::of(spec, snapshot, "ials")?;
    let (pooling, negative_weight) = match model {
        VectorModel::Factors(_) => (Pooling::None, 0.0),
        VectorModel::Vectors(_) => (Pooling::DecayedMean, 0.25),
    };
    let negative_weight = parameters.negative_weight.unwrap_or(negative_weight);
    spec::require_not_negative(spec, "negative_weight", negative_weight)?;
    Ok(Arc::new(U2iVector {
        name: spec.name.clone(),
        model_name,
        search: model.search(),
        model,
        pooling: parameters.pooling.unwrap_or(pooling),
        negative_weight,
        parameters,
    }))
}

impl Channel for U2iVector {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        if fetch_k == 0 {
            return Ok(ChannelList::default());
        }
        let Some(query) = self.query(&ask.profile)? else { return Ok(ChannelList::default()) };
        let stop = || ask.deadline.is_past();
        let mask = KnownRows { eligible: &ask.eligible, known: self.model.known() };
        let outcome = self
            .search
            .search(&query, fetch_k, &mask, &stop)
            .map_err(|error| ChannelError::QueryVector(error.to_string()))?;
        if outcome.neighbours.iter().any(|neighbour| !neighbour.score.is_finite()) {
            return Err(ChannelError::QueryVector("its inner products overflow".to_owned()));
        }
        let best = (outcome.neighbours, RefusalCounts::default());
        Ok(selection::list(best, !outcome.complete, |_| None))
    }
}

impl U2iVector {
    fn query(&self, profile: &UserProfile) -> Result<Option<Vec<f32>>, ChannelError> {
        let given = profile.vectors.iter().find(|vector| vector.model == self.model_name);
        let mut query = match given {
            Some(given) => Some(self.model.given(&self.model_name, given)?),
            None => match &self.model {
                VectorModel::Factors(factors) => self.of_factors(factors, profile)?,
                VectorModel::Vectors(vectors) => vectors
                    .users
                    .as_ref()
                    .zip(profile.index)
                    .filter(|(users, user)| users.known.contains(user.0))
                    .map(|(users, user)| users.rows.row(user.at()).to_vec()),
            }
            .or_else(|| self.pooled(profile))
            .map(|vector| self.away_from_dislikes(vector, profile)),
        };
        if let Some(query) = query.as_mut().filter(|_| self.model.is_cosine()) {
            scale_to_length_1(query);
        }
        Ok(query.filter(|vector| vector.iter().any(|value| *value != 0.0)))
    }

    fn of_factors(
        &self,
        factors: &Factors,
        profile: &UserProfile,
    ) -> Result<Option<Vec<f32>>, ChannelError> {
        let user = profile.index.filter(|user| user.at() < factors.users.height());
        let trained = user.map(|user| factors.users.row(user.at()).to_vec());
        let as_trained = profile.fresh_count == 0 || factors.fold_in.is_none();
        match trained {
            Some(trained) if as_trained => Ok(Some(trained)),
            _ if factors.fold_in.is_none() => Ok(None),
            _ => self.folded_in(factors, profile),
        }
    }

    fn folded_in(
        &self,
        factors: &Factors,
        profile: &UserProfile,
    ) -> Result<Option<Vec<f32>>, ChannelError> {
        let triggers = profile.triggers(self.parameters.fold_in_max, None);
        if triggers.is_empty() {
            return Ok(None);
        }
        let liked: Vec<(ItemIndex, f32)> =
            triggers.iter().map(|trigger| (trigger.item, trigger.weight)).collect();
        let vector = factors.fold_in(&liked);
        vector.map(Some).map_err(|error| ChannelError::Model(error.to_string()))
    }

    fn pooled(&self, profile: &UserProfile) -> Option<Vec<f32>> {
        let U2iVectorParameters {
            pooled_max, last_count, half_life_places, half_life_days, ..
        } = self.parameters;
        let count = match self.pooling {
            Pooling::None => return None,
            Pooling::Last => last_count.min(pooled_max),
            Pooling::Mean | Pooling::DecayedMean => pooled_max,
        };
        let mut liked = profile.triggers(count, half_life_days);
        if self.pooling == Pooling::DecayedMean {
            for (place, trigger) in liked.iter_mut().enumerate() {
                trigger.weight *= 0.5f32.powf(place as f32 / half_life_places);
            }
        }
        self.mean(&liked)
    }

    /// The weighted mean of items' vectors; `None` where no item has one.
    fn mean(&self, triggers: &[Trigger]) -> Option<Vec<f32>> {
        let mut mean = vec![0.0f32; self.model.items().dim()];
        let mut total = 0.0;
        for trigger in triggers {
            if let Some(vector) = self.model.item(trigger.item) {
                mean.iter_mut().zip(vector).for_each(|(sum, value)| *sum += trigger.weight * value);
                total += trigger.weight;
            }
        }
        if total > 0.0 {
            mean.iter_mut().for_each(|sum| *sum /= total);
        }
        (total > 0.0).then_some(mean)
    }

    fn away_from_dislikes(&self, mut vector: Vec<f32>, profile: &UserProfile) -> Vec<f32> {
        if self.negative_weight == 0.0 {
            return vector;
        }
        let U2iVectorParameters { pooled_max, half_life_days, .. } = self.parameters;
        let disliked = profile.dislikes(pooled_max, half_life_days);
        if let Some(mut direction) = self.mean(&disliked) {
            scale_to_length_1(&mut direction);
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            let step = self.negative_weight * length;
            vector.iter_mut().zip(&direction).for_each(|(value, away)| *value -= step * away);
        }
        vector
    }
}
