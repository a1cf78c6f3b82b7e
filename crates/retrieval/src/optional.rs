//! Channels that may be without their model: a snapshot fitted without vectors still serves.
//!
//! A channel whose model is missing is an error, for a list that silently never comes is the worst
//! of both. `optional = true` says that its absence is meant: the channel and its places in plans
//! are then left out before anything else is checked.

use gannet_core::{ChannelName, ModelName};
use gannet_models::Snapshot;

use crate::RetrievalConfig;

impl RetrievalConfig {
    /// The optional channels whose model the snapshot does not have, each with that model.
    pub fn left_out(&self, snapshot: &Snapshot) -> Vec<(ChannelName, ModelName)> {
        let optional = self.channels.iter().filter(|channel| channel.optional);
        let named = optional.filter_map(|one| Some((one.name.clone(), one.model.clone()?)));
        named.filter(|(_, model)| !snapshot.models.contains_key(model)).collect()
    }

    /// The configuration without the channels of [`RetrievalConfig::left_out`]. A plan that had no
    /// others is left without any, which its check refuses.
    pub fn on(&self, snapshot: &Snapshot) -> Self {
        let missing = self.left_out(snapshot);
        let is_there = |name: &ChannelName| !missing.iter().any(|(channel, _)| channel == name);
        let mut config = self.clone();
        config.channels.retain(|channel| is_there(&channel.name));
        for plan in &mut config.plans {
            plan.channels.retain(|channel| is_there(&channel.name));
        }
        config
    }
}
