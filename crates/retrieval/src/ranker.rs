//! The boundary to ranking: who orders the candidates.

use std::collections::BTreeMap;

use gannet_core::{ChannelName, ItemIndex};

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

/// A simple scorer, so that "from five million to ten" runs end to end: no rival to a model that
/// was trained to rank. Every channel that found an item adds between 0 and 1, by how far the
/// channel's score stands above its mean over the candidates; popularity breaks what is close.
#[derive(Debug, Clone, Default)]
pub struct BuiltinRanker {}

/// What the most popular item gets for that: less than one confident channel.
const POPULARITY_WEIGHT: f64 = 0.25;

impl Ranker for BuiltinRanker {
    fn rank(
        &self,
        _profile: &UserProfile,
        candidates: &[Candidate],
        state: &EngineState,
        top: usize,
    ) -> Vec<(ItemIndex, f32)> {
        let spreads = spreads(candidates);
        let most = state.popularity.order().first().map_or(0.0, |item| popularity(state, *item));
        let mut scored: Vec<(ItemIndex, f32)> = candidates
            .iter()
            .map(|candidate| {
                let found: f64 = candidate
                    .evidence
                    .iter()
                    .map(|one| spreads[&one.channel].place(f64::from(one.channel_score)))
                    .sum();
                let share = if most > 0.0 { popularity(state, candidate.item) / most } else { 0.0 };
                (candidate.item, (found + POPULARITY_WEIGHT * share) as f32)
            })
            .collect();
        // Stable: among equals the order of the merge stands.
        scored.sort_by(|a, b| b.1.total_cmp(&a.1));
        scored.truncate(top);
        scored
    }
}

/// On a log scale: the step from 10 to 100 events says as much as that from 100 to 1000.
fn popularity(state: &EngineState, item: ItemIndex) -> f64 {
    f64::from(state.popularity.score(item)).max(0.0).ln_1p()
}

/// Mean and standard deviation of one channel's scores.
#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    /// Welford's update: sums of squares of large scores would cancel.
    fn add(&mut self, score: f64) {
        self.count += 1.0;
        let off = score - self.mean;
        self.mean += off / self.count;
        self.squares += off * (score - self.mean);
    }

    /// Where a score stands, 0 to 1: the logistic of its standard score.
    fn place(&self, score: f64) -> f64 {
        let deviation = (self.squares / self.count.max(1.0)).sqrt();
        let standard = if deviation > 0.0 { (score - self.mean) / deviation } else { 0.0 };
        1.0 / (1.0 + (-standard).exp())
    }
}

fn spreads(candidates: &[Candidate]) -> BTreeMap<&ChannelName, Spread> {
    let mut spreads: BTreeMap<&ChannelName, Spread> = BTreeMap::new();
    for evidence in candidates.iter().flat_map(|candidate| &candidate.evidence) {
        spreads.entry(&evidence.channel).or_default().add(f64::from(evidence.channel_score));
    }
    spreads
}
