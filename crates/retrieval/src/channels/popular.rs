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

use super::spec;
use super::watch::Watch;
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, Found};

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
        let mut list = ChannelList::default();
        let mut watch = Watch::new(&ask.deadline);
        for item in self.popularity.order() {
            if list.found.len() >= fetch_k {
                break;
            }
            if watch.is_past(1) {
                list.partial = true;
                break;
            }
            match ask.eligible.refusal(*item) {
                Some(refusal) => list.dropped.add(refusal),
                None => {
                    let channel_score = self.popularity.score(*item);
                    list.found.push(Found { item: *item, channel_score, trigger: None });
                }
            }
        }
        Ok(list)
    }
}
