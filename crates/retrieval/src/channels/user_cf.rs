//! `user_cf` (u2u2i): what the nearest users liked; reads [`UserItems`].
//!
//! The nearest users are found at request time, so that the newest events count:
//! `similarity(u, v) = sum over shared items i of w_i s_ui s_vi / (|u| |v| + shrinkage)`, the
//! cosine of weighted vectors (Breese, Heckerman and Kadie 1998: `w_i` is the inverse user
//! frequency) shrunk for few shared items (Herlocker et al. 1999). Score of an item: the sum of
//! `similarity * strength` over those neighbours who liked it. The user himself is left out.
//!
//! Budget: `postings_max` entries in each of the two steps, so that one item that everybody liked
//! cannot eat the request's time. The lists of the triggers are read the shortest first, because
//! rare items tell more for less; neighbours are read the nearest first. No list takes more than
//! a sixteenth of the budget, and one that is read in part is read from a place that differs from
//! user to user: else the same few of a million users would be everybody's neighbours. Finding
//! neighbours takes at most half of the time that there is: those found by then still have their
//! say.
//! Cost: one addition an entry: on MovieLens-1M, where the sums are an array, 1.1 ns.

use std::sync::Arc;

use gannet_core::ChannelName;
use gannet_models::{Snapshot, UserItems};
use gannet_vectors::{AllRows, Neighbour};
use serde::Deserialize;

use super::fade::Fade;
use super::scores::{List, Scores, with_scores};
use super::watch::Watch;
use super::{reading, selection, spec};
use crate::{
    Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, Trigger, UserProfile,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct UserCfParameters {
    /// How many of the user's most recent liked items he is compared by.
    /// Absent: 500 in a catalogue of up to 65,536 items, else 100.
    triggers_max: Option<usize>,
    /// Days after which an event counts half; absent: never.
    half_life_days: Option<f32>,
    /// How many nearest users speak; absent: as many as the model says.
    neighbours: Option<usize>,
    /// Entries read in each of the two steps at most; absent: 400,000 where there are up to 65,536
    /// users (items), else 2,500 of users and 10,000 of items.
    postings_max: Option<usize>,
}

impl Default for UserCfParameters {
    fn default() -> Self {
        let (half_life_days, neighbours, postings_max) = (None, None, None);
        Self { triggers_max: None, half_life_days, neighbours, postings_max }
    }
}

/// Entries of the first step among more users: four times as many find no better neighbours on
/// validation data of a simulated catalogue of a million
/// (docs/measurements/2026-11-24-wide-latency.md).
const USERS_BUDGET: usize = 2_500;

/// Entries of each step that a small catalogue can pay for.
const SMALL_BUDGET: usize = 400_000;

/// The largest part of a budget that one list may take, as a divisor.
const LISTS_MIN: usize = 16;

/// Lists whose beginnings are on their way from memory while one is added.
const LISTS_AHEAD: usize = 4;

struct UserCf {
    name: ChannelName,
    model: Arc<UserItems>,
    neighbours: usize,
    fade: Fade,
    triggers_max: usize,
    /// The strength of every interaction, where all are equal, as they mostly are: the lists'
    /// values are half of what a request reads from memory, and then need not be read.
    strength_of_all: Option<f32>,
    parameters: UserCfParameters,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let parameters: UserCfParameters = spec::parameters(spec)?;
    let UserCfParameters { triggers_max, half_life_days, neighbours, postings_max } = parameters;
    spec::require(spec, triggers_max != Some(0), "triggers_max", 0, "1 or more")?;
    spec::require(spec, postings_max != Some(0), "postings_max", 0, "1 or more")?;
    spec::require(spec, neighbours != Some(0), "neighbours", 0, "1 or more")?;
    spec::require_half_life(spec, half_life_days)?;
    let model: Arc<UserItems> = spec::model(spec, snapshot, "user_items")?;
    let neighbours = neighbours.unwrap_or(model.neighbour_count);
    let (_, _, strengths) = model.items_of_users.parts();
    let strength_of_all = strengths.first().copied();
    let strength_of_all = strength_of_all.filter(|first| strengths.iter().all(|one| one == first));
    let name = spec.name.clone();
    let triggers_max = reading::triggers(triggers_max, model.users_of_items.height());
    let fade = Fade::new(model.recency_exponent, triggers_max);
    Ok(Arc::new(UserCf {
        name,
        model,
        neighbours,
        fade,
        triggers_max,
        strength_of_all,
        parameters,
    }))
}

impl Channel for UserCf {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let half_life_days = self.parameters.half_life_days;
        let mut triggers = ask.profile.triggers(self.triggers_max, half_life_days);
        self.fade.apply(&mut triggers);
        if triggers.is_empty() || fetch_k == 0 {
            return Ok(ChannelList::default());
        }
        let halfway = ask.deadline.halfway();
        let (mut first, mut second) = (Watch::new(&halfway), Watch::new(&ask.deadline));
        with_scores(|scores| {
            let nearest = self.nearest(scores, &triggers, &ask.profile, &mut first);
            self.add_items_of(scores, &nearest, &mut second);
            let best = selection::best_eligible(scores, ask, fetch_k);
            Ok(selection::list(best, first.was_past() || second.was_past(), |_| None))
        })
    }
}

