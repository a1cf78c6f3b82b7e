//! `i2i_vector` (u2i2i): items near those that the user liked, found through the vector index, from
//! several of his interests at once; reads [`gannet_models::Factors`] or imported
//! [`gannet_models::Vectors`].
//!
//! One vector cannot stand for a person who likes both football and cooking: what lies between the
//! two is neither (PinnerSage, Pal et al., KDD 2020). So `queries_max` of the newest `triggers_max`
//! liked items are queries of their own. They are chosen apart from each other, greedily: each next
//! one has the largest `weight * (1 - cosine to the nearest chosen)`, the newest first.
//!
//! Score of an item: its highest similarity to a query, which is then its trigger. Similarity is
//! the cosine, but for imported vectors whose metric says inner product.
//!
//! A dislike pushes away its neighbours: from each query, `negative_weight` times its part along
//! the nearest of the newest dislikes is taken off (where it points that way at all). So an
//! interest that was disliked counts less, and least near what was disliked.
//!
//! Only rows that have a vector are found, and at least min(fetch_k, those eligible).
//! Cost: `queries_max` searches.

use std::sync::Arc;

use gannet_core::{ChannelName, ItemIndex, RefusalCounts};
use gannet_models::Snapshot;
use gannet_vectors::{TopK, VectorSearch};
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::vector_model::{KnownRows, VectorModel, scale_to_length_1};
use super::{selection, spec};
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, Trigger};

/// Dislikes that each query is held against.
const DISLIKES_MAX: usize = 8;

/// A gain below this is rounding: the trigger points where a chosen one does.
const SAME: f32 = 1e-5;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct I2iVectorParameters {
    /// How many of the most recent liked items the queries are chosen from.
    triggers_max: usize,
    /// How many of them are queries, 1 to 64.
    queries_max: usize,
    /// Days after which an event counts half; absent: never.
    half_life_days: Option<f32>,
    /// What a dislike counts; 0: nothing.
    negative_weight: f32,
}

impl Default for I2iVectorParameters {
    fn default() -> Self {
        Self { triggers_max: 50, queries_max: 8, half_life_days: None, negative_weight: 0.5 }
    }
}

struct I2iVector {
    name: ChannelName,
    model: VectorModel,
    /// Whether queries are scaled to length 1: not where imported vectors ask for inner products.
    by_angle: bool,
    search: Arc<dyn VectorSearch>,
    parameters: I2iVectorParameters,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let parameters: I2iVectorParameters = spec::parameters(spec)?;
    let I2iVectorParameters { triggers_max, queries_max, negative_weight, .. } = parameters;
    spec::require(
        spec,
        (1..=4096).contains(&triggers_max),
        "triggers_max",
        triggers_max,
        "1 to 4096",
    )?;
    spec::require(spec, (1..=64).contains(&queries_max), "queries_max", queries_max, "1 to 64")?;
    spec::require_half_life(spec, parameters.half_life_days)?;
    spec::require_not_negative(spec, "negative_weight", negative_weight)?;
    let (_, model) = VectorModel::of(spec, snapshot, "ials")?;
    let by_angle = matches!(model, VectorModel::Factors(_)) || model.is_cosine();
    let search = if by_angle { model.search_by_angle() } else { model.search() };
    Ok(Arc::new(I2iVector { name: spec.name.clone(), model, by_angle, search, parameters }))
}

/// A liked or disliked item and its vector as it is held against others.
struct Query {
    item: ItemIndex,
    weight: f32,
    vector: Vec<f32>,
}

impl Channel for I2iVector {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let I2iVectorParameters { triggers_max, half_life_days, negative_weight, .. } =
            self.parameters;
        let liked = self.queries(&ask.profile.triggers(triggers_max, half_life_days));
        if liked.is_empty() || fetch_k == 0 {
            return Ok(ChannelList::default());
        }
        let mut chosen = apart(liked, self.parameters.queries_max);
        if negative_weight > 0.0 {
            let disliked = self.queries(&ask.profile.dislikes(DISLIKES_MAX, half_life_days));
            chosen.iter_mut().for_each(|query| query.turn_away(&disliked, negative_weight));
            chosen.retain(|query| query.vector.iter().any(|value| *value != 0.0));
        }
        let mask = KnownRows { eligible: &ask.eligible, known: self.model.known() };
        let stop = || ask.deadline.is_past();
        // The best similarity of each item, with the ordinal of the query that it is to.
        let mut nearest: FxHashMap<u32, (f32, usize)> = FxHashMap::default();
        let mut partial = false;
        for (ordinal, query) in chosen.iter().enumerate() {
            let outcome = self
                .search
                .search(&query.vector, fetch_k, &mask, &stop)
                .map_err(|error| ChannelError::Model(error.to_string()))?;
            for found in outcome.neighbours.iter().filter(|found| found.score.is_finite()) {
                let known = nearest.entry(found.row).or_insert((found.score, ordinal));
                if found.score > known.0 {
                    *known = (found.score, ordinal);
                }
            }
            partial = !outcome.complete;
            if partial {
                break;
            }
        }
        let mut top = TopK::new(fetch_k);
        nearest.iter().for_each(|(row, (similarity, _))| top.offer(*row, *similarity));
        let best = (top.into_sorted(), RefusalCounts::default());
        Ok(selection::list(best, partial, |item| Some(chosen[nearest[&item.0].1].item)))
    }
}

