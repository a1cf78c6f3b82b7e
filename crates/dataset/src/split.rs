//! Train and test as two types that cannot be confused, and the ways to divide events into them.
//!
//! Rules of every division: a user's events stand by time, equal times in file order. Held out are
//! the distinct items of a user's test events that count as positive ([`Positive`]) and that the
//! user has no training event of: such an item is masked as consumed, so no channel could return
//! it. What this drops is counted in [`SplitCounts`].

mod divide;
mod error;
mod test_set;
mod train_set;

pub use error::SplitError;
pub use test_set::{TestSet, TestUser};
pub use train_set::TrainSet;

use crate::dataset::Dataset;

/// How events are divided. Shares are above 0 and below 1.
///
/// A temporal cut never separates events of equal time: it moves to the nearer end of the tie, to
/// the earlier one where both are as near.
#[derive(Debug, Clone, PartialEq)]
pub enum SplitKind {
    /// Everything from one moment on is test: the honest one. Users who came after it have no
    /// history. Needs times.
    TemporalGlobal {
        /// Share of events that come before the cut.
        train_share: f64,
    },
    /// The last part of each user's own events is test. Sees other users' future. A user always
    /// keeps a training event; one with a single moment in his life trains and is not tested.
    /// Needs times.
    TemporalPerUser {
        /// Share of each user's events that train, rounded to whole events.
        train_share: f64,
    },
    /// Each user's last event is test, in file order where there are no times. Among events of one
    /// time it is the last in the file: here alone a tie is cut, for one event is what the name
    /// promises; [`SplitCounts::ties_cut`] tells how often.
    LeaveOneOut,
    /// A random part of each user's events is test. A user always keeps a training event.
    RandomPerUser {
        /// Share of each user's events that train, rounded to whole events.
        train_share: f64,
        /// Seed of the draw.
        seed: u64,
    },
    /// Train and test came as files ([`Dataset::test_events`]).
    Fixed,
    /// Whole users are test: training sees nothing of them. A random part of a test user's events
    /// comes with the request as history ([`TestUser::fold_in`]), the rest is held out. The
    /// protocol of Liang et al., "Variational autoencoders for collaborative filtering", 2018.
    HeldOutUsers {
        /// Share of the users with events that are held out, rounded to whole users.
        user_share: f64,
        /// Share of a held-out user's events that come with the request.
        fold_in_share: f64,
        /// Seed of both draws.
        seed: u64,
    },
}

impl SplitKind {
    /// The name by which settings and reports call it.
    pub fn name(&self) -> &'static str {
        match self {
            SplitKind::TemporalGlobal { .. } => "temporal_global",
            SplitKind::TemporalPerUser { .. } => "temporal_per_user",
            SplitKind::LeaveOneOut => "leave_one_out",
            SplitKind::RandomPerUser { .. } => "random_per_user",
            SplitKind::Fixed => "fixed",
            SplitKind::HeldOutUsers { .. } => "held_out_users",
        }
    }

    /// Whether training knows events that came after a test user's last one: a report says so. A
    /// fixed split is taken to, for nothing is known of how it was made.
    pub fn sees_other_users_future(&self) -> bool {
        !matches!(self, SplitKind::TemporalGlobal { .. })
    }

    /// What its published protocols take as positive: every event in `leave_one_out`, those over
    /// the threshold elsewhere.
    pub fn positive(&self) -> Positive {
        match self {
            SplitKind::LeaveOneOut => Positive::Every,
            _ => Positive::Threshold,
        }
    }

    fn needs_times(&self) -> bool {
        matches!(self, SplitKind::TemporalGlobal { .. } | SplitKind::TemporalPerUser { .. })
    }

    fn shares(&self) -> Vec<(&'static str, f64)> {
        match self {
            SplitKind::TemporalGlobal { train_share }
            | SplitKind::TemporalPerUser { train_share }
            | SplitKind::RandomPerUser { train_share, .. } => vec![("train_share", *train_share)],
            SplitKind::HeldOutUsers { user_share, fold_in_share, .. } => {
                vec![("user_share", *user_share), ("fold_in_share", *fold_in_share)]
            }
            SplitKind::LeaveOneOut | SplitKind::Fixed => Vec::new(),
        }
    }

    fn check(&self) -> Result<(), SplitError> {
        let bad = |share: &f64| !(*share > 0.0 && *share < 1.0);
        match self.shares().into_iter().find(|(_, share)| bad(share)) {
            Some((field, share)) => Err(SplitError::Share { field, share }),
            None => Ok(()),
        }
    }
}

/// Which test events' items are held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positive {
    /// Those of strength above 0 ([`gannet_core::EventKinds::strength`]).
    Threshold,
    /// All of them, whatever their strength.
    Every,
}

