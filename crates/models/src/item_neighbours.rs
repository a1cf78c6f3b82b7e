//! Item-to-item lists.

use gannet_core::SparseRows;

use crate::arrays::{Arrays, ArraysError, Part};

/// The most similar items of each item, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemNeighbours {
    /// Row: trigger; column: neighbour; value: similarity, best first.
    pub lists: SparseRows,
}

impl Part for ItemNeighbours {
    const KIND: &'static str = "item_neighbours";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put_rows("lists", &self.lists);
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
        Ok(Self { lists })
    }
}
