//! The boundary to ranking: who orders the candidates.

use gannet_core::ItemIndex;

use crate::{Candidate, EngineState, UserProfile};

/// Orders candidates. Called once a request, after the merge, on the requesting thread; an
/// outside ranker stands behind the same trait.
pub trait Ranker: Send + Sync {
    /// The best `top` candidates with their scores, best first.
    fn rank(
        &self,
        profile: &UserProfile,
        candidates: &[Candidate],
        state: &EngineState,
        top: usize,
    ) -> Vec<(ItemIndex, f32)>;
}

/// A simple scorer, so that "from five million to ten" runs end to end.
#[derive(Debug, Clone, Default)]
pub struct BuiltinRanker {}

impl Ranker for BuiltinRanker {
    fn rank(
        &self,
        _profile: &UserProfile,
        candidates: &[Candidate],
        _state: &EngineState,
        top: usize,
    ) -> Vec<(ItemIndex, f32)> {
        candidates.iter().take(top).map(|one| (one.item, one.merge_score)).collect()
    }
}
