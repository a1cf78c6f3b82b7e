//! What is counted of a data set before anything is advised.

use gannet_core::{Catalogue, ItemIndex, KeyField, Timestamp, UserIndex};
use gannet_dataset::TrainSet;
use serde::Serialize;

/// Users by whom habits are measured: enough for two digits.
const HABIT_USERS_MAX: usize = 5_000;
/// Share of the span at its end whose events tell how much is new.
const LATE_SHARE: f64 = 0.1;
/// Seconds of one addition to a sum in memory out of cache, for estimates.
const SECONDS_AN_ADDITION: f64 = 8e-9;

/// How much more often than by chance users come back to the keys of a field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Returning {
    /// The field: `tags`, `author` or a text field.
    pub(crate) field: String,
    /// Share of items that have a key of it.
    pub(crate) coverage: f64,
    /// Number of distinct keys.
    pub(crate) keys: usize,
    /// Of the positive events of the later half of a user's history, the share whose item shares
    /// a key with the earlier half.
    pub(crate) own: f64,
    /// The same share when the later halves are another user's: what chance and fashion give.
    pub(crate) others: f64,
}

impl Returning {
    /// How many times as often as by chance; 1 where nothing can be said.
    pub(crate) fn lift(&self) -> f64 {
        if self.others > 0.0 { self.own / self.others } else { 1.0 }
    }
}

/// Counts and shares of one data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Facts {
    pub(crate) items: usize,
    pub(crate) users: usize,
    pub(crate) events: usize,
    /// Events of strength above 0.
    pub(crate) positives: usize,
    /// Events of strength below 0.
    pub(crate) negatives: usize,
    pub(crate) positives_a_user_median: usize,
    pub(crate) positives_an_item_median: usize,
    /// Users of fewer than five positive events, as a share of those with any event.
    pub(crate) thin_users_share: f64,
    /// Share of the positive events that fall on the most liked hundredth of the items.
    pub(crate) head_share: f64,
    /// Positive events of a user on an item that he had liked before, as a share.
    pub(crate) repeat_share: f64,
    /// Days between the first and the last event; 0 where not all events have times.
    pub(crate) span_days: f64,
    /// Of the positive events in the last tenth of the span, the share on items whose own first
    /// event lies there too: what no trained model can know.
    pub(crate) new_item_share: f64,
    /// The names of the events' scenes.
    pub(crate) scenes: Vec<String>,
    /// Habits by field, only of fields that some item has.
    pub(crate) returning: Vec<Returning>,
    /// Σ n² over users' positive events: the additions of item-to-item counting.
    pub(crate) pair_additions: f64,
}

impl Facts {
    /// Counts everything: a few passes over the events.
    pub(crate) fn of(train: &TrainSet) -> Self {
        let positive = |user| {
            let events = train.events(UserIndex(user)).iter();
            let strength =
                |event: &gannet_core::Interaction| train.kinds().strength(event.kind, event.value);
            events.filter(move |event| strength(event) > 0.0)
        };
        let users = 0..train.user_count() as u32;
        let mut by_item = vec![0usize; train.item_count()];
        let (mut by_user, mut thin, mut active, mut repeats) = (Vec::new(), 0, 0, 0);
        for user in users.clone() {
            let mut items: Vec<ItemIndex> = positive(user).map(|event| event.item).collect();
            items.iter().for_each(|item| by_item[item.at()] += 1);
            active += usize::from(!train.events(UserIndex(user)).is_empty());
            let count = items.len();
            items.sort_unstable();
            items.dedup();
            repeats += count - items.len();
            thin += usize::from(count < 5 && !train.events(UserIndex(user)).is_empty());
            if count > 0 {
                by_user.push(count);
            }
        }
        let strength_below = |event: &&gannet_core::Interaction| {
            train.kinds().strength(event.kind, event.value) < 0.0
        };
        let negatives = train.all_events().iter().filter(strength_below).count();
        let positives: usize = by_user.iter().sum();
        let (span_days, new_item_share) = newness(train);
        Self {
            items: train.item_count(),
            users: train.user_count(),
            events: train.event_count(),
            positives,
            negatives,
            positives_a_user_median: median(&by_user),
            positives_an_item_median: median(&by_item),
            thin_users_share: share(thin, active),
            head_share: share(head(&by_item), positives),
            repeat_share: share(repeats, positives),
            span_days,
            new_item_share,
            scenes: train.scenes().to_vec(),
            returning: returning(train),
            pair_additions: by_user.iter().map(|count| (*count as f64).powi(2)).sum(),
        }
    }

    /// Seconds that item-to-item counting will take on so many cores, roughly.
    pub(crate) fn item_cf_seconds(&self, cores: usize) -> f64 {
        self.pair_additions * SECONDS_AN_ADDITION / cores.max(1) as f64
    }

    /// MiB that training holds at least: events twice, and lists of 200 neighbours.
    pub(crate) fn training_mib(&self) -> f64 {
        let bytes = self.events as f64 * 64.0 + self.items as f64 * 200.0 * 8.0;
        bytes / f64::from(1 << 20)
    }

    /// Whether every event has a time.
    pub(crate) fn is_timed(&self) -> bool {
        self.span_days > 0.0
    }
}

pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn median(counts: &[usize]) -> usize {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// Events of the most liked hundredth of the items, at least of one.
fn head(by_item: &[usize]) -> usize {
    let mut sorted = by_item.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    sorted.iter().take((sorted.len() / 100).max(1)).sum()
}

/// Days of the span, and how much of its end is new.
fn newness(train: &TrainSet) -> (f64, f64) {
    let mut first_seen: Vec<Option<Timestamp>> = vec![None; train.item_count()];
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    for event in train.all_events() {
        let Some(time) = event.time else { return (0.0, 0.0) };
        let seen = &mut first_seen[event.item.at()];
        *seen = Some(seen.map_or(time, |seen| seen.min(time)));
        (first, last) = (first.min(time.0), last.max(time.0));
    }
    if first >= last {
        return (0.0, 0.0);
    }
    let span = (last - first) as f64;
    let late_from = Timestamp(last - (span * LATE_SHARE) as i64);
    let late = train.all_events().iter().filter(|event| {
        event.time >= Some(late_from) && train.kinds().strength(event.kind, event.value) > 0.0
    });
    let (mut all, mut new) = (0, 0);
    for event in late {
        all += 1;
        new += usize::from(first_seen[event.item.at()] >= Some(late_from));
    }
    (span / 86_400_000.0, share(new, all))
}

fn returning(train: &TrainSet) -> Vec<Returning> {
    let catalogue = train.catalogue();
    let fields = catalogue.fields();
    let names = ["tags", "author"].map(str::to_owned).into_iter();
    let names = names.chain(fields.indices().map(|field| fields.name(field).to_owned()));
    let halves = halves(train);
    let of = |name: String| {
        let field = catalogue.key_field(&name)?;
        let keyed = |item: &ItemIndex| catalogue.keys(field, *item).next().is_some();
        let covered = catalogue.indices().filter(keyed).count();
        if covered == 0 {
            return None;
        }
        let (own, others) = habits(catalogue, field, &halves);
        let keys = catalogue.key_count(field);
        Some(Returning {
            field: name,
            coverage: share(covered, catalogue.len()),
            keys,
            own,
            others,
        })
    };
    names.filter_map(of).collect()
}

type Halves = (Vec<ItemIndex>, Vec<ItemIndex>);

/// The earlier and later half of the positive items of users spread evenly over the table.
fn halves(train: &TrainSet) -> Vec<Halves> {
    let step = train.user_count().div_ceil(HABIT_USERS_MAX).max(1);
    let of = |user: usize| {
        let events = train.events(UserIndex(user as u32)).iter();
        let positive = events
            .filter(|event| train.kinds().strength(event.kind, event.value) > 0.0)
            .map(|event| event.item);
        let mut items: Vec<ItemIndex> = positive.collect();
        let later = items.split_off(items.len() / 2);
        (!items.is_empty() && !later.is_empty()).then_some((items, later))
    };
    (0..train.user_count()).step_by(step).filter_map(of).collect()
}

/// How often a later item shares a key with one's own earlier half, and with the next user's.
fn habits(catalogue: &Catalogue, field: KeyField, halves: &[Halves]) -> (f64, f64) {
    let (mut own, mut others, mut all) = (0, 0, 0);
    for (at, (earlier, later)) in halves.iter().enumerate() {
        let mut keys: Vec<u32> =
            earlier.iter().flat_map(|item| catalogue.keys(field, *item)).collect();
        keys.sort_unstable();
        let known = |item: &&ItemIndex| {
            catalogue.keys(field, **item).any(|key| keys.binary_search(&key).is_ok())
        };
        own += later.iter().filter(known).count();
        // As many of another user's later items, so that both shares weigh users alike.
        let another = &halves[(at + 1) % halves.len()].1;
        let strange = another.iter().cycle().take(later.len());
        others += strange.filter(known).count();
        all += later.len();
    }
    (share(own, all), share(others, all))
}

#[cfg(test)]
mod tests {
    use gannet_core::Silent;
    use gannet_dataset::{SimulationOptions, simulate};

    use super::*;

    #[test]
    fn habits_stand_out_from_chance_and_new_items_are_counted() {
        let options = SimulationOptions {
            user_count: 300,
            item_count: 600,
            event_count: 9_000,
            ..SimulationOptions::default()
        };
        let train = TrainSet::whole(&simulate(&options, &Silent).expect("small").dataset);
        let facts = Facts::of(&train);
        assert_eq!((facts.items, facts.users), (600, 300));
        assert!(facts.positives > 0 && facts.positives < facts.events);
        assert!(facts.negatives > 0, "the simulation has dislikes");
        assert!(facts.is_timed() && facts.new_item_share > 0.0 && facts.new_item_share < 0.9);
        let tags = facts.returning.iter().find(|habit| habit.field == "tags").expect("tags");
        assert!(tags.lift() > 1.1, "users have interests: {tags:?}");
        assert!(facts.pair_additions >= facts.positives as f64);
    }

    #[test]
    fn shares_and_medians_of_nothing_are_zero() {
        assert_eq!((share(0, 0), median(&[]), head(&[])), (0.0, 0, 0));
        assert_eq!((median(&[1, 2, 9]), head(&[3, 1])), (2, 3));
    }
}
