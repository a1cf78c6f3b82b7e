//! Lists against the truth of a simulation: nothing beats the oracle.
#![allow(clippy::unwrap_used)]

mod world;

use gannet_core::Silent;
use gannet_dataset::{SimulationOptions, SplitKind, TruePreference, simulate, split};
use gannet_evaluation::{EvaluateError, TruthList, TruthOptions, evaluate_truth};
use proptest::prelude::*;

fn small(seed: u64) -> SimulationOptions {
    SimulationOptions {
        user_count: 40,
        item_count: world::ITEMS,
        event_count: 1_200,
        days: 30,
        seed,
        ..SimulationOptions::default()
    }
}

fn options() -> TruthOptions {
    TruthOptions { users_max: 25, ks: vec![5, 40], ..TruthOptions::default() }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 8,
        failure_persistence: None,
        ..Default::default()
    })]
    #[test]
    fn the_oracle_beats_every_list_and_chance_finds_its_share(seed: u64) {
        let made = simulate(&small(seed), &Silent).unwrap();
        let split = split(&made.dataset, &SplitKind::TemporalPerUser { train_share: 0.8 }).unwrap();
        let engine = world::engine(&split, &world::config("rrf", 40, 60));
        let report = evaluate_truth(&engine, &made.truth, &options(), &Silent).unwrap();
        prop_assert_eq!(report.users, 25);
        let names: Vec<&str> = report.lists.iter().map(|list| list.list.as_str()).collect();
        let wanted = ["walk1", "walk7", "walk11", "walk0", "merged", "random", "oracle"];
        prop_assert_eq!(names, wanted);
        let oracle = &report.lists[6];
        for list in &report.lists[..6] {
            for (own, best) in list.at.iter().zip(&oracle.at) {
                prop_assert_eq!(best.truth_recall, 1.0);
                prop_assert!(best.preference > own.preference, "{} {:?}", list.list, own);
                prop_assert!((0.0..1.0).contains(&own.truth_recall), "{} {:?}", list.list, own);
            }
        }
        let at_40 = |list: &TruthList| list.at[1];
        prop_assert_eq!(at_40(&report.lists[3]).length, 0.0);
        let chance = at_40(&report.lists[5]);
        prop_assert!(chance.length == 40.0 && (0.05..0.4).contains(&chance.truth_recall));
        let again = evaluate_truth(&engine, &made.truth, &options(), &Silent).unwrap();
        prop_assert_eq!(&again, &report);
        prop_assert_eq!(report.table().rows.len(), 7);
    }
}

#[test]
fn a_truth_of_other_data_and_options_without_sense_are_refused() {
    let rated = world::per_user();
    let engine = world::engine(&rated, &world::config("rrf", 40, 60));
    let truth = TruePreference::of(&small(1)).unwrap();
    let field = |options: TruthOptions| match evaluate_truth(&engine, &truth, &options, &Silent) {
        Err(EvaluateError::Options { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(options()), "truth");
    let made = simulate(&small(1), &Silent).unwrap();
    let split_of_one = SplitKind::TemporalPerUser { train_share: 0.8 };
    let one = split(&made.dataset, &split_of_one).unwrap();
    let engine_of_one = world::engine(&one, &world::config("rrf", 40, 60));
    for (other, why) in [
        (small(2), "published at another time"),
        (
            SimulationOptions { item_count: world::ITEMS - 1, ..small(1) },
            "a catalogue of 299 items",
        ),
        (SimulationOptions { user_count: 5, event_count: 300, ..small(1) }, "knows no user"),
    ] {
        let truth = TruePreference::of(&other).unwrap();
        let error = evaluate_truth(&engine_of_one, &truth, &options(), &Silent).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!(field(TruthOptions { users_max: 0, ..options() }), "users_max");
    for ks in [vec![], vec![0, 5], vec![5, 5]] {
        assert_eq!(field(TruthOptions { ks, ..options() }), "ks");
    }
}
