//! How new each item is.

use gannet_core::{ItemIndex, Timestamp};

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