impl UserCf {
    /// The most similar users with their similarities, the nearest first.
    fn nearest(
        &self,
        scores: &mut Scores,
        triggers: &[Trigger],
        profile: &UserProfile,
        watch: &mut Watch<'_>,
    ) -> Vec<Neighbour> {
        let UserItems { users_of_items, item_weights, user_norms, shrinkage, .. } = &*self.model;
        let weighted = |trigger: &Trigger| item_weights[trigger.item.at()] * trigger.weight;
        let mut lists: Vec<(List<'_>, f32)> = triggers
            .iter()
            .map(|trigger| (users_of_items.row(trigger.item.at()), weighted(trigger)))
            .collect();
        lists.sort_by_key(|((users, _), _)| users.len());
        let norm = triggers.iter().map(|trigger| weighted(trigger) * trigger.weight).sum::<f32>();
        let norm = norm.sqrt();

        let seed = triggers[0].item.0;
        self.add_within_budget(scores, user_norms.len(), &lists, seed, USERS_BUDGET, watch);
        scores.reweigh(user_norms, |shared, user_norm| shared / (norm * user_norm + shrinkage));
        if let Some(oneself) = profile.index.filter(|user| user.at() < user_norms.len()) {
            scores.forget(oneself.0);
        }
        selection::best(scores, self.neighbours, &AllRows, |_| {})
    }

    fn add_items_of(&self, scores: &mut Scores, nearest: &[Neighbour], watch: &mut Watch<'_>) {
        let items_of_users = &self.model.items_of_users;
        let lists: Vec<(List<'_>, f32)> = nearest
            .iter()
            .map(|neighbour| (items_of_users.row(neighbour.row as usize), neighbour.score))
            .collect();
        let seed = nearest.first().map_or(0, |nearest| nearest.row);
        self.add_within_budget(
            scores,
            items_of_users.width() as usize,
            &lists,
            seed,
            reading::LARGE_BUDGET,
            watch,
        );
    }

    fn add_within_budget<'a>(
        &self,
        scores: &mut Scores,
        range: usize,
        lists: &[(List<'a>, f32)],
        seed: u32,
        large: usize,
        watch: &mut Watch<'_>,
    ) {
        let mut left = reading::budget(self.parameters.postings_max, range, SMALL_BUDGET, large);
        let list_max = (left / LISTS_MIN).max(1);
        let entries = lists.iter().map(|((indices, _), _)| indices.len().min(list_max)).sum();
        scores.begin(range, left.min(entries));
        let part = |((indices, values), scale): &(List<'a>, f32)| {
            let taken = indices.len().min(list_max).min(left);
            left -= taken;
            let start = spread(seed, indices.len() - taken);
            (&indices[start..start + taken], &values[start..start + taken], *scale)
        };
        let parts: Vec<(&[u32], &[f32], f32)> = lists.iter().map(part).collect();
        for (at, (indices, values, scale)) in parts.iter().enumerate() {
            if let Some((indices, values, _)) = parts.get(at + LISTS_AHEAD) {
                reading::fetch(indices);
                if self.strength_of_all.is_none() {
                    reading::fetch(values);
                }
            }
            let in_time = match self.strength_of_all {
                Some(strength) => scores.add_to_each(indices, scale * strength, watch),
                None => scores.add_list((indices, values), *scale, watch),
            };
            if !in_time {
                return;
            }
        }
    }
}

/// A place in `0..=last` that a seed decides.
fn spread(seed: u32, last: usize) -> usize {
    let mixed = (u64::from(seed) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    (mixed as usize * (last + 1)) >> 32
}
