//! Which side of a split each event falls on.

use gannet_core::{Interaction, Timestamp};
use rand::RngExt;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{SplitError, SplitKind, TrainSet};

/// Where an event goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Train,
    /// Into the request of a held-out user.
    FoldIn,
    Test,
}

/// A side for each event of [`TrainSet::all_events`].
#[derive(Debug)]
pub(super) struct Division {
    pub(super) sides: Vec<Side>,
    pub(super) cuts_moved: u64,
    pub(super) ties_cut: u64,
}

pub(super) fn divide(whole: &TrainSet, kind: &SplitKind) -> Result<Division, SplitError> {
    let sides = vec![Side::Train; whole.event_count()];
    let mut division = Division { sides, cuts_moved: 0, ties_cut: 0 };
    match kind {
        SplitKind::TemporalGlobal { train_share } => division.cut_all(whole, *train_share)?,
        SplitKind::TemporalPerUser { train_share } => {
            division.each_user(whole, |division, sides, events, _| {
                if let Some(cut) = tie_safe_cut(events, kept(*train_share, events.len())) {
                    sides[cut..].fill(Side::Test);
                    division.cuts_moved += u64::from(cut != kept(*train_share, events.len()));
                }
            });
        }
        SplitKind::LeaveOneOut => division.each_user(whole, |division, sides, events, _| {
            if let Some(last) = sides.last_mut() {
                *last = Side::Test;
            }
            if let [.., before, last] = events {
                division.ties_cut += u64::from(last.time.is_some() && before.time == last.time);
            }
        }),
        SplitKind::RandomPerUser { train_share, seed } => {
            division.each_user(whole, |_, sides, events, user| {
                if events.len() > 1 {
                    let train = kept(*train_share, events.len());
                    draw(sides, train, Side::Train, Side::Test, stream(*seed, user));
                }
            });
        }
        SplitKind::Fixed => return Err(SplitError::NoTestEvents),
        SplitKind::HeldOutUsers { user_share, fold_in_share, seed } => {
            let chosen = draw_users(whole, *user_share, *seed)?;
            division.each_user(whole, |_, sides, events, user| {
                if chosen[user as usize] {
                    let fold_in =
                        if events.len() > 1 { kept(*fold_in_share, events.len()) } else { 0 };
                    draw(sides, fold_in, Side::FoldIn, Side::Test, stream(*seed, user));
                }
            });
        }
    }
    Ok(division)
}

impl Division {
    fn each_user(
        &mut self,
        whole: &TrainSet,
        mut divide: impl FnMut(&mut Self, &mut [Side], &[Interaction], u32),
    ) {
        let mut sides = std::mem::take(&mut self.sides);
        for (user, ends) in whole.offsets().windows(2).enumerate() {
            let own = ends[0] as usize..ends[1] as usize;
            divide(self, &mut sides[own.clone()], &whole.all_events()[own], user as u32);
        }
        self.sides = sides;
    }

    fn cut_all(&mut self, whole: &TrainSet, train_share: f64) -> Result<(), SplitError> {
        let mut order: Vec<Option<Timestamp>> =
            whole.all_events().iter().map(|event| event.time).collect();
        order.sort_unstable();
        let asked = kept(train_share, order.len());
        let cut = nearest_change(order.len(), asked, |at| order[at - 1] != order[at])
            .ok_or(SplitError::OneMoment { events: order.len() as u64 })?;
        self.cuts_moved = u64::from(cut != asked);
        for (side, event) in self.sides.iter_mut().zip(whole.all_events()) {
            if event.time >= order[cut] {
                *side = Side::Test;
            }
        }
        Ok(())
    }
}

/// How many of `count` a share keeps: rounded, but at least one and not all where there are two.
fn kept(share: f64, count: usize) -> usize {
    ((share * count as f64).round() as usize).clamp(1, count.saturating_sub(1).max(1))
}

/// Where a user's events may be cut so that no tie is on both sides.
fn tie_safe_cut(events: &[Interaction], asked: usize) -> Option<usize> {
    nearest_change(events.len(), asked, |at| events[at - 1].time != events[at].time)
}

/// The position nearest to `asked`, between 1 and `count - 1`, at which `changes` holds; the
/// earlier of two.
fn nearest_change(count: usize, asked: usize, changes: impl Fn(usize) -> bool) -> Option<usize> {
    let earlier = (1..count.min(asked + 1)).rev().find(|at| changes(*at));
    let later = (asked + 1..count).find(|at| changes(*at));
    match (earlier, later) {
        (Some(earlier), Some(later)) if later - asked < asked - earlier => Some(later),
        (earlier, later) => earlier.or(later),
    }
}

/// A stream of its own for each user: who else is in the data changes nothing.
fn stream(seed: u64, user: u32) -> Xoshiro256PlusPlus {
    let spread = u64::from(user).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Xoshiro256PlusPlus::seed_from_u64(seed ^ spread)
}

/// Gives `count` places drawn at random one side and the others the other (selection sampling:
/// Knuth, The Art of Computer Programming 2, algorithm 3.4.2 S).
fn draw(sides: &mut [Side], count: usize, chosen: Side, rest: Side, mut rng: Xoshiro256PlusPlus) {
    let (mut wanted, total) = (count, sides.len());
    for (at, side) in sides.iter_mut().enumerate() {
        let take = rng.random_range(0..total - at) < wanted;
        wanted -= usize::from(take);
        *side = if take { chosen } else { rest };
    }
}

fn draw_users(whole: &TrainSet, share: f64, seed: u64) -> Result<Vec<bool>, SplitError> {
    let active: Vec<usize> = (0..whole.user_count())
        .filter(|at| whole.offsets()[*at] < whole.offsets()[*at + 1])
        .collect();
    if active.len() < 2 {
        return Err(SplitError::TooFewUsers { users: active.len() as u64 });
    }
    let mut sides = vec![Side::Train; active.len()];
    let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    draw(&mut sides, kept(share, active.len()), Side::Test, Side::Train, rng);
    let mut chosen = vec![false; whole.user_count()];
    for (user, side) in active.into_iter().zip(sides) {
        chosen[user] = side == Side::Test;
    }
    Ok(chosen)
}
