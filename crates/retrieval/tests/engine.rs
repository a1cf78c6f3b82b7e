//! The request path with channels that misbehave: every answer leaves on time and says what is
//! missing, and nothing is left behind.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gannet_core::{ItemId, ItemIndex, Refusal, Stage, Timestamp};
use gannet_retrieval::{
    BuiltinRanker, ChannelStatus, Explanation, RawHistoryEntry, RawRequest, Refused, Retrieval,
};
use support::{Behaviour, NOW, WORKERS, World, of_user};

const SOUND: [(&str, Behaviour); 3] =
    [("one", Behaviour::Sound), ("two", Behaviour::Sound), ("three", Behaviour::Sound)];

fn status(retrieval: &Retrieval, channel: &str) -> ChannelStatus {
    let report = retrieval.report.channels.iter().find(|one| one.channel.as_str() == channel);
    report.expect("every channel of the plan is reported").status.clone()
}

/// Everything but times.
fn outcome(
    retrieval: Retrieval,
) -> (Vec<gannet_retrieval::Candidate>, Vec<(String, usize, usize)>) {
    let channels = retrieval.report.channels.iter();
    let kept = channels.map(|one| (one.channel.to_string(), one.returned, one.kept)).collect();
    (retrieval.candidates, kept)
}

#[test]
fn an_answer_has_every_stage_and_counts_what_was_kept() {
    let retrieval = World::new(&SOUND).ask(3);
    assert_eq!(retrieval.candidates.len(), 60);
    assert!(!retrieval.report.degraded);
    assert_eq!(retrieval.report.filled_from_fallback, 0);
    let stages: Vec<Stage> = retrieval.report.stages.iter().map(|one| one.stage).collect();
    assert_eq!(stages, Stage::ALL[..6]);
    assert_eq!(retrieval.lists.len(), 3);
    for report in &retrieval.report.channels {
        let has = |candidate: &&gannet_retrieval::Candidate| {
            candidate.evidence.iter().any(|one| one.channel == report.channel)
        };
        assert_eq!(report.kept, retrieval.candidates.iter().filter(has).count());
        assert_eq!((report.asked, report.returned, report.faults.total()), (50, 50, 0));
        assert!(report.dropped.total() > 0);
    }
}

#[test]
fn a_thousand_requests_are_answered_the_same_twice() {
    let world = World::new(&SOUND);
    let request = |at: u32| {
        let entry = |item: u32| RawHistoryEntry {
            item: ItemId::new(format!("i{item}")).unwrap(),
            kind: None,
            value: None,
            time: None,
        };
        let filter = format!("tags any [\"tag/t{}\"]", at % 9);
        RawRequest {
            history: (0..at % 4).map(|more| entry(at * 31 % 520 + more)).collect(),
            filter: at.is_multiple_of(3).then_some(filter),
            size: at.is_multiple_of(5).then_some(1 + at as usize % 100),
            ..of_user(at % 50)
        }
    };
    let answers = || -> Vec<_> {
        (0..1_000)
            .map(|at| outcome(world.engine.retrieve(world.engine.admit(request(at)).unwrap())))
            .collect()
    };
    assert_eq!(answers(), answers());
}

#[test]
fn nothing_refused_is_ever_answered_the_fallback_included() {
    for behaviour in [Behaviour::Sound, Behaviour::Fails] {
        let world = World::new(&[("one", behaviour)]);
        for user in 0..40 {
            let retrieval = world.ask(user);
            let state = world.engine.state();
            let index = state.snapshot.histories.find(&format!("u{user}")).unwrap();
            let consumed: BTreeSet<ItemIndex> =
                state.snapshot.histories.events(index).iter().map(|event| event.item).collect();
            for candidate in &retrieval.candidates {
                assert!(!consumed.contains(&candidate.item));
                assert!(state.snapshot.catalogue.available().contains(candidate.item.0));
            }
        }
    }
}

