//! Item-to-item lists.

use gannet_core::SparseRows;

/// The most similar items of each item, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemNeighbours {
    /// Row: trigger; column: neighbour; value: similarity, best first.
    pub lists: SparseRows,
}
