//! What fills an answer that channels left short, because they failed or because they know no
//! more (a stranger, a narrow filter): popular items, past this user's refusals and the request's
//! filter. Being filled does not make an answer degraded; a channel that did not go through does.

use gannet_core::{ChannelName, ItemIndex};
use rustc_hash::FxHashSet;

use crate::config::FALLBACK;
use crate::merge::Caps;
use crate::{Ask, Candidate, Evidence, Plan};

/// Fills up to the plan's handover size; says how many it added. They come last, with a merge score
/// of 0 and the evidence of a channel named `fallback`, whose score is the popularity. The plan's
/// caps count what is there already; soft ones give way only where the answer would stay short.
pub(crate) fn fill(candidates: &mut Vec<Candidate>, plan: &Plan, ask: &Ask) -> usize {
    let (before, size) = (candidates.len(), plan.handover);
    if before >= size {
        return 0;
    }
    let mut caps = Caps::new(plan, &ask.state.snapshot.catalogue);
    let mut there: FxHashSet<ItemIndex> = candidates.iter().map(|one| one.item).collect();
    candidates.iter().for_each(|one| caps.add(one.item));
    let channel = ChannelName::new(FALLBACK).expect("a constant that is a name");
    loop {
        for (at, item) in ask.state.fallback.iter().enumerate() {
            if candidates.len() == size {
                break;
            }
            if there.contains(item) || !caps.fits(*item) || !ask.eligible.contains(*item) {
                continue;
            }
            there.insert(*item);
            caps.add(*item);
            let evidence = vec![Evidence {
                channel: channel.clone(),
                channel_rank: at as u32 + 1,
                channel_score: ask.state.popularity.score(*item),
                trigger: None,
            }];
            candidates.push(Candidate { item: *item, merge_score: 0.0, evidence });
        }
        if candidates.len() == size || !caps.relax_soft() {
            return candidates.len() - before;
        }
    }
}