#[test]
fn the_fallback_keeps_to_the_filter_and_to_what_the_user_blocked() {
    let filter = "tags = \"tag/t3\"".to_owned();
    let blocked: Vec<ItemId> = [3, 10].map(|at| ItemId::new(format!("i{at}")).unwrap()).to_vec();
    let raw = RawRequest { filter: Some(filter), blocked, user: None, ..of_user(0) };
    let world = World::new(&[("fails", Behaviour::Fails)]);
    let retrieval = world.engine.retrieve(world.engine.admit(raw).unwrap());
    assert!(retrieval.report.degraded);
    // Items 3, 10, 17, .. have the tag, every tenth item is unavailable, two are blocked.
    let open: Vec<u32> = (17..500).step_by(7).filter(|at| at % 10 != 9).collect();
    let rows: Vec<u32> = retrieval.candidates.iter().map(|one| one.item.0).collect();
    assert_eq!(rows, open[..60]);
    assert_eq!(retrieval.report.filled_from_fallback, 60);
}

#[test]
fn a_healthy_answer_that_is_short_is_not_degraded() {
    let narrow = "published >= 0 and published < 30".to_owned();
    let narrow = RawRequest { filter: Some(narrow), user: None, ..of_user(0) };
    let small = World::of_size(&[("one", Behaviour::Sound)], "handover = 60", 50, 30);
    let large = World::new(&SOUND);
    for (world, raw) in [(&small, RawRequest { user: None, ..of_user(0) }), (&large, narrow)] {
        let retrieval = world.engine.retrieve(world.engine.admit(raw).unwrap());
        // Items 0 to 29 without every tenth: the channel of the first item finds them all.
        assert_eq!(retrieval.candidates.len(), 27);
        assert_eq!(retrieval.report.filled_from_fallback, 0);
        assert!(!retrieval.report.degraded);
    }
}

#[test]
fn a_healthy_answer_that_its_channels_leave_short_is_filled_and_not_degraded() {
    // The channel names five of the 27 items that may be shown.
    let world = World::of_size(&[("one", Behaviour::Sound)], "handover = 60", 5, 30);
    let raw = RawRequest { user: None, ..of_user(0) };
    let retrieval = world.engine.retrieve(world.engine.admit(raw).unwrap());
    assert!(!retrieval.report.degraded);
    assert_eq!(retrieval.candidates.len(), 27);
    assert_eq!(retrieval.report.filled_from_fallback, 22);
}

#[test]
fn the_fallback_keeps_to_the_caps() {
    // Five authors; the channel names items 0 to 4, one of each.
    let answer = |cap: &str| {
        let keys = format!("handover = 60\ncap = [{{ field = \"author\", {cap} }}]");
        let world = World::of_size(&[("one", Behaviour::Sound)], &keys, 5, 500);
        let raw = RawRequest { user: None, ..of_user(0) };
        let retrieval = world.engine.retrieve(world.engine.admit(raw).unwrap());
        let authors = retrieval.candidates.iter().map(|one| one.item.0 % 5);
        let counts = authors.fold([0; 5], |mut counts: [usize; 5], author| {
            counts[author as usize] += 1;
            counts
        });
        (retrieval.report.filled_from_fallback, counts)
    };
    assert_eq!(answer("max = 3, hard = true"), (10, [3; 5]));
    // A soft cap gives way, but only after every author has had his share.
    let (filled, counts) = answer("max = 11");
    assert_eq!((filled, counts.iter().sum()), (55, 60));
    assert!(counts.iter().all(|count| *count >= 11), "{counts:?}");
}

#[test]
fn a_broken_channel_costs_its_own_list_only_and_the_answer_says_so() {
    let world = World::new(&[
        ("one", Behaviour::Sound),
        ("panics", Behaviour::Panics),
        ("fails", Behaviour::Fails),
    ]);
    for user in 0..20 {
        let retrieval = world.ask(user);
        assert_eq!(status(&retrieval, "one"), ChannelStatus::Complete);
        assert_eq!(status(&retrieval, "panics"), ChannelStatus::Panicked("as told".to_owned()));
        assert_eq!(status(&retrieval, "fails"), ChannelStatus::Failed("as told".to_owned()));
        assert!(retrieval.report.degraded);
        assert_eq!(retrieval.candidates.len(), 60);
        assert_eq!(retrieval.report.filled_from_fallback, 10);
        let last = &retrieval.candidates[59].evidence[0];
        assert_eq!(last.channel.as_str(), "fallback");
    }
    assert!(world.settles());
}

