//! `u2i_vector` (u2i): items whose vectors have the highest inner product with the user's vector,
//! found through the vector index; reads [`Factors`].
//!
//! The user's vector is the first of these that there is: the request's own query vector for this
//! model; the trained one, where no event is newer than training; the one folded in from his
//! newest liked items (for iALS the exact minimiser given the item vectors: Hu, Koren and Volinsky
//! 2008, equation 4). Who has none of them, or only a vector of zeros, gets an empty list.
//! Vectors that cannot fold in (brought from outside, say) serve trained users alone.
//!
//! Dropped items are not counted: the mask works inside the search, which never looks at them.
//! Cost: the search (exact: one inner product an eligible item); folding in adds
//! `events * dim² + dim³ / 3` multiply-adds.

use std::sync::Arc;

use gannet_core::{ChannelName, ItemIndex, ModelName, RefusalCounts};
use gannet_models::{Factors, Snapshot};
use gannet_vectors::VectorSearch;
use serde::Deserialize;

use super::{selection, spec};
use crate::{
    Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, QueryVector,
    UserProfile,
};

const MODEL_DEFAULT: &str = "ials";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct U2iVectorParameters {
    /// How many of the most recent liked items are folded in.
    fold_in_max: usize,
}

impl Default for U2iVectorParameters {
    fn default() -> Self {
        Self { fold_in_max: 1000 }
    }
}

struct U2iVector {
    name: ChannelName,
    model: ModelName,
    factors: Arc<Factors>,
    search: Arc<dyn VectorSearch>,
    parameters: U2iVectorParameters,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let parameters: U2iVectorParameters = spec::parameters(spec)?;
    let fold_in_max = parameters.fold_in_max;
    spec::require(spec, fold_in_max > 0, "fold_in_max", fold_in_max, "1 or more")?;
    let factors: Arc<Factors> = spec::model(spec, snapshot, MODEL_DEFAULT)?;
    let named = spec.model.clone();
    let model = named.unwrap_or_else(|| ModelName::new(MODEL_DEFAULT).expect("a proper name"));
    let search = factors.search();
    Ok(Arc::new(U2iVector { name: spec.name.clone(), model, factors, search, parameters }))
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
        let outcome = self
            .search
            .search(&query, fetch_k, &*ask.eligible, &stop)
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
        if let Some(given) = profile.vectors.iter().find(|vector| vector.model == self.model) {
            return self.given(given).map(Some);
        }
        let user = profile.index.filter(|user| user.at() < self.factors.users.height());
        let trained = user.map(|user| self.factors.users.row(user.at()).to_vec());
        let as_trained = profile.fresh_count == 0 || self.factors.fold_in.is_none();
        let vector = match trained {
            Some(trained) if as_trained => Some(trained),
            _ if self.factors.fold_in.is_none() => None,
            _ => self.folded_in(profile)?,
        };
        Ok(vector.filter(|vector| vector.iter().any(|value| *value != 0.0)))
    }

    fn given(&self, given: &QueryVector) -> Result<Vec<f32>, ChannelError> {
        if given.version != self.factors.version {
            let (got, expected) = (&given.version, &self.factors.version);
            let why = format!("made for version {got:?} of {}, this is {expected:?}", self.model);
            return Err(ChannelError::QueryVector(why));
        }
        Ok(given.values.clone())
    }

    fn folded_in(&self, profile: &UserProfile) -> Result<Option<Vec<f32>>, ChannelError> {
        let triggers = profile.triggers(self.parameters.fold_in_max, None);
        if triggers.is_empty() {
            return Ok(None);
        }
        let liked: Vec<(ItemIndex, f32)> =
            triggers.iter().map(|trigger| (trigger.item, trigger.weight)).collect();
        let vector = self.factors.fold_in(&liked);
        vector.map(Some).map_err(|error| ChannelError::Model(error.to_string()))
    }
}
