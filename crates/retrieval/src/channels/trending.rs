//! `trending`: eligible items that rise fastest, the same for everybody; reads [`Trending`].
//!
//! The score is the model's: how much more happened to an item lately than its own past foretells.
//! Cost: as `popular`; the list ends where the model's does.

use std::sync::Arc;

use gannet_core::ChannelName;
use gannet_models::{Snapshot, Trending};
use serde::Deserialize;

use super::{selection, spec};
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError};

/// Takes no parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrendingParameters {}

struct TrendingChannel {
    name: ChannelName,
    trending: Arc<Trending>,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let TrendingParameters {} = spec::parameters(spec)?;
    let trending = spec::model(spec, snapshot, "trending")?;
    Ok(Arc::new(TrendingChannel { name: spec.name.clone(), trending }))
}

impl Channel for TrendingChannel {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        Ok(selection::first_eligible(self.trending.order().iter().copied(), ask, fetch_k))
    }
}