#[test]
fn a_stuck_channel_costs_no_answer_and_no_thread() {
    let world = World::new(&[("one", Behaviour::Sound), ("stuck", Behaviour::Stuck)]);
    // On a busy machine no thread may be free for it at first; a call that is late is excused for
    // as long again as it had.
    let is_late = || status(&world.ask(0), "stuck") == ChannelStatus::Late;
    assert!((0..100).any(|_| is_late()), "the stuck channel was never left behind");
    assert!((0..100).any(|_| !is_late()), "the stuck channel is asked for ever");
    let entered = world.gate.entered.load(Ordering::SeqCst);
    assert!(entered <= 3, "{entered} threads are inside the stuck channel");
    assert_eq!(world.engine.thread_counts(), (WORKERS + entered, entered));
    for user in 0..300 {
        let since = Instant::now();
        let retrieval = world.ask(user % 40);
        assert!(since.elapsed() < Duration::from_secs(5), "an answer waited for a stuck channel");
        assert!(retrieval.report.degraded);
        assert_eq!(status(&retrieval, "one"), ChannelStatus::Complete);
        assert!(matches!(status(&retrieval, "stuck"), ChannelStatus::Skipped(_)));
        assert_eq!(retrieval.candidates.len(), 60);
    }
    assert_eq!(world.gate.entered.load(Ordering::SeqCst), entered, "it was called again");
    world.gate.open();
    assert!(world.settles(), "{:?}", world.engine.thread_counts());
    let healed = world.ask(0);
    assert_eq!(status(&healed, "stuck"), ChannelStatus::Complete);
    assert!(!healed.report.degraded);
}

#[test]
fn more_stuck_channels_than_threads_leave_a_fallback_and_heal() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let channels: Vec<(&str, Behaviour)> =
        names.iter().map(|name| (*name, Behaviour::Stuck)).collect();
    let world = World::new(&channels);
    for user in 0..200 {
        let retrieval = world.ask(user % 40);
        assert_eq!(retrieval.candidates.len(), 60);
        assert_eq!(retrieval.report.filled_from_fallback, 60);
        assert!(retrieval.report.degraded);
        assert!(world.engine.thread_counts().0 <= WORKERS + 4);
    }
    assert_eq!(world.engine.thread_counts(), (WORKERS + 4, WORKERS + 4));
    world.gate.open();
    assert!(world.settles(), "{:?}", world.engine.thread_counts());
    assert!(!world.ask(0).report.degraded);
}

#[test]
fn a_late_call_does_not_take_the_channel_from_the_next_request() {
    let world = World::new(&[("slow", Behaviour::Slow(Duration::from_millis(90)))]);
    // The call of the first request has 60 ms to go when the second begins. Only a machine that
    // stands still for longer than the deadline of 30 ms makes it stuck.
    let pair = || [status(&world.ask(0), "slow"), status(&world.ask(1), "slow")];
    let both_late = || {
        let late = pair() == [ChannelStatus::Late, ChannelStatus::Late];
        assert!(world.settles());
        late
    };
    assert!((0..20).any(|_| both_late()), "the second request was never given the channel");
}

#[test]
fn ten_thousand_requests_with_every_kind_of_trouble_leave_no_thread_behind() {
    let world = World::new(&[
        ("one", Behaviour::Sound),
        ("slow", Behaviour::Slow(Duration::from_millis(3))),
        ("panics", Behaviour::Panics),
        ("fails", Behaviour::Fails),
    ]);
    let late = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (world, late) = (&world, &late);
            scope.spawn(move || {
                for at in 0..2_500 {
                    let retrieval = world.ask((at + thread) % 40);
                    assert_eq!(status(&retrieval, "one"), ChannelStatus::Complete);
                    assert_eq!(retrieval.candidates.len(), 60);
                    let is_late = status(&retrieval, "slow") == ChannelStatus::Late;
                    late.fetch_add(usize::from(is_late), Ordering::SeqCst);
                }
            });
        }
    });
    assert!(late.into_inner() > 100, "the slow channel was hardly ever asked");
    assert!(world.settles(), "{:?}", world.engine.thread_counts());
}

