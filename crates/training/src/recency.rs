//! How new each item is.

use gannet_core::Timestamp;
use gannet_dataset::TrainSet;
use gannet_models::{Popularity, Recency};

/// Orders items by publication, or by their first event where that is unknown; among equals the
/// more popular first. Items with neither time are left out.
pub fn fit_recency(train: &TrainSet, popularity: &Popularity) -> Recency {
    let mut first_events: Vec<Option<Timestamp>> = vec![None; train.catalogue().len()];
    for event in train.all_events() {
        let first = &mut first_events[event.item.at()];
        *first = match (*first, event.time) {
            (Some(first), Some(time)) => Some(first.min(time)),
            (first, time) => first.or(time),
        };
    }
    let catalogue = train.catalogue();
    let published = catalogue
        .indices()
        .filter_map(|item| Some((item, catalogue.published(item).or(first_events[item.at()])?)))
        .collect();
    Recency::new(published, |item| popularity.score(item))
}
