//! Guards that the simulated catalogue can be learnt from, and stays the same for a seed.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use gannet_core::{ItemIndex, KindIndex, Silent, Timestamp};
use gannet_dataset::{Simulation, SimulationOptions, Split, SplitKind, TestUser, simulate, split};

const EXPOSURE: KindIndex = KindIndex(0);
/// The end of the default span.
const END: Timestamp = Timestamp(1_704_067_200_000 + 365 * 86_400_000);

/// A simulated data set, divided by time, and what an observer can count in its training part.
struct Judged {
    made: Simulation,
    split: Split,
    popularity: Vec<f32>,
    /// Each item's likers.
    likers: Vec<Vec<u32>>,
    tags: HashMap<(u32, u32), f32>,
}

impl Judged {
    fn new(seed: u64) -> Self {
        let made =
            simulate(&SimulationOptions { seed, ..SimulationOptions::default() }, &Silent).unwrap();
        let kind = SplitKind::TemporalPerUser { train_share: 0.8 };
        let split = split(&made.dataset, &kind).unwrap();
        let (train, catalogue) = (&split.train, split.train.catalogue());
        let positives = train.positives();
        let mut likers = vec![Vec::new(); train.item_count()];
        let mut tags: HashMap<(u32, u32), f32> = HashMap::new();
        for user in 0..train.user_count() as u32 {
            for item in positives.row(user as usize).0 {
                likers[*item as usize].push(user);
                for tag in catalogue.tags(ItemIndex(*item)) {
                    *tags.entry((user, *tag)).or_default() += 1.0;
                }
            }
        }
        let popularity = likers.iter().map(|likers| likers.len() as f32).collect();
        Self { made, split, popularity, likers, tags }
    }

    fn users(&self) -> &[TestUser] {
        &self.split.test.users()[..200]
    }

    /// Mean recall at 50 of an order of all items that a user has not met.
    fn recall(&self, mut scores: impl FnMut(&TestUser) -> Vec<f32>) -> f64 {
        let mut sum = 0.0;
        for user in self.users() {
            let scores = scores(user);
            let known: Vec<ItemIndex> =
                self.split.train.events(user.user).iter().map(|event| event.item).collect();
            let mut ranked: Vec<ItemIndex> = (0..scores.len() as u32).map(ItemIndex).collect();
            ranked.retain(|item| !known.contains(item));
            ranked.sort_by(|a, b| scores[b.at()].total_cmp(&scores[a.at()]).then(a.cmp(b)));
            let hits = ranked.iter().take(50).filter(|item| user.held_out().contains(item));
            sum += hits.count() as f64 / user.held_out().len() as f64;
        }
        sum / self.users().len() as f64
    }

    fn by_popularity(&self) -> f64 {
        self.recall(|_| self.popularity.clone())
    }

    /// A user's tags against an item's, the popular first: what a good reader of tags can do.
    fn by_tags(&self) -> f64 {
        let catalogue = self.split.train.catalogue();
        let score = |user: &TestUser, item: ItemIndex| {
            let own = |tag: &u32| self.tags.get(&(user.user.0, *tag)).copied().unwrap_or(0.0);
            let own: f32 = catalogue.tags(item).iter().map(own).sum();
            own * (1.0 + self.popularity[item.at()]).ln()
        };
        self.recall(|user| catalogue.indices().map(|item| score(user, item)).collect())
    }

    /// Cosine of the items' likers, summed over what the user liked.
    fn by_company(&self) -> f64 {
        let positives = self.split.train.positives();
        self.recall(|user| {
            let mut scores = vec![0.0; self.popularity.len()];
            for liked in positives.row(user.user.at()).0 {
                for liker in &self.likers[*liked as usize] {
                    for other in positives.row(*liker as usize).0 {
                        let both =
                            self.popularity[*liked as usize] * self.popularity[*other as usize];
                        scores[*other as usize] += 1.0 / (both.sqrt() + 5.0);
                    }
                }
            }
            scores
        })
    }

    fn by_truth(&self) -> f64 {
        let catalogue = self.split.train.catalogue();
        self.recall(|user| {
            let taste = self.made.truth.taste_at(user.user, END);
            let liking = |item| taste.preference(item);
            catalogue.indices().map(liking).collect()
        })
    }
}

