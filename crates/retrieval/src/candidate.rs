//! Items that channels found, with all the evidence for them.

use gannet_core::{ChannelName, ItemIndex};

/// Why one channel named an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The channel.
    pub channel: ChannelName,
    /// Its place in the channel's list, from 1.
    pub channel_rank: u32,
    /// The channel's own score; comparable within the channel only.
    pub channel_score: f32,
    /// The user's item that the channel started from.
    pub trigger: Option<ItemIndex>,
}

/// An item for the ranker. Invariant: at least one evidence, in the plan's channel order.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The item.
    pub item: ItemIndex,
    /// What the merge ordered it by; comparable within one answer only.
    pub merge_score: f32,
    /// Every channel that found it.
    pub evidence: Vec<Evidence>,
}
