//! What fills an answer that channels left short, because they failed or because they know no
//! more (a stranger, a narrow filter): popular items, past this user's refusals and the request's
//! filter. Being filled does not make an answer degraded; a channel that did not go through does.

use gannet_core::{ChannelName, ItemIndex};
use rustc_hash::FxHashSet;

use crate::config::FALLBACK;
use crate::{Ask, Candidate, Evidence};

/// Fills up to `size` candidates; says how many it added. They come last, with a merge score of
/// 0 and the evidence of a channel named `fallback`, whose score is the popularity.
pub(crate) fn fill(candidates: &mut Vec<Candidate>, size: usize, ask: &Ask) -> usize {
    let missing = size.saturating_sub(candidates.len());
    if missing == 0 {
        return 0;
    }
    let there: FxHashSet<ItemIndex> = candidates.iter().map(|one| one.item).collect();
    let channel = ChannelName::new(FALLBACK).expect("a constant that is a name");
    let open = ask
        .state
        .fallback
        .iter()
        .enumerate()
        .filter(|(_, item)| ask.eligible.contains(**item) && !there.contains(*item));
    let before = candidates.len();
    candidates.extend(open.take(missing).map(|(at, item)| Candidate {
        item: *item,
        merge_score: 0.0,
        evidence: vec![Evidence {
            channel: channel.clone(),
            channel_rank: at as u32 + 1,
            channel_score: ask.state.popularity.score(*item),
            trigger: None,
        }],
    }));
    candidates.len() - before
}
