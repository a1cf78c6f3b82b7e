//! Who liked what, both ways round: what finding the nearest users needs.

use gannet_core::SparseRows;

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
}
