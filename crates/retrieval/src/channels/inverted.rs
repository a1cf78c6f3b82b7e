//! `inverted` (u2tag2i, u2a2i, x2i): items that share keys of one field with the items that the
//! user liked; reads [`KeyIndex`]. The model says the field: `model = "tags"`, `"author"`, or any
//! text field that was indexed; one instance for each.
//!
//! The user's interest in a key is the sum of the unit tf-idf vectors of the items that he liked
//! (a tag's ancestors included, discounted by level), each times its strength, halved every
//! `half_life_days`; dislikes subtract `negative_weight` times theirs. An item's score is the
//! cosine of his interest and its own vector (the vector space model: Salton, Wong and Yang 1975;
//! Rocchio 1971 for likes and dislikes), all keys in one pass over the inverted lists, times
//! `((1 + popularity) / (1 + highest popularity))^popularity_weight`: where there are few keys
//! many items are equally close, and those that more people liked are the better guess.
//! There is no trigger: every liked item has its part in every score.
//!
//! Budget: `postings_max` entries, the heaviest blocks first, see `reading`. What an entry can add
//! is known beforehand but for the user's interest in the key: share times popularity's factor is
//! kept by entry, so that no request looks popularity up. Lists that stand in order of popularity
//! make a cut one cost least. Cost: one addition an entry read, and the look-up of the keys of
//! `history_max` items.

use std::sync::Arc;

use gannet_core::{Catalogue, ChannelName, ItemIndex, KeyField, ModelName};
use gannet_models::{KeyIndex, Popularity, Snapshot};
use serde::Deserialize;

use super::reading::BLOCK;
use super::scores::{List, Scores, with_scores};
use super::watch::Watch;
use super::{reading, selection, spec};
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, UserProfile};

/// Share of the liked weight below which what dislikes have left is rounding.
const CANCELLED: f32 = 1e-5;

/// Entries that a small catalogue can pay for.
const SMALL_BUDGET: usize = 1_000_000;

/// Entries that any other can: lists in order of popularity give their best first, and reading
/// four times as much gains nothing on validation data of a simulated catalogue of a million
/// (docs/measurements/2026-11-24-wide-latency.md).
const LARGE_BUDGET: usize = 5_000;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct InvertedParameters {
    /// How many of the most recent liked items, and of the disliked ones, make up the interest.
    /// Absent: 500 in a catalogue of up to 65,536 items, else 100.
    history_max: Option<usize>,
    /// Days after which an event counts half; absent: never.
    half_life_days: Option<f32>,
    /// What a dislike counts beside a like; 0: nothing.
    negative_weight: f32,
    /// Exponent of popularity, 0 to 2; 0: popularity plays no part and its model is not read.
    popularity_weight: f32,
    /// The model of popularity.
    popularity_model: ModelName,
    /// Keys of strongest interest that are looked up at most.
    keys_max: usize,
    /// Entries of inverted lists read at most; absent: 1,000,000 in a catalogue of up to 65,536
    /// items, else 5,000.
    postings_max: Option<usize>,
}

impl Default for InvertedParameters {
    fn default() -> Self {
        Self {
            history_max: None,
            half_life_days: None,
            negative_weight: 1.0,
            popularity_weight: 0.5,
            popularity_model: ModelName::new("popularity").expect("a proper name"),
            keys_max: 256,
            postings_max: None,
        }
    }
}

struct Inverted {
    name: ChannelName,
    catalogue: Arc<Catalogue>,
    /// `None` where the catalogue has no such field.
    field: Option<KeyField>,
    keys: Arc<KeyIndex>,
    impacts: Impacts,
    history_max: usize,
    budget: usize,
    parameters: InvertedParameters,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let parameters: InvertedParameters = spec::parameters(spec)?;
    let InvertedParameters { history_max, popularity_weight, keys_max, postings_max, .. } =
        parameters;
    spec::require(spec, history_max != Some(0), "history_max", 0, "1 or more")?;
    spec::require(spec, keys_max > 0, "keys_max", keys_max, "1 or more")?;
    spec::require(spec, postings_max != Some(0), "postings_max", 0, "1 or more")?;
    spec::require_half_life(spec, parameters.half_life_days)?;
    spec::require_not_negative(spec, "negative_weight", parameters.negative_weight)?;
    let holds = (0.0..=2.0).contains(&popularity_weight);
    spec::require(spec, holds, "popularity_weight", popularity_weight, "0 to 2")?;
    let factors = if popularity_weight > 0.0 {
        let model = parameters.popularity_model.as_str();
        let popularity: Arc<Popularity> = spec::named_model(spec, snapshot, model)?;
        popularity_factors(popularity.scores(), popularity_weight)
    } else {
        Vec::new()
    };
    let keys: Arc<KeyIndex> = spec::model(spec, snapshot, "tags")?;
    let catalogue = snapshot.catalogue.clone();
    Ok(Arc::new(Inverted {
        name: spec.name.clone(),
        field: catalogue.key_field(&keys.field),
        impacts: Impacts::of(&keys, &factors),
        history_max: reading::triggers(history_max, catalogue.len()),
        budget: reading::budget(postings_max, catalogue.len(), SMALL_BUDGET, LARGE_BUDGET),
        catalogue,
        keys,
        parameters,
    }))
}

fn popularity_factors(scores: &[f32], exponent: f32) -> Vec<f32> {
    let highest = scores.iter().copied().fold(0.0, f32::max);
    scores.iter().map(|score| ((1.0 + score.max(0.0)) / (1.0 + highest)).powf(exponent)).collect()
}