#[test]
fn true_preference_foretells_best_and_popularity_worst() {
    for seed in 1..=4 {
        let judged = Judged::new(seed);
        let (popular, company) = (judged.by_popularity(), judged.by_company());
        let (tags, truth) = (judged.by_tags(), judged.by_truth());
        let all = format!(
            "seed {seed}: recall@50 by popularity {popular:.4}, company {company:.4}, \
             tags {tags:.4}, truth {truth:.4}"
        );
        println!("{all}");
        assert!(company > 2.0 * popular && tags > 2.0 * popular, "{all}");
        assert!(truth > 1.1 * company && truth > 1.1 * tags, "{all}");
    }
}

#[test]
fn as_many_events_come_as_were_asked_for() {
    for (user_count, item_count, event_count) in [(2_000, 3_000, 120_000), (300, 400, 20_000)] {
        for seed in 1..=3 {
            let options = SimulationOptions {
                user_count,
                item_count,
                event_count,
                seed,
                ..SimulationOptions::default()
            };
            let made = simulate(&options, &Silent).unwrap().dataset.events.users.len() as f64;
            let asked = f64::from(event_count);
            assert!((made - asked).abs() < 0.05 * asked, "{made} in the place of {asked}");
        }
    }
}

#[test]
fn items_have_up_to_three_tags_and_some_more_than_one() {
    let catalogue = simulate(&SimulationOptions::default(), &Silent).unwrap().dataset.catalogue;
    let mut counts = [0; 4];
    for item in catalogue.indices() {
        counts[catalogue.tags(item).len()] += 1;
    }
    assert_eq!(counts[0], 0);
    assert!(counts[1] > counts[2] && counts[2] > counts[3] && counts[3] > 50, "{counts:?}");
}

#[test]
fn interests_drift() {
    let dataset = simulate(&SimulationOptions::default(), &Silent).unwrap().dataset;
    let span = |fifth: i64| {
        let length = 365 * 86_400_000 / 5;
        let start = SimulationOptions::default().start.0 + fifth * length;
        start..start + length
    };
    // Each user's share of events on each tag, in the first, the fourth and the last fifth.
    let mut shares: [HashMap<(u32, u32), f32>; 3] = Default::default();
    for (user, event) in dataset.events.users.iter().zip(&dataset.events.interactions) {
        for (shares, fifth) in shares.iter_mut().zip([0, 3, 4]) {
            if event.time.is_some_and(|time| span(fifth).contains(&time.0)) {
                for tag in dataset.catalogue.tags(event.item) {
                    *shares.entry((user.0, *tag)).or_default() += 1.0;
                }
            }
        }
    }
    let [first, fourth, last] = &shares;
    let alike = |earlier: &HashMap<(u32, u32), f32>| {
        let norm = |own: &HashMap<_, f32>| own.values().map(|count| count * count).sum::<f32>();
        let product = |(key, count): (&(u32, u32), &f32)| count * earlier.get(key).unwrap_or(&0.0);
        last.iter().map(product).sum::<f32>() / (norm(earlier) * norm(last)).sqrt()
    };
    let (far, near) = (alike(first), alike(fourth));
    assert!(near > 1.2 * far, "the last fifth is like the first {far:.3}, the fourth {near:.3}");
}

#[test]
fn the_seed_decides_everything_and_no_event_comes_before_its_item() {
    let options = SimulationOptions {
        user_count: 50,
        item_count: 200,
        event_count: 1500,
        ..SimulationOptions::default()
    };
    let made = simulate(&options, &Silent).unwrap();
    let again = simulate(&options, &Silent).unwrap();
    assert_eq!((&made.dataset, &made.truth), (&again.dataset, &again.truth));
    let other = simulate(&SimulationOptions { seed: 2, ..options }, &Silent).unwrap();
    assert_ne!(made.dataset, other.dataset);
    let strengths: Vec<f32> = made
        .dataset
        .events
        .interactions
        .iter()
        .filter(|event| event.kind != EXPOSURE)
        .map(|event| made.dataset.kinds.strength(event.kind, event.value))
        .collect();
    let share = |of: fn(f32) -> bool| {
        strengths.iter().filter(|strength| of(**strength)).count() as f64 / strengths.len() as f64
    };
    let (positive, negative) = (share(|strength| strength > 0.0), share(|strength| strength < 0.0));
    let sound = (0.6..0.95).contains(&positive) && (0.005..0.2).contains(&negative);
    assert!(sound, "{positive:.3} of the events are positive, {negative:.3} negative");
    for event in &made.dataset.events.interactions {
        assert!(event.time >= made.dataset.catalogue.published(event.item));
    }
}
