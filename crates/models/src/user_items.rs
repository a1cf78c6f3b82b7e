//! Who liked what, both ways round: what finding the nearest users needs.

use gannet_core::SparseRows;

use crate::arrays::{Array, Arrays, ArraysError, Part, require_finite, require_length};

/// Positive interactions of the users of the snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct UserItems {
    /// Row: user; column: item; value: strength.
    pub items_of_users: SparseRows,
    /// Row: item; column: user; value: strength.
    pub users_of_items: SparseRows,
    /// How much an item counts when users are compared (inverse user frequency, say).
    pub item_weights: Vec<f32>,
    /// The length of each user's weighted vector.
    pub user_norms: Vec<f32>,
    /// Shrinkage added to the product of lengths: few shared items say little.
    pub shrinkage: f32,
    /// How many nearest users speak.
    pub neighbour_count: usize,
    /// How much older items of the asking user count less, as in [`crate::ItemNeighbours`].
    pub recency_exponent: f32,
}

impl Part for UserItems {
    const KIND: &'static str = "user_items";

    /// Only one direction is written: the other is its transpose.
    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put_rows("items_of_users", &self.items_of_users);
        arrays.put("item_weights", Array::F32(self.item_weights.clone()));
        arrays.put("user_norms", Array::F32(self.user_norms.clone()));
        arrays.put_text("shrinkage", self.shrinkage);
        arrays.put_text("neighbour_count", self.neighbour_count);
        arrays.put_text("recency_exponent", self.recency_exponent);
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let items_of_users = arrays.take_rows("items_of_users")?;
        let item_weights = arrays.take_f32("item_weights")?;
        let user_norms = arrays.take_f32("user_norms")?;
        require_length("item_weights", item_weights.len(), items_of_users.width() as usize)?;
        require_length("user_norms", user_norms.len(), items_of_users.height())?;
        require_finite("item_weights", &item_weights)?;
        require_finite("user_norms", &user_norms)?;
        Ok(Self {
            users_of_items: items_of_users.transpose(),
            items_of_users,
            item_weights,
            user_norms,
            shrinkage: arrays.number("shrinkage", |value| value >= 0.0)?,
            neighbour_count: arrays.parsed("neighbour_count")?,
            recency_exponent: arrays.number("recency_exponent", |value| value >= 0.0)?,
        })
    }
}
