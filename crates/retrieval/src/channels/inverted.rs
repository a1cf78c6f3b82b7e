//! `inverted` (u2tag2i): items that share the user's tags; reads [`KeyIndex`].
//!
//! The user's interest in a tag is the sum of the unit tf-idf vectors of the items that he liked
//! (ancestors included, discounted by level), each times its strength, halved every
//! `half_life_days`; dislikes subtract `negative_weight` times theirs. An item's score is the
//! cosine of his interest and its own vector (the vector space model: Salton, Wong and Yang 1975;
//! Rocchio 1971 for likes and dislikes), all tags in one pass over the inverted lists, times
//! `((1 + popularity) / (1 + highest popularity))^popularity_weight`: where there are few tags
//! many items are equally close, and those that more people liked are the better guess.
//! There is no trigger: every liked item has its part in every score.
//!
//! Budget: `postings_max` entries, the tags of strongest interest first; the list that does not
//! fit any more is read in part. Cost: one addition an entry.

use std::sync::Arc;

use gannet_core::{Catalogue, ChannelName, ModelName};
use gannet_models::{KeyIndex, Popularity, Snapshot};
use serde::Deserialize;

use super::scores::{Scores, with_scores};
use super::watch::Watch;
use super::{selection, spec};
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, UserProfile};

/// Share of the liked weight below which what dislikes have left is rounding.
const CANCELLED: f32 = 1e-5;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct InvertedParameters {
    /// How many of the most recent liked items, and of the disliked ones, make up the interest.
    history_max: usize,
    /// Days after which an event counts half; absent: never.
    half_life_days: Option<f32>,
    /// What a dislike counts beside a like; 0: nothing.
    negative_weight: f32,
    /// Exponent of popularity, 0 to 2; 0: popularity plays no part and its model is not read.
    popularity_weight: f32,
    /// The model of popularity.
    popularity_model: ModelName,
    /// Entries of inverted lists read at most.
    postings_max: usize,
}

impl Default for InvertedParameters {
    fn default() -> Self {
        Self {
            history_max: 500,
            half_life_days: None,
            negative_weight: 1.0,
            popularity_weight: 0.5,
            popularity_model: ModelName::new("popularity").expect("a proper name"),
            postings_max: 1_000_000,
        }
    }
}

struct Inverted {
    name: ChannelName,
    catalogue: Arc<Catalogue>,
    tags: Arc<KeyIndex>,
    /// By item; empty where popularity plays no part.
    popularity_factors: Vec<f32>,
    parameters: InvertedParameters,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let parameters: InvertedParameters = spec::parameters(spec)?;
    let InvertedParameters { history_max, popularity_weight, postings_max, .. } = parameters;
    spec::require(spec, history_max > 0, "history_max", history_max, "1 or more")?;
    spec::require(spec, postings_max > 0, "postings_max", postings_max, "1 or more")?;
    spec::require_half_life(spec, parameters.half_life_days)?;
    spec::require_not_negative(spec, "negative_weight", parameters.negative_weight)?;
    let holds = (0.0..=2.0).contains(&popularity_weight);
    spec::require(spec, holds, "popularity_weight", popularity_weight, "0 to 2")?;
    let popularity_factors = if popularity_weight > 0.0 {
        let model = parameters.popularity_model.as_str();
        let popularity: Arc<Popularity> = spec::named_model(spec, snapshot, model)?;
        popularity_factors(popularity.scores(), popularity_weight)
    } else {
        Vec::new()
    };
    Ok(Arc::new(Inverted {
        name: spec.name.clone(),
        catalogue: snapshot.catalogue.clone(),
        tags: spec::model(spec, snapshot, "tags")?,
        popularity_factors,
        parameters,
    }))
}

fn popularity_factors(scores: &[f32], exponent: f32) -> Vec<f32> {
    let highest = scores.iter().copied().fold(0.0, f32::max);
    scores.iter().map(|score| ((1.0 + score.max(0.0)) / (1.0 + highest)).powf(exponent)).collect()
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
            if !self.popularity_factors.is_empty() {
                scores.reweigh(&self.popularity_factors, |cosine, factor| cosine * factor);
            }
            let best = selection::best_eligible(scores, ask, fetch_k);
            Ok(selection::list(best, watch.was_past(), |_| None))
        })
    }
}

impl Inverted {
    /// The user's interest by tag, of length 1, the strongest first; empty where he has none.
    fn interest(&self, scores: &mut Scores, profile: &UserProfile) -> Vec<(u32, f32)> {
        let InvertedParameters { history_max, half_life_days, negative_weight, .. } =
            self.parameters;
        let liked = profile.triggers(history_max, half_life_days);
        if liked.is_empty() {
            return Vec::new();
        }
        let disliked = match negative_weight > 0.0 {
            true => profile.dislikes(history_max, half_life_days),
            false => Vec::new(),
        };
        let signed = liked.iter().map(|trigger| (trigger.item, trigger.weight));
        let signed = signed.chain(
            disliked.iter().map(|trigger| (trigger.item, -negative_weight * trigger.weight)),
        );
        let mut parts: Vec<(u32, f32)> = Vec::with_capacity(4 * (liked.len() + disliked.len()));
        for (item, weight) in signed {
            let vector = self.tags.item_vector(&self.catalogue, item);
            parts.extend(vector.into_iter().map(|(tag, share)| (tag, weight * share)));
        }
        scores.begin(self.catalogue.tag_count(), parts.len());
        parts.iter().for_each(|(tag, part)| scores.add(*tag, *part));
        let mut interest: Vec<(u32, f32)> = scores.sums().collect();
        let length = interest.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
        // Likes and dislikes of the same tags leave rounding errors, which are no interest.
        let noise = CANCELLED * liked.iter().map(|trigger| trigger.weight).sum::<f32>();
        if !(length > noise && length.is_finite()) {
            return Vec::new();
        }
        interest.iter_mut().for_each(|(_, weight)| *weight /= length);
        interest.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        interest
    }

    fn add_postings(&self, scores: &mut Scores, interest: &[(u32, f32)], watch: &mut Watch<'_>) {
        let postings = &self.tags.postings;
        let mut budget = self.parameters.postings_max;
        let entries = interest.iter().map(|(tag, _)| postings.row(*tag as usize).0.len()).sum();
        scores.begin(postings.width() as usize, budget.min(entries));
        for (tag, weight) in interest {
            let (items, shares) = postings.row(*tag as usize);
            let taken = items.len().min(budget);
            budget -= taken;
            if !scores.add_list((&items[..taken], &shares[..taken]), *weight, watch) {
                return;
            }
        }
    }
}
