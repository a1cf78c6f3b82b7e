//! `popular`: the most popular eligible items, the same for everybody; reads [`Popularity`].
//!
//! The score is the model's: time-decayed positive events. Items without any event come last, in
//! order of their index, so that a small catalogue still fills the list.
//! Cost: one look-up of eligibility (a few nanoseconds) an item walked past; it walks
//! `fetch_k / share of eligible items` of them, so a very narrow filter walks far.

use std::sync::Arc;

use gannet_core::ChannelName;
use gannet_models::{Popularity, Snapshot};
use serde::Deserialize;

use super::{selection, spec};
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError};

/// Takes no parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PopularParameters {}

struct Popular {
    name: ChannelName,
    popularity: Arc<Popularity>,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let PopularParameters {} = spec::parameters(spec)?;
    let popularity = spec::model(spec, snapshot, "popularity")?;
    Ok(Arc::new(Popular { name: spec.name.clone(), popularity }))
}

impl Channel for Popular {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let order = self.popularity.order().iter();
        let ranked = order.map(|item| (*item, self.popularity.score(*item)));
        Ok(selection::first_eligible(ranked, ask, fetch_k))
    }
}
