//! The engine's guards: what breaks a list's promises is dropped and counted.
//!
//! Lists of a user's channels are checked whole. Those of this crate's channels have asked about
//! every item already, and asking again would be a third of all questions: of them only what the
//! answer hands over is asked again ([`keep_open`]), so that nothing ineligible leaves the engine
//! whatever a channel does.

use gannet_core::ItemIndex;

use crate::slots::Slots;
use crate::{Candidate, ChannelList, ChannelReport, Eligibility, Found, ListFaults};

/// Items asked about together.
const TOGETHER: usize = 64;

/// A list that keeps every promise of [`crate::Channel`].
#[derive(Debug, Default)]
pub(crate) struct CheckedList {
    pub(crate) list: ChannelList,
    /// How many items the channel returned.
    pub(crate) returned: usize,
    pub(crate) faults: ListFaults,
}

/// Drops items that may not be shown, stand twice, have no finite score or come past `fetch_k`,
/// and brings rising scores into order. Runs on the channel's thread.
pub(crate) fn check(list: ChannelList, eligible: &Eligibility, fetch_k: usize) -> CheckedList {
    let ChannelList { mut found, partial, mut dropped } = list;
    let returned = found.len();
    let mut faults = ListFaults::default();
    let mut items: Vec<ItemIndex> = found.iter().map(|one| one.item).collect();
    let open: Vec<u64> = items.chunks(TOGETHER).map(|part| eligible.open_among(part)).collect();
    items.clear();
    let (mut slots, mut at) = (Slots::new(returned), 0);
    found.retain(|one| {
        let is_open = open[at / TOGETHER] >> (at % TOGETHER) & 1 == 1;
        at += 1;
        let fault = if !one.channel_score.is_finite() {
            &mut faults.not_finite
        } else if !is_open {
            eligible.refusal(one.item).into_iter().for_each(|refusal| dropped.add(refusal));
            &mut faults.ineligible
        } else if !slots.insert(one.item, &mut items) {
            &mut faults.duplicate
        } else {
            return true;
        };
        *fault += 1;
        false
    });
    faults.rising =
        found.windows(2).filter(|pair| pair[0].channel_score < pair[1].channel_score).count()
            as u32;
    if faults.rising > 0 {
        found.sort_by(|a: &Found, b| b.channel_score.total_cmp(&a.channel_score));
    }
    faults.surplus = found.len().saturating_sub(fetch_k) as u32;
    found.truncate(fetch_k);
    CheckedList { list: ChannelList { found, partial, dropped }, returned, faults }
}

/// A list of this crate's own channel, as it is.
pub(crate) fn believe(list: ChannelList) -> CheckedList {
    CheckedList { returned: list.found.len(), list, faults: ListFaults::default() }
}

/// Drops candidates that may not be shown, and counts each at the channels that found it.
pub(crate) fn keep_open(
    candidates: &mut Vec<Candidate>,
    eligible: &Eligibility,
    reports: &mut [ChannelReport],
) {
    let items: Vec<ItemIndex> = candidates.iter().map(|one| one.item).collect();
    let all_open =
        |part: &[ItemIndex]| eligible.open_among(part).count_ones() as usize == part.len();
    if items.chunks(TOGETHER).all(all_open) {
        return;
    }
    candidates.retain(|candidate| {
        let Some(refusal) = eligible.refusal(candidate.item) else { return true };
        for evidence in &candidate.evidence {
            let mut own = reports.iter_mut().filter(|report| report.channel == evidence.channel);
            if let Some(report) = own.next() {
                report.faults.ineligible += 1;
                report.dropped.add(refusal);
            }
        }
        false
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use gannet_core::{
        Catalogue, ChannelName, EventKind, EventKinds, Item, ItemId, Refusal, StringTable,
        Timestamp,
    };
    use gannet_models::{Histories, MergeWeights, Snapshot};

    use gannet_core::RefusalCounts;

    use super::*;
    use crate::{
        ChannelKinds, ChannelStatus, EngineState, Evidence, RawRequest, Request, UserProfile,
    };

    const CONFIG: &str = r#"
        [[channel]]
        name = "explore"
        kind = "explore"
        [[plan]]
        name = "home"
        [[plan.channel]]
        name = "explore"
        [[scene]]
        name = "default"
        plan = "home"
    "#;

    /// Of 100 items every tenth is not available.
    fn state() -> EngineState {
        let item = |at: u32| {
            let id = ItemId::new(at.to_string()).expect("an id");
            Item { available: !at.is_multiple_of(10), ..Item::bare(id) }
        };
        let items: Vec<Item> = (0..100).map(item).collect();
        let kinds = EventKinds::new(vec![EventKind::new("play", 1.0, None)]).expect("sound");
        let snapshot = Snapshot {
            version: "s".to_owned(),
            created: Timestamp(0),
            kinds,
            catalogue: Arc::new(Catalogue::from_items(&items).expect("distinct ids")),
            histories: Arc::new(Histories::new(StringTable::default(), vec![0], Vec::new())),
            models: BTreeMap::new(),
            merge_weights: MergeWeights::default(),
            recipe: String::new(),
        };
        let config = toml::from_str(CONFIG).expect("sound");
        let kinds = ChannelKinds::builtin();
        EngineState::new(Arc::new(snapshot), &config, &kinds, None).expect("sound")
    }

    fn report(channel: &str) -> ChannelReport {
        ChannelReport {
            channel: ChannelName::new(channel).expect("a name"),
            status: ChannelStatus::Complete,
            asked: 100,
            returned: 100,
            kept: 0,
            dropped: RefusalCounts::default(),
            faults: ListFaults::default(),
            wait_us: 0,
            run_us: 0,
        }
    }

    #[test]
    fn what_no_list_should_have_held_does_not_leave() {
        let state = Arc::new(state());
        let request = Request::check(RawRequest::default(), state.clone(), Timestamp(0));
        let request = request.expect("an empty request is sound");
        let profile = UserProfile::build(&request, &state);
        let plan = request.resolve(&profile).plan;
        let eligible = Eligibility::of(&request, &plan, &profile);
        let evidence = |channel: &str| Evidence {
            channel: ChannelName::new(channel).expect("a name"),
            channel_rank: 1,
            channel_score: 1.0,
            trigger: None,
        };
        let candidate = |at: u32| Candidate {
            item: ItemIndex(at),
            merge_score: 1.0,
            // Every item was found by `a`, every twentieth by `b` as well.
            evidence: ["a", "b"][..1 + usize::from(at.is_multiple_of(20))]
                .iter()
                .map(|c| evidence(c))
                .collect(),
        };
        let mut reports = [report("a"), report("b")];

        let mut sound: Vec<Candidate> = (1..10).map(candidate).collect();
        keep_open(&mut sound, &eligible, &mut reports);
        assert_eq!(sound.len(), 9);
        assert_eq!(reports, [report("a"), report("b")]);

        let mut broken: Vec<Candidate> = (0..100).map(candidate).collect();
        keep_open(&mut broken, &eligible, &mut reports);
        let left: Vec<u32> = broken.iter().map(|one| one.item.0).collect();
        assert_eq!(left, (0..100).filter(|at| at % 10 != 0).collect::<Vec<u32>>());
        assert_eq!(reports.each_ref().map(|report| report.faults.ineligible), [10, 5]);
        let unavailable = reports.each_ref().map(|one| one.dropped.of(Refusal::Unavailable));
        assert_eq!(unavailable, [10, 5]);
    }
}
