//! How new each item is.

use gannet_core::{ItemIndex, Timestamp};

use crate::arrays::{Array, Arrays, ArraysError, Part, require_length};

/// The items by time of publication, the newest first; items without a known time are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Recency {
    order: Vec<(ItemIndex, Timestamp)>,
}

impl Recency {
    /// From pairs in any order. Among equals the order of `ties` (popularity, say) decides.
    pub fn new(
        mut published: Vec<(ItemIndex, Timestamp)>,
        ties: impl Fn(ItemIndex) -> f32,
    ) -> Self {
        published.sort_by(|a, b| {
            b.1.cmp(&a.1).then(ties(b.0).total_cmp(&ties(a.0))).then(a.0.cmp(&b.0))
        });
        Self { order: published }
    }

    /// Items with their times, the newest first.
    pub fn order(&self) -> &[(ItemIndex, Timestamp)] {
        &self.order
    }
}

impl Part for Recency {
    const KIND: &'static str = "recency";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put("items", Array::U32(self.order.iter().map(|(item, _)| item.0).collect()));
        arrays.put("times", Array::I64(self.order.iter().map(|(_, time)| time.0).collect()));
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let items = arrays.take_u32("items")?;
        let times = arrays.take_i64("times")?;
        require_length("times", times.len(), items.len())?;
        if times.windows(2).any(|pair| pair[0] < pair[1]) {
            return Err(ArraysError::contents("times", "not the newest first"));
        }
        let mut distinct = items.clone();
        distinct.sort_unstable();
        if distinct.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ArraysError::contents("items", "an item is there twice"));
        }
        let pairs = items.into_iter().zip(times);
        Ok(Self { order: pairs.map(|(item, time)| (ItemIndex(item), Timestamp(time))).collect() })
    }
}