impl I2iVector {
    /// Those of the triggers that have a vector, the newest first.
    fn queries(&self, triggers: &[Trigger]) -> Vec<Query> {
        let query = |trigger: &Trigger| {
            let mut vector = self.model.item(trigger.item)?.to_vec();
            if self.by_angle {
                scale_to_length_1(&mut vector);
            }
            Some(Query { item: trigger.item, weight: trigger.weight, vector })
        };
        triggers.iter().filter_map(query).collect()
    }
}

impl Query {
    /// Takes `weight` times the part along the nearest of some others off the vector.
    fn turn_away(&mut self, others: &[Query], weight: f32) {
        let cosine = |other: &Query| {
            let lengths = dot(&self.vector, &self.vector) * dot(&other.vector, &other.vector);
            dot(&self.vector, &other.vector) / lengths.sqrt()
        };
        let nearest = others.iter().map(|other| (cosine(other), other));
        let nearest = nearest.filter(|(cosine, _)| *cosine > 0.0);
        if let Some((_, other)) = nearest.max_by(|a, b| a.0.total_cmp(&b.0)) {
            let part = dot(&self.vector, &other.vector) / dot(&other.vector, &other.vector);
            let step = weight * part;
            self.vector.iter_mut().zip(&other.vector).for_each(|(own, away)| *own -= step * away);
        }
    }
}

/// At most `count` queries, far from each other: see the module.
fn apart(mut queries: Vec<Query>, count: usize) -> Vec<Query> {
    let mut gains: Vec<f32> = queries.iter().map(|query| query.weight).collect();
    let mut distances = vec![1.0f32; queries.len()];
    let mut order: Vec<usize> = Vec::with_capacity(count);
    while order.len() < count.min(queries.len()) {
        let mut next = 0;
        for (at, gain) in gains.iter().enumerate() {
            if *gain > gains[next] {
                next = at;
            }
        }
        if gains[next] <= 0.0 {
            break;
        }
        order.push(next);
        let chosen = &queries[next].vector;
        let length = dot(chosen, chosen).sqrt();
        for (at, query) in queries.iter().enumerate() {
            let cosine =
                dot(chosen, &query.vector) / (length * dot(&query.vector, &query.vector).sqrt());
            distances[at] = distances[at].min(1.0 - cosine);
            gains[at] = if distances[at] > SAME { query.weight * distances[at] } else { 0.0 };
        }
        gains[next] = 0.0;
    }
    let mut place = vec![usize::MAX; queries.len()];
    order.iter().enumerate().for_each(|(at, query)| place[*query] = at);
    let mut chosen: Vec<(usize, Query)> = place.into_iter().zip(queries.drain(..)).collect();
    chosen.retain(|(place, _)| *place != usize::MAX);
    chosen.sort_by_key(|(place, _)| *place);
    chosen.into_iter().map(|(_, query)| query).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_chosen_apart_and_the_same_direction_only_once() {
        let query = |item, weight, vector: [f32; 2]| Query {
            item: ItemIndex(item),
            weight,
            vector: vector.to_vec(),
        };
        let all = || {
            vec![
                query(0, 1.0, [1.0, 0.0]),
                query(1, 1.0, [2.0, 0.0]),
                query(2, 1.0, [0.9, 0.1]),
                query(3, 1.0, [0.0, 1.0]),
                query(4, 0.1, [-1.0, 0.0]),
            ]
        };
        let items = |count| apart(all(), count).iter().map(|one| one.item.0).collect::<Vec<_>>();
        assert_eq!(items(1), [0]);
        assert_eq!(items(2), [0, 3]);
        assert_eq!(items(3), [0, 3, 4]);
        assert_eq!(items(9), [0, 3, 4, 2]);
    }
}
