//! How popular each item is.

use gannet_core::ItemIndex;

use crate::arrays::{Array, Arrays, ArraysError, Part, require_finite};

/// Time-decayed positive events of each item, and the items in that order.
#[derive(Debug, Clone, PartialEq)]
pub struct Popularity {
    scores: Vec<f32>,
    order: Vec<ItemIndex>,
}

impl Popularity {
    /// From one finite score an item; equal scores keep the order of the items.
    pub fn new(scores: Vec<f32>) -> Self {
        let mut order: Vec<ItemIndex> = (0..scores.len() as u32).map(ItemIndex).collect();
        order.sort_by(|a, b| scores[b.at()].total_cmp(&scores[a.at()]).then(a.cmp(b)));
        Self { scores, order }
    }

    /// The score of an item.
    pub fn score(&self, item: ItemIndex) -> f32 {
        self.scores[item.at()]
    }

    /// All scores, by item.
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// All items, the most popular first.
    pub fn order(&self) -> &[ItemIndex] {
        &self.order
    }
}

impl Part for Popularity {
    const KIND: &'static str = "popularity";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put("scores", Array::F32(self.scores.clone()));
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let scores = arrays.take_f32("scores")?;
        require_finite("scores", &scores)?;
        Ok(Self::new(scores))
    }
}
