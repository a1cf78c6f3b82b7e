//! Guards that the simulated catalogue can be learnt from, and stays the same for a seed.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use gannet_core::{ItemIndex, Silent};
use gannet_dataset::{SimulationOptions, SplitKind, TestUser, simulate, split};

fn recall_at_50(
    users: &[TestUser],
    score: impl Fn(&TestUser, ItemIndex) -> f32,
    items: u32,
    known: impl Fn(&TestUser, ItemIndex) -> bool,
) -> f64 {
    let mut sum = 0.0;
    for user in users {
        let mut ranked: Vec<(f32, ItemIndex)> = (0..items)
            .map(ItemIndex)
            .filter(|item| !known(user, *item))
            .map(|item| (score(user, item), item))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let hits = ranked.iter().take(50).filter(|(_, item)| user.held_out().contains(item));
        sum += hits.count() as f64 / user.held_out().len() as f64;
    }
    sum / users.len() as f64
}

#[test]
fn tags_beat_popularity_and_the_truth_beats_both() {
    let made = simulate(&SimulationOptions::default(), &Silent);
    let kind = SplitKind::TemporalPerUser { train_share: 0.8 };
    let split = split(&made.dataset, &kind).unwrap();
    let (train, catalogue) = (&split.train, split.train.catalogue());
    let positives = train.positives();
    let mut popularity = vec![0.0f32; train.item_count()];
    for user in 0..train.user_count() {
        for item in positives.row(user).0 {
            popularity[*item as usize] += 1.0;
        }
    }
    let mut tags: HashMap<(u32, u32), f32> = HashMap::new();
    for user in 0..train.user_count() as u32 {
        for item in positives.row(user as usize).0 {
            *tags.entry((user, catalogue.tags(ItemIndex(*item))[0])).or_default() += 1.0;
        }
    }
    let users = &split.test.users()[..300];
    let known = |user: &TestUser, item| train.events(user.user).iter().any(|e| e.item == item);
    let items = train.item_count() as u32;
    let popular = recall_at_50(users, |_, item| popularity[item.at()], items, known);
    let tagged = |user: &TestUser, item: ItemIndex| {
        let own = tags.get(&(user.user.0, catalogue.tags(item)[0])).copied().unwrap_or(0.0);
        own * (1.0 + popularity[item.at()]).ln()
    };
    let by_tags = recall_at_50(users, tagged, items, known);
    // What a user prefers he must also meet: popularity stands for that.
    let truth = |user: &TestUser, item: ItemIndex| {
        8.0 * made.truth.preference(user.user, item) + (1.0 + popularity[item.at()]).ln()
    };
    let by_truth = recall_at_50(users, truth, items, known);
    println!("recall@50: popularity {popular:.4}, tags {by_tags:.4}, truth {by_truth:.4}");
    assert!(by_tags > 1.3 * popular, "popularity {popular:.4}, tags {by_tags:.4}");
    assert!(by_truth > 1.1 * by_tags, "tags {by_tags:.4}, truth {by_truth:.4}");
}

#[test]
fn the_seed_decides_everything_and_no_event_comes_before_its_item() {
    let options = SimulationOptions {
        user_count: 50,
        item_count: 200,
        event_count: 1500,
        ..SimulationOptions::default()
    };
    let made = simulate(&options, &Silent);
    let again = simulate(&options, &Silent);
    assert_eq!((&made.dataset, &made.truth), (&again.dataset, &again.truth));
    let other = simulate(&SimulationOptions { seed: 2, ..options }, &Silent);
    assert_ne!(made.dataset, other.dataset);
    let strengths: Vec<f32> = made
        .dataset
        .events
        .interactions
        .iter()
        .map(|event| made.dataset.kinds.strength(event.kind, event.value))
        .collect();
    assert!(strengths.iter().any(|s| *s > 0.0) && strengths.iter().any(|s| *s < 0.0));
    for event in &made.dataset.events.interactions {
        assert!(event.time >= made.dataset.catalogue.published(event.item));
    }
}
