//! How each channel's list counts in a merge, learnt on a validation split.

use std::collections::BTreeMap;

use gannet_core::ChannelName;

use crate::arrays::{Array, Arrays, ArraysError, Part, require_finite, require_length};

/// Weights by channel, and how steeply a list's ranks fall off.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MergeWeights {
    /// What a channel's ranks count; a channel without a weight keeps its plan's.
    pub weights: BTreeMap<ChannelName, f32>,
    /// The constant k of reciprocal rank fusion; absent: the plan's.
    pub rrf_k: Option<f32>,
}

impl Part for MergeWeights {
    const KIND: &'static str = "merge_weights";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put_strings("channels", self.weights.keys().map(ChannelName::as_str));
        arrays.put("weights", Array::F32(self.weights.values().copied().collect()));
        arrays.put("rrf_k", Array::F32(self.rrf_k.into_iter().collect()));
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
        let rrf_k = arrays.take_f32("rrf_k")?;
        require_finite("rrf_k", &rrf_k)?;
        if rrf_k.len() > 1 || rrf_k.iter().any(|k| *k < 0.0) {
            return Err(ArraysError::contents(
                "rrf_k",
                "expected one number of at least 0, or none",
            ));
        }
        Ok(Self { weights: by_channel, rrf_k: rrf_k.first().copied() })
    }
}