/// What became of the events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SplitCounts {
    /// Events that train.
    pub train_events: u64,
    /// Events that come with requests as history.
    pub fold_in_events: u64,
    /// Events on the test side, before anything is dropped.
    pub test_events: u64,
    /// Test events dropped because they are not positive.
    pub not_positive: u64,
    /// Test events dropped because the user has a history event of the same item: it is masked.
    pub in_history: u64,
    /// Test events dropped because another of the same user and item stands for them.
    pub repeated: u64,
    /// Held-out items, over all test users.
    pub held_out: u64,
    /// Users with held-out items.
    pub test_users: u64,
    /// Those of them of whom training saw nothing: reported apart.
    pub users_without_history: u64,
    /// Users whose cut moved, so that a tie stays whole; of a global cut: 1 where it moved.
    pub cuts_moved: u64,
    /// Users whose cut goes through a tie: in leave-one-out alone.
    pub ties_cut: u64,
}

/// A division of one data set.
#[derive(Debug, Clone)]
pub struct Split {
    /// How it was made.
    pub kind: SplitKind,
    /// For training.
    pub train: TrainSet,
    /// For judging.
    pub test: TestSet,
    /// What became of the events.
    pub counts: SplitCounts,
}

/// Divides a data set; positive is what the kind's protocols take ([`SplitKind::positive`]).
pub fn split(dataset: &Dataset, kind: &SplitKind) -> Result<Split, SplitError> {
    split_with(dataset, kind, kind.positive())
}

/// Divides a data set with a rule of one's own for what is positive.
pub fn split_with(
    dataset: &Dataset,
    kind: &SplitKind,
    positive: Positive,
) -> Result<Split, SplitError> {
    let whole = TrainSet::whole(dataset);
    let (SplitKind::Fixed, Some(test)) = (kind, &dataset.test_events) else {
        return whole.split(kind, positive);
    };
    let test = whole.sibling(test);
    let (test, counts) = test_set::hold_out(&whole, None, &test, positive);
    Ok(Split { kind: kind.clone(), train: whole, test, counts })
}

impl TrainSet {
    /// Divides what training may see once more: for tuning without a look at the test set.
    /// [`SplitKind::Fixed`] is refused.
    pub fn split(&self, kind: &SplitKind, positive: Positive) -> Result<Split, SplitError> {
        kind.check()?;
        if kind.needs_times() {
            let without = self.all_events().iter().filter(|event| event.time.is_none()).count();
            if without > 0 {
                return Err(SplitError::NoTimes { kind: kind.name(), without: without as u64 });
            }
        }
        let division = divide::divide(self, kind)?;
        let [train, fold_in, test] =
            [divide::Side::Train, divide::Side::FoldIn, divide::Side::Test]
                .map(|side| self.part(|at| division.sides[at] == side));
        let (test, counts) = test_set::hold_out(&train, Some(&fold_in), &test, positive);
        let (cuts_moved, ties_cut) = (division.cuts_moved, division.ties_cut);
        let counts = SplitCounts { cuts_moved, ties_cut, ..counts };
        Ok(Split { kind: kind.clone(), train, test, counts })
    }

    /// The usual split for tuning: by time within each user where all events have times, at random
    /// where not. Positive is what is over the threshold.
    pub fn validation_split(&self, train_share: f64, seed: u64) -> Result<Split, SplitError> {
        let timed = self.all_events().iter().all(|event| event.time.is_some());
        let kind = if timed {
            SplitKind::TemporalPerUser { train_share }
        } else {
            SplitKind::RandomPerUser { train_share, seed }
        };
        self.split(&kind, Positive::Threshold)
    }

    /// The split for tuning what will be judged by a split of kind `judged`: the same kind once
    /// more, so that validation users stand before models as test users will. A cut by time shows
    /// them strangers and items that hardly anybody has met, which a cut within each user hides:
    /// settings chosen without them are settings for another question. Kinds that cannot be made
    /// again ([`SplitKind::Fixed`]), or events all of one moment, get the usual split.
    pub fn validation_split_like(
        &self,
        judged: &SplitKind,
        train_share: f64,
        seed: u64,
    ) -> Result<Split, SplitError> {
        let kind = match judged {
            SplitKind::Fixed => return self.validation_split(train_share, seed),
            SplitKind::TemporalGlobal { .. } => SplitKind::TemporalGlobal { train_share },
            SplitKind::TemporalPerUser { .. } => SplitKind::TemporalPerUser { train_share },
            SplitKind::LeaveOneOut => SplitKind::LeaveOneOut,
            SplitKind::RandomPerUser { .. } => SplitKind::RandomPerUser { train_share, seed },
            SplitKind::HeldOutUsers { fold_in_share, .. } => SplitKind::HeldOutUsers {
                user_share: 1.0 - train_share,
                fold_in_share: *fold_in_share,
                seed,
            },
        };
        match self.split(&kind, kind.positive()) {
            Err(SplitError::OneMoment { .. }) => self.validation_split(train_share, seed),
            made => made,
        }
    }
}
