//! `popular`: the most popular eligible items, the same for everybody; reads [`Popularity`].
//!
//! The score is the model's: time-decayed positive events. Items without any event come last, in
//! order of their index, so that a small catalogue still fills the list.
//! Cost: one look-up of eligibility (a few nanoseconds) an item walked past; it walks
//! `fetch_k / share of eligible items` of them, or once through the mask where that is shorter.

use std::sync::Arc;

use gannet_core::ChannelName;
use gannet_models::{Popularity, Snapshot};
use serde::Deserialize;

use super::ranking::Ranking;
use super::spec;
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError};

/// Takes no parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PopularParameters {}

struct Popular {
    name: ChannelName,
    popularity: Arc<Popularity>,
    ranking: Ranking,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let PopularParameters {} = spec::parameters(spec)?;
    let popularity: Arc<Popularity> = spec::model(spec, snapshot, "popularity")?;
    let ranking = Ranking::of(popularity.order().iter().copied(), snapshot.catalogue.len());
    Ok(Arc::new(Popular { name: spec.name.clone(), popularity, ranking }))
}

impl Channel for Popular {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let order = self.popularity.order();
        let at = |position: usize| (order[position], self.popularity.score(order[position]));
        Ok(self.ranking.first_eligible((0, order.len()), at, ask, fetch_k))
    }
}
