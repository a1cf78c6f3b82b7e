//! Item-to-item lists.

use gannet_core::SparseRows;

use crate::arrays::{Arrays, ArraysError, Part};

/// The most similar items of each item, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemNeighbours {
    /// Row: trigger; column: neighbour; value: similarity, best first.
    pub lists: SparseRows,
    /// How much older triggers count less: the weight of the one at place p, the newest at 0, is
    /// multiplied by `(1 + p)^-recency_exponent`.
    pub recency_exponent: f32,
}

impl Part for ItemNeighbours {
    const KIND: &'static str = "item_neighbours";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put_rows("lists", &self.lists);
        arrays.put_text("recency_exponent", self.recency_exponent);
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let lists = arrays.take_rows("lists")?;
        if lists.height() != lists.width() as usize {
            return Err(ArraysError::contents("lists", "not one list for each item"));
        }
        for item in 0..lists.height() {
            if lists.row(item).1.windows(2).any(|pair| pair[0] < pair[1]) {
                let why = format!("list {item} is not the best first");
                return Err(ArraysError::contents("lists", why));
            }
        }
        let recency_exponent = arrays.number("recency_exponent", |value| value >= 0.0)?;
        Ok(Self { lists, recency_exponent })
    }
}
