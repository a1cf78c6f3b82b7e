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
//! Cost: one addition an entry of the triggers' lists (500 x 200 at the defaults of both sides).

use std::sync::Arc;

use gannet_core::ChannelName;
use gannet_models::{ItemNeighbours, Snapshot};
use serde::Deserialize;

use super::fade::Fade;
use super::scores::{Scores, TRIGGERS_MAX, with_scores};
use super::watch::Watch;
use super::{selection, spec};
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, Trigger};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ItemCfParameters {
    /// How many of the most recent liked items, and of the disliked ones, are started from.
    triggers_max: usize,
    /// Days after which an event counts half; absent: never.
    half_life_days: Option<f32>,
    /// What a dislike counts beside a like; 0: nothing.
    negative_weight: f32,
}

impl Default for ItemCfParameters {
    fn default() -> Self {
        Self { triggers_max: 500, half_life_days: None, negative_weight: 1.0 }
    }
}

struct ItemCf {
    name: ChannelName,
    neighbours: Arc<ItemNeighbours>,
    fade: Fade,
    parameters: ItemCfParameters,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let parameters: ItemCfParameters = spec::parameters(spec)?;
    let triggers_max = parameters.triggers_max;
    let holds = (1..=TRIGGERS_MAX).contains(&triggers_max);
    spec::require(spec, holds, "triggers_max", triggers_max, "1 to 4095")?;
    spec::require_half_life(spec, parameters.half_life_days)?;
    spec::require_not_negative(spec, "negative_weight", parameters.negative_weight)?;
    let neighbours: Arc<ItemNeighbours> = spec::model(spec, snapshot, "item_cf")?;
    let fade = Fade::new(neighbours.recency_exponent, triggers_max);
    Ok(Arc::new(ItemCf { name: spec.name.clone(), neighbours, fade, parameters }))
}

impl Channel for ItemCf {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let ItemCfParameters { triggers_max, half_life_days, negative_weight } = self.parameters;
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
        let lists = &self.neighbours.lists;
        let length = |trigger: &Trigger| lists.row(trigger.item.at()).0.len();
        let touches = liked.iter().chain(disliked).map(length).sum();
        scores.begin(lists.width() as usize, touches);
        for trigger in disliked {
            let scale = -self.parameters.negative_weight * trigger.weight;
            if !scores.add_list(lists.row(trigger.item.at()), scale, watch) {
                return;
            }
        }
        for (ordinal, trigger) in liked.iter().enumerate() {
            let list = lists.row(trigger.item.at());
            if !scores.add_list_of_trigger(list, trigger.weight, ordinal, watch) {
                return;
            }
        }
    }
}
