//! `item_cf` (u2i2i): items similar to those that the user liked; reads [`ItemNeighbours`].
//!
//! Score of item j: the sum over the user's triggers i of `weight(i) * similarity(i, j)` (Sarwar
//! et al. 2001 for item-based scores; Deshpande and Karypis 2004 for sums over top-N lists), minus
//! `negative_weight` times the same sum over his dislikes. The weight is the strength of the
//! event, halved every `half_life_days` and faded by place as the model says. An item's trigger is
//! its largest single contribution.
//!
//! Eligibility alone decides what is shown: a trigger is left out because it is consumed. Where a
//! plan shows consumed items, one trigger may come back as the neighbour of another.
//! Budget: `postings_max` entries, the heaviest (`weight * similarity`) first. At the defaults of
//! both sides the triggers' lists have 500 x 200 entries, which a large catalogue cannot pay for:
//! see `reading`. Cost: one addition an entry read.
//!
//! Any model of item-to-item lists will do: `model = "swing"` and `model = "rp3beta"` are further
//! instances of this kind.

use std::sync::Arc;

use gannet_core::ChannelName;
use gannet_models::{ItemNeighbours, Snapshot};
use serde::Deserialize;

use super::fade::Fade;
use super::scores::{List, Scores, TRIGGERS_MAX, with_scores};
use super::watch::Watch;
use super::{reading, selection, spec};
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, Trigger};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ItemCfParameters {
    /// How many of the most recent liked items, and of the disliked ones, are started from.
    /// Absent: 500 in a catalogue of up to 65,536 items, else 100.
    triggers_max: Option<usize>,
    /// Days after which an event counts half; absent: never.
    half_life_days: Option<f32>,
    /// What a dislike counts beside a like; 0: nothing.
    negative_weight: f32,
    /// Entries read at most; absent: all of them in a catalogue of up to 65,536 items, else as
    /// many as 10,000.
    postings_max: Option<usize>,
}

impl Default for ItemCfParameters {
    fn default() -> Self {
        let (half_life_days, postings_max) = (None, None);
        Self { triggers_max: None, half_life_days, negative_weight: 1.0, postings_max }
    }
}

struct ItemCf {
    name: ChannelName,
    neighbours: Arc<ItemNeighbours>,
    fade: Fade,
    triggers_max: usize,
    budget: usize,
    parameters: ItemCfParameters,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let parameters: ItemCfParameters = spec::parameters(spec)?;
    let neighbours: Arc<ItemNeighbours> = spec::model(spec, snapshot, "item_cf")?;
    let width = neighbours.lists.width() as usize;
    let triggers_max = reading::triggers(parameters.triggers_max, width);
    let holds = (1..=TRIGGERS_MAX).contains(&triggers_max);
    spec::require(spec, holds, "triggers_max", triggers_max, "1 to 4095")?;
    spec::require_half_life(spec, parameters.half_life_days)?;
    spec::require_not_negative(spec, "negative_weight", parameters.negative_weight)?;
    spec::require(spec, parameters.postings_max != Some(0), "postings_max", 0, "1 or more")?;
    let budget = reading::budget(parameters.postings_max, width, usize::MAX, reading::LARGE_BUDGET);
    let fade = Fade::new(neighbours.recency_exponent, triggers_max);
    let name = spec.name.clone();
    Ok(Arc::new(ItemCf { name, neighbours, fade, triggers_max, budget, parameters }))
}

impl Channel for ItemCf {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let ItemCfParameters { half_life_days, negative_weight, .. } = self.parameters;
        let triggers_max = self.triggers_max;
        let mut liked = ask.profile.triggers(triggers_max, half_life_days);
        self.fade.apply(&mut liked);
        if liked.is_empty() || fetch_k == 0 {
            return Ok(ChannelList::default());
        }
        let disliked = match negative_weight > 0.0 {
            true => ask.profile.dislikes(triggers_max, half_life_days),
            false => Vec::new(),
        };
        let mut watch = Watch::new(&ask.deadline);
        with_scores(|scores| {
            self.add_lists(scores, &liked, &disliked, &mut watch);
            let best = selection::best_eligible(scores, ask, fetch_k);
            Ok(selection::list(best, watch.was_past(), |item| {
                scores.trigger(item.0).map(|ordinal| liked[ordinal].item)
            }))
        })
    }
}

impl ItemCf {
    fn add_lists(
        &self,
        scores: &mut Scores,
        liked: &[Trigger],
        disliked: &[Trigger],
        watch: &mut Watch<'_>,
    ) {
        let neighbours = &self.neighbours.lists;
        let negative = -self.parameters.negative_weight;
        let list = |trigger: &Trigger| neighbours.row(trigger.item.at());
        let disliked = disliked.iter().map(|one| (list(one), negative * one.weight));
        let negatives = disliked.len();
        let liked = liked.iter().map(|one| (list(one), one.weight));
        let lists: Vec<(List<'_>, f32)> = disliked.chain(liked).collect();
        let entries = lists.iter().map(|((items, _), _)| items.len()).sum::<usize>();
        scores.begin(neighbours.width() as usize, entries.min(self.budget));
        let bound = |ordinal: usize, start: usize| lists[ordinal].0.1[start];
        reading::heaviest_first(&lists, self.budget, bound, |ordinal, part| {
            let scale = lists[ordinal].1;
            match ordinal.checked_sub(negatives) {
                None => scores.add_list(part, scale, watch),
                Some(ordinal) => scores.add_list_of_trigger(part, scale, ordinal, watch),
            }
        });
    }
}
