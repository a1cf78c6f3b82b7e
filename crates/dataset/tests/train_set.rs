//! What training is given: events in order without a copy, and each user's newest positives.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_core::{
    Catalogue, EventKinds, Interaction, Item, ItemId, ItemIndex, KindIndex, Timestamp, UserIndex,
};
use gannet_dataset::{Dataset, Events, TrainSet};
use proptest::prelude::*;

const ITEMS: u32 = 6;
const USERS: u32 = 4;

/// `(user, item, value, time)` of each event.
type Row = (u32, u32, f32, Option<i64>);

fn dataset(rows: &[Row]) -> Dataset {
    let items: Vec<Item> =
        (0..ITEMS).map(|at| Item::bare(ItemId::new(at.to_string()).unwrap())).collect();
    let mut events = Events::default();
    for (user, item, value, time) in rows {
        events.users.push(UserIndex(*user));
        let (item, kind, time) = (ItemIndex(*item), KindIndex(0), time.map(Timestamp));
        events.interactions.push(Interaction { item, kind, value: *value, time, scene: None });
    }
    Dataset {
        name: "made".into(),
        catalogue: Arc::new(Catalogue::from_items(&items).unwrap()),
        users: Arc::new((0..USERS).map(|user| format!("u{user}")).collect()),
        user_fields: Arc::default(),
        scenes: Vec::new(),
        kinds: EventKinds::rating(4.0),
        events,
        test_events: None,
    }
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (0..USERS, 0..ITEMS, 1f32..6.0, prop::option::of(0i64..5));
    prop::collection::vec(row, 0..40)
}

proptest! {
    #[test]
    fn taking_a_data_set_gives_what_looking_at_it_does(rows in rows(), sorted in any::<bool>()) {
        let mut rows = rows;
        if sorted {
            rows.sort_by_key(|row| (row.0, row.3));
        }
        let dataset = dataset(&rows);
        let looked = TrainSet::whole(&dataset);
        let taken = TrainSet::whole_of(dataset);
        prop_assert_eq!(taken.offsets(), looked.offsets());
        prop_assert_eq!(taken.all_events(), looked.all_events());
        let (offsets, events) = taken.shared_events();
        prop_assert_eq!((&offsets[..], &events[..]), (taken.offsets(), taken.all_events()));
    }

    #[test]
    fn the_newest_positives_are_those_of_a_walk_back(rows in rows(), items_max in 1usize..8) {
        let train = TrainSet::whole(&dataset(&rows));
        let positives = train.newest_positives(items_max);
        for user in 0..USERS {
            let mut expected: BTreeMap<u32, f32> = BTreeMap::new();
            for event in train.events(UserIndex(user)).iter().rev() {
                let strength = train.kinds().strength(event.kind, event.value);
                let known = expected.contains_key(&event.item.0);
                if strength > 0.0 && (known || expected.len() < items_max) {
                    let best = expected.entry(event.item.0).or_insert(strength);
                    *best = best.max(strength);
                }
            }
            let found: BTreeMap<u32, f32> = positives.entries(user as usize).collect();
            prop_assert_eq!(found, expected);
        }
        prop_assert_eq!(train.newest_positives(usize::MAX), train.positives());
    }
}
