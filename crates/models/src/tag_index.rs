//! Inverted lists from tags to items.

use gannet_core::SparseRows;

/// Tag (ancestors included) -> items, with the weights that make the score of an item a sum over
/// the tags that it shares with the user.
#[derive(Debug, Clone, PartialEq)]
pub struct TagIndex {
    /// Row: tag of the catalogue; column: item; value: the tag's share in the item's
    /// unit-length tf-idf vector, ancestors discounted by level.
    pub postings: SparseRows,
    /// Inverse document frequency of each tag.
    pub idf: Vec<f32>,
    /// What a tag one level up counts beside the tag itself, 0 to 1.
    pub ancestor_discount: f32,
}