/// What each entry of the inverted lists adds to its item per unit of interest in its key.
struct Impacts {
    /// By entry: the key's share in the item's vector times popularity's factor.
    values: Vec<f32>,
    /// The largest value from each block of a list on, list after list.
    bounds: Vec<f32>,
    /// Where the bounds of each list begin.
    bound_starts: Vec<u32>,
}

impl Impacts {
    /// `factors` by item; empty where popularity plays no part.
    fn of(keys: &KeyIndex, factors: &[f32]) -> Self {
        let (_, items, shares) = keys.postings.parts();
        let factor = |item: &u32| factors.get(*item as usize).copied().unwrap_or(1.0);
        let values: Vec<f32> =
            items.iter().zip(shares).map(|(item, share)| share * factor(item)).collect();
        let mut impacts = Self { values, bounds: Vec::new(), bound_starts: Vec::new() };
        for key in 0..keys.postings.height() {
            impacts.bound_starts.push(impacts.bounds.len() as u32);
            let span = keys.postings.span(key);
            let first = impacts.bounds.len();
            for block in impacts.values[span].chunks(BLOCK) {
                impacts.bounds.push(block.iter().copied().fold(0.0, f32::max));
            }
            for at in (first + 1..impacts.bounds.len()).rev() {
                impacts.bounds[at - 1] = impacts.bounds[at - 1].max(impacts.bounds[at]);
            }
        }
        impacts
    }

    fn list<'a>(&'a self, keys: &'a KeyIndex, key: u32) -> List<'a> {
        let (items, _) = keys.postings.row(key as usize);
        (items, &self.values[keys.postings.span(key as usize)])
    }

    fn bound(&self, key: u32, start: usize) -> f32 {
        self.bounds[self.bound_starts[key as usize] as usize + start / BLOCK]
    }
}

impl Channel for Inverted {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        if fetch_k == 0 {
            return Ok(ChannelList::default());
        }
        let mut watch = Watch::new(&ask.deadline);
        with_scores(|scores| {
            let interest = self.interest(scores, &ask.profile);
            if interest.is_empty() {
                return Ok(ChannelList::default());
            }
            self.add_postings(scores, &interest, &mut watch);
            let best = selection::best_eligible(scores, ask, fetch_k);
            Ok(selection::list(best, watch.was_past(), |_| None))
        })
    }
}

impl Inverted {
    /// The user's interest by key, as a part of one of length 1: the `keys_max` strongest, the
    /// strongest first; empty where he has none.
    fn interest(&self, scores: &mut Scores, profile: &UserProfile) -> Vec<(u32, f32)> {
        let InvertedParameters { half_life_days, negative_weight, .. } = self.parameters;
        let history_max = self.history_max;
        let liked = profile.triggers(history_max, half_life_days);
        let Some(field) = self.field.filter(|_| !liked.is_empty()) else { return Vec::new() };
        let disliked = match negative_weight > 0.0 {
            true => profile.dislikes(history_max, half_life_days),
            false => Vec::new(),
        };
        let mut parts: Vec<(u32, f32)> = Vec::with_capacity(4 * (liked.len() + disliked.len()));
        liked.iter().for_each(|one| self.add_keys(&mut parts, field, one.item, one.weight));
        disliked.iter().for_each(|one| {
            self.add_keys(&mut parts, field, one.item, -negative_weight * one.weight);
        });
        scores.begin(self.catalogue.key_count(field), parts.len());
        parts.iter().for_each(|(key, part)| scores.add(*key, *part));
        let mut interest: Vec<(u32, f32)> = scores.sums().collect();
        let length = interest.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
        // Likes and dislikes of the same keys leave rounding errors, which are no interest.
        let noise = CANCELLED * liked.iter().map(|trigger| trigger.weight).sum::<f32>();
        if !(length > noise && length.is_finite()) {
            return Vec::new();
        }
        interest.iter_mut().for_each(|(_, weight)| *weight /= length);
        interest.sort_unstable_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        interest.truncate(self.parameters.keys_max);
        interest
    }

    /// Adds [`KeyIndex::item_vector`] times `weight`, without an allocation an item.
    fn add_keys(&self, parts: &mut Vec<(u32, f32)>, field: KeyField, item: ItemIndex, weight: f32) {
        let first = parts.len();
        for key in self.catalogue.keys(field, item) {
            let mut level = 1.0;
            for key in self.catalogue.key_lineage(field, key) {
                let value = level * self.keys.idf[key as usize];
                match parts[first..].iter_mut().find(|(known, _)| *known == key) {
                    Some((_, known)) => *known = known.max(value),
                    None => parts.push((key, value)),
                }
                level *= self.keys.ancestor_discount;
                if level == 0.0 {
                    break;
                }
            }
        }
        let own = &mut parts[first..];
        let length = own.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            own.iter_mut().for_each(|(_, value)| *value *= weight / length);
        }
    }

    fn add_postings(&self, scores: &mut Scores, interest: &[(u32, f32)], watch: &mut Watch<'_>) {
        let list = |(key, weight): &(u32, f32)| (self.impacts.list(&self.keys, *key), *weight);
        let lists: Vec<(List<'_>, f32)> = interest.iter().map(list).collect();
        let entries = lists.iter().map(|((items, _), _)| items.len()).sum::<usize>();
        scores.begin(self.catalogue.len(), self.budget.min(entries));
        let bound = |ordinal: usize, start: usize| self.impacts.bound(interest[ordinal].0, start);
        reading::heaviest_first(&lists, self.budget, bound, |ordinal, part| {
            scores.add_list(part, lists[ordinal].1, watch)
        });
    }
}
