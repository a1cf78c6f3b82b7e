//! What rises: items whose events have lately become more than their own past foretells.

use gannet_core::ItemIndex;

use crate::arrays::{Array, Arrays, ArraysError, Part, require_finite, require_length};

/// The items that rise, the fastest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Trending {
    order: Vec<(ItemIndex, f32)>,
}

impl Trending {
    /// From finite scores of distinct items; equal scores keep the order of the items.
    pub fn new(mut order: Vec<(ItemIndex, f32)>) -> Self {
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Self { order }
    }

    /// The items with their scores, the highest first.
    pub fn order(&self) -> &[(ItemIndex, f32)] {
        &self.order
    }
}

impl Part for Trending {
    const KIND: &'static str = "trending";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put("items", Array::U32(self.order.iter().map(|(item, _)| item.0).collect()));
        arrays.put("scores", Array::F32(self.order.iter().map(|(_, score)| *score).collect()));
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let items = arrays.take_u32("items")?;
        let scores = arrays.take_f32("scores")?;
        require_length("scores", scores.len(), items.len())?;
        require_finite("scores", &scores)?;
        let mut distinct = items.clone();
        distinct.sort_unstable();
        if distinct.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ArraysError::contents("items", "an item is there twice"));
        }
        Ok(Self::new(items.into_iter().map(ItemIndex).zip(scores).collect()))
    }
}
