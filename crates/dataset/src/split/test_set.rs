//! What judging may see.

use gannet_core::{Interaction, ItemIndex, SceneIndex, Timestamp, UserIndex};

use super::{Positive, SplitCounts, TrainSet};

/// A user with held-out items.
#[derive(Debug, Clone, PartialEq)]
pub struct TestUser {
    /// The user.
    pub user: UserIndex,
    /// The distinct held-out items, ascending.
    items: Vec<ItemIndex>,
    /// The scene of each item's first held-out event.
    scenes: Vec<Option<SceneIndex>>,
    /// The time at which the request is made: that of the user's last training event, or of the
    /// last event that the request carries; absent where there is neither or no times.
    pub now: Option<Timestamp>,
    /// Whether training saw anything of this user: reported apart. False for a held-out user.
    pub has_history: bool,
    /// The history that the request carries, oldest first: of a user whom training never saw
    /// ([`super::SplitKind::HeldOutUsers`]). Empty in every other kind of split.
    pub fold_in: Vec<Interaction>,
}

impl TestUser {
    /// The held-out items, ascending. For judging alone.
    pub fn held_out(&self) -> &[ItemIndex] {
        &self.items
    }

    /// The scene of the event that is held out, item by item of [`TestUser::held_out`]; of the
    /// first of them where a user met an item in several. Absent where the event names none.
    pub fn held_out_scenes(&self) -> &[Option<SceneIndex>] {
        &self.scenes
    }
}

/// What judging may see. There is deliberately no way from here to a [`TrainSet`]:
///
/// ```compile_fail,E0308
/// fn fit(_: &gannet_dataset::TrainSet) {}
/// fn cheat(test: &gannet_dataset::TestSet) {
///     fit(test);
/// }
/// ```
///
/// and none to put one together from rows:
///
/// ```compile_fail,E0451
/// fn cheat(whole: gannet_dataset::TrainSet) -> gannet_dataset::TrainSet {
///     gannet_dataset::TrainSet { events: Vec::new(), ..whole }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct TestSet {
    users: Vec<TestUser>,
}

impl TestSet {
    /// The users with held-out items, ascending.
    pub fn users(&self) -> &[TestUser] {
        &self.users
    }
}

/// Makes the test set of the test side's events and counts what it drops.
pub(super) fn hold_out(
    train: &TrainSet,
    fold_in: Option<&TrainSet>,
    test: &TrainSet,
    positive: Positive,
) -> (TestSet, SplitCounts) {
    let mut counts = SplitCounts {
        train_events: train.event_count() as u64,
        fold_in_events: fold_in.map_or(0, |fold_in| fold_in.event_count() as u64),
        test_events: test.event_count() as u64,
        ..SplitCounts::default()
    };
    let mut users = Vec::new();
    let mut history: Vec<ItemIndex> = Vec::new();
    for user in (0..train.user_count() as u32).map(UserIndex) {
        if test.events(user).is_empty() {
            continue;
        }
        let trained = train.events(user);
        let carried = fold_in.map_or(&[][..], |fold_in| fold_in.events(user));
        history.clear();
        history.extend(trained.iter().chain(carried).map(|event| event.item));
        history.sort_unstable();
        let mut items = Vec::new();
        for event in test.events(user) {
            let strength = test.kinds().strength(event.kind, event.value);
            if positive == Positive::Threshold && strength <= 0.0 {
                counts.not_positive += 1;
            } else if history.binary_search(&event.item).is_ok() {
                counts.in_history += 1;
            } else {
                items.push((event.item, event.scene));
            }
        }
        // Events stand by time, and the sort keeps that order: an item's first event stays.
        items.sort_by_key(|(item, _)| *item);
        let before = items.len();
        items.dedup_by_key(|(item, _)| *item);
        counts.repeated += (before - items.len()) as u64;
        if items.is_empty() {
            continue;
        }
        counts.held_out += items.len() as u64;
        counts.test_users += 1;
        counts.users_without_history += u64::from(trained.is_empty());
        let now = trained.last().or(carried.last()).and_then(|event| event.time);
        let (has_history, fold_in) = (!trained.is_empty(), carried.to_vec());
        let (items, scenes) = items.into_iter().unzip();
        users.push(TestUser { user, items, scenes, now, has_history, fold_in });
    }
    (TestSet { users }, counts)
}