#[test]
fn concurrent_requests_with_a_slow_channel_all_leave_on_time() {
    let slow = Behaviour::Slow(Duration::from_millis(120));
    let world = World::new(&[("one", Behaviour::Sound), ("slow", slow)]);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for user in 0..15 {
                    let since = Instant::now();
                    let retrieval = world.ask((user + thread) % 40);
                    assert!(since.elapsed() < Duration::from_secs(5));
                    assert!(retrieval.report.degraded);
                    assert_eq!(retrieval.candidates.len(), 60);
                    assert_ne!(status(&retrieval, "slow"), ChannelStatus::Complete);
                }
            });
        }
    });
    assert!(world.settles(), "{:?}", world.engine.thread_counts());
}

#[test]
fn a_channel_that_stops_at_its_deadline_is_partial_and_not_late() {
    let plan = "handover = 60\ndeadline_ms = 200";
    let world = World::with_plan(&[("patient", Behaviour::Patient)], plan);
    // On a busy machine it may miss the moment between its deadline and the answer's.
    let partial = (0..20)
        .map(|_| world.ask(1))
        .find(|retrieval| status(retrieval, "patient") == ChannelStatus::Partial)
        .expect("a partial list in twenty requests");
    assert!(partial.report.degraded);
    assert_eq!(partial.report.channels[0].kept, 50);
}

#[test]
fn what_a_channel_must_not_return_is_dropped_and_counted() {
    let world = World::new(&[("unruly", Behaviour::Unruly)]);
    let request = RawRequest { user: None, ..of_user(0) };
    let retrieval = world.engine.retrieve(world.engine.admit(request).unwrap());
    let report = &retrieval.report.channels[0];
    assert_eq!(report.status, ChannelStatus::Complete);
    let faults = report.faults;
    assert_eq!((faults.ineligible, faults.duplicate, faults.not_finite), (2, 1, 1));
    assert!(faults.rising > 0);
    assert_eq!(faults.surplus, 2);
    assert_eq!(report.returned, 56);
    assert_eq!(report.dropped.of(Refusal::Unavailable), 2);
    let list = &retrieval.lists[0].list.found;
    assert_eq!(list.len(), 50);
    assert!(list.windows(2).all(|pair| pair[0].channel_score >= pair[1].channel_score));
}

#[test]
fn size_overrides_the_handover_size() {
    let world = World::new(&SOUND);
    for size in [1, 7, 120] {
        let request = RawRequest { size: Some(size), ..of_user(2) };
        let retrieval = world.engine.retrieve(world.engine.admit(request).unwrap());
        assert_eq!(retrieval.candidates.len(), size);
    }
}

#[test]
fn the_ranker_gives_the_best_few_with_scores_that_do_not_rise() {
    let world = World::new(&SOUND);
    let top = |count| {
        let request = world.engine.admit(of_user(2)).unwrap();
        world.engine.retrieve_ranked(request, &BuiltinRanker::default(), count)
    };
    let retrieval = top(10);
    assert_eq!((retrieval.candidates.len(), retrieval.rank_scores.len()), (10, 10));
    assert!(retrieval.rank_scores.windows(2).all(|pair| pair[0] >= pair[1]));
    assert_eq!(retrieval.report.stages.last().map(|one| one.stage), Some(Stage::Rank));
    assert_eq!(top(10).candidates, retrieval.candidates);
    assert_eq!(top(1_000).candidates.len(), 60);
}

#[test]
fn an_explanation_names_the_stage_that_dropped_an_item() {
    let world = World::new(&[("three", Behaviour::Sound)]);
    let user = of_user(0);
    let explain = |item: u32, size: usize| {
        let request = RawRequest { size: Some(size), ..user.clone() };
        world.engine.explain(world.engine.admit(request).unwrap(), ItemIndex(item))
    };
    let refused = |refusal, since| Explanation::Refused(Refused { refusal, since });
    assert_eq!(explain(9, 60), refused(Refusal::Unavailable, None));
    let consumed = Timestamp(NOW.0 - 9 * 86_400_000);
    assert_eq!(explain(3, 60), refused(Refusal::Consumed, Some(consumed)));
    assert!(matches!(explain(1, 60), Explanation::Answered(1, _)));
    assert!(matches!(explain(4, 1), Explanation::CutByMerge(evidence) if evidence.len() == 1));
    assert_eq!(explain(490, 60), Explanation::NotFound);
}
