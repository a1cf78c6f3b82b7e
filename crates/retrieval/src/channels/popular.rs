//! `popular`: the most popular eligible items, the same for everybody; reads [`Popularity`].
//!
//! The score is the model's: time-decayed positive events. Items without any event come last, in
//! order of their index, so that a small catalogue still fills the list.
//!
//! With `scene`, what is popular in that scene of the data comes first, with its scores there; then
//! what is popular everywhere, with scores no higher than the last of the scene's.
//! Cost: one look-up of eligibility (a few nanoseconds) an item walked past; it walks
//! `fetch_k / share of eligible items` of them, or once through the mask where that is shorter.

use std::sync::Arc;

use gannet_core::{ChannelName, ItemIndex};
use gannet_models::{Popularity, Snapshot};
use rustc_hash::FxHashSet;
use serde::Deserialize;

use super::ranking::Ranking;
use super::{selection, spec};
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, Found};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PopularParameters {
    /// A scene of the data; absent: all together.
    scene: Option<String>,
}

struct Popular {
    name: ChannelName,
    popularity: Arc<Popularity>,
    ranking: Ranking,
    scene: Option<String>,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let PopularParameters { scene } = spec::parameters(spec)?;
    let popularity: Arc<Popularity> = spec::model(spec, snapshot, "popularity")?;
    if let Some(scene) = &scene {
        let known: Vec<&str> = popularity.scenes().collect();
        let range = format!("a scene of the data ({})", known.join(", "));
        spec::require(spec, known.contains(&scene.as_str()), "scene", scene, &range)?;
    }
    let ranking = Ranking::of(popularity.order().iter().copied(), snapshot.catalogue.len());
    Ok(Arc::new(Popular { name: spec.name.clone(), popularity, ranking, scene }))
}

impl Channel for Popular {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let order = self.popularity.order();
        let at = |position: usize| (order[position], self.popularity.score(order[position]));
        let everywhere = || self.ranking.first_eligible((0, order.len()), at, ask, fetch_k);
        let scene = self.scene.as_ref().and_then(|scene| self.popularity.of_scene(scene));
        let Some(scene) = scene else { return Ok(everywhere()) };
        let mut list = selection::first_eligible(scene.iter().copied(), ask, fetch_k);
        if list.found.len() < fetch_k && !list.partial {
            let here: FxHashSet<ItemIndex> = scene.iter().map(|(item, _)| *item).collect();
            let last = list.found.last().map_or(f32::MAX, |last| last.channel_score);
            let rest = everywhere();
            list.partial = rest.partial;
            let rest = rest.found.into_iter().filter(|one| !here.contains(&one.item));
            let rest = rest.map(|one| Found { channel_score: one.channel_score.min(last), ..one });
            list.found.extend(rest);
            list.found.truncate(fetch_k);
        }
        Ok(list)
    }
}
