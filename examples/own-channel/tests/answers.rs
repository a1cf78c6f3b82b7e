//! The example does what it says.

use gannet_core::ItemId;
use gannet_example_own_channel::world;
use gannet_retrieval::{RawHistoryEntry, RawRequest};

#[test]
fn the_newest_items_of_liked_authors_come_first() {
    let engine = world::engine("").unwrap();
    let item = ItemId::new("item 3").unwrap();
    let history = vec![RawHistoryEntry { item, kind: None, value: None, time: None }];
    let request = engine.admit(RawRequest { history, ..RawRequest::default() }).unwrap();
    let retrieval = engine.retrieve(request);
    let rows = retrieval.candidates.iter().map(|one| one.item.0);
    let found = retrieval.report.channels[0].returned;
    assert_eq!(rows.take(found).collect::<Vec<_>>(), [93, 83, 73, 63, 53, 43, 33, 23, 13]);
    assert_eq!(retrieval.report.channels[0].faults.total(), 0);
}

#[test]
fn a_parameter_that_the_kind_does_not_know_is_refused() {
    let error = world::engine("days = 3").err().unwrap().to_string();
    assert!(error.contains("followed") && error.contains("days"), "{error}");
    assert!(world::engine("history_max = 0").is_err());
}
