//! How much each channel's list counts in a merge, learnt on a validation split.

use std::collections::BTreeMap;

use gannet_core::ChannelName;

use crate::arrays::{Array, Arrays, ArraysError, Part, require_finite, require_length};

/// Weights by channel; a channel without one counts 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MergeWeights(pub BTreeMap<ChannelName, f32>);

impl Part for MergeWeights {
    const KIND: &'static str = "merge_weights";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put_strings("channels", self.0.keys().map(ChannelName::as_str));
        arrays.put("weights", Array::F32(self.0.values().copied().collect()));
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let channels = arrays.take_strings("channels")?;
        let weights = arrays.take_f32("weights")?;
        require_length("weights", weights.len(), channels.len())?;
        require_finite("weights", &weights)?;
        if weights.iter().any(|weight| *weight < 0.0) {
            return Err(ArraysError::contents("weights", "a weight is below zero"));
        }
        let mut by_channel = BTreeMap::new();
        for (channel, weight) in channels.iter().zip(weights) {
            let name = ChannelName::new(channel)
                .map_err(|error| ArraysError::contents("channels", error))?;
            if by_channel.insert(name, weight).is_some() {
                let why = format!("{channel} is there twice");
                return Err(ArraysError::contents("channels", why));
            }
        }
        Ok(Self(by_channel))
    }
}
