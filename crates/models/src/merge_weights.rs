//! How much each channel's list counts in a merge, learnt on a validation split.

use std::collections::BTreeMap;

use gannet_core::ChannelName;

/// Weights by channel; a channel without one counts 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MergeWeights(pub BTreeMap<ChannelName, f32>);
