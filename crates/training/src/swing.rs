//! Item-to-item lists by Swing (Yang, Zhu, et al., "Large Scale Product Graph Construction for
//! Recommendation in E-commerce", 2020): two users who both like the same two items say the more
//! of those items' kinship, the less else they have in common.
//!
//! `similarity(i, j) = Σ_{u < v, both like i and j} w_u w_v / (alpha + |I_u ∩ I_v|)` with
//! `w_u = |I_u|^-user_exponent` (0.5 in the paper), divided here by `|U_i|^trigger_exponent`
//! (0 in the paper): a channel that sums lists over triggers would hear the popular ones alone.
//!
//! An item of a million users has half a trillion pairs of users, so at most `users_max` of its
//! users are drawn and their sum scaled up to all pairs. Pairs are then never enumerated as such:
//! the drawn users' items are grouped, and only the users of one group meet. Costs
//! `Σ_i Σ_{u drawn} |I_u|` hash look-ups and `Σ_i Σ_j |drawn users of both|²` additions.

use gannet_dataset::TrainSet;
use gannet_models::ItemNeighbours;
use rand::RngExt;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::fit_error::{FitError, require};
use crate::item_cf::timed_recency;
use crate::neighbour_lists::{ListLimits, best_neighbours};
use crate::pairs::Pairs;
use crate::recipe::Bounds;

/// Hyper-parameters of [`fit_swing`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SwingParams {
    /// Length of each list.
    pub neighbours: usize,
    /// Added to what two users have in common; above 0.
    pub alpha: f32,
    /// How much a user of many items counts less, 0 to 2.
    pub user_exponent: f32,
    /// How much the trigger's popularity divides, 0 to 2.
    pub trigger_exponent: f32,
    /// Users of an item who are heard, drawn where it has more; 2 to 1,000.
    pub users_max: usize,
    /// Seed of the draw.
    pub seed: u64,
    /// How much older triggers count less when a user is served, as in `item_cf`.
    pub recency_exponent: f32,
}

impl Default for SwingParams {
    fn default() -> Self {
        Self {
            neighbours: 200,
            alpha: 1.0,
            user_exponent: 0.5,
            trigger_exponent: 1.0,
            users_max: 100,
            seed: 1,
            recency_exponent: 0.0,
        }
    }
}

impl SwingParams {
    pub(crate) fn fitting(&self, train: &TrainSet) -> Self {
        let recency_exponent = timed_recency(train, self.recency_exponent);
        Self { recency_exponent, ..self.clone() }
    }

    /// Checks the ranges.
    pub fn validate(&self) -> Result<(), FitError> {
        let model = "swing";
        let exponent = |value: f32| (0.0..=2.0).contains(&value);
        let alpha = self.alpha;
        require(self.neighbours > 0, model, "neighbours", self.neighbours, "1 or more")?;
        require(alpha > 0.0 && alpha.is_finite(), model, "alpha", alpha, "above 0")?;
        let (of_user, of_trigger) = (self.user_exponent, self.trigger_exponent);
        require(exponent(of_user), model, "user_exponent", of_user, "0 to 2")?;
        require(exponent(of_trigger), model, "trigger_exponent", of_trigger, "0 to 2")?;
        let users = self.users_max;
        require((2..=1_000).contains(&users), model, "users_max", users, "2 to 1,000")?;
        let recency = self.recency_exponent;
        require(exponent(recency), model, "recency_exponent", recency, "0 to 2")
    }
}

/// Builds the list of every item from the positive pairs of each user's newest
/// [`Bounds::history_max`] items. Strengths play no part: a pair is positive or not.
pub fn fit_swing(
    train: &TrainSet,
    params: &SwingParams,
    bounds: &Bounds,
) -> Result<ItemNeighbours, FitError> {
    params.validate()?;
    let pairs = Pairs::newest(train, bounds.history_max);
    Ok(swing_of(&pairs, &params.fitting(train), bounds))
}

pub(crate) fn swing_of(pairs: &Pairs, params: &SwingParams, bounds: &Bounds) -> ItemNeighbours {
    let weights: Vec<f32> = (0..pairs.by_user.height())
        .map(|user| (pairs.by_user.row(user).0.len() as f32).powf(-params.user_exponent))
        .collect();
    let limits = ListLimits { neighbours: params.neighbours, entries_max: bounds.entries_max };
    best_neighbours(
        pairs,
        limits,
        params.recency_exponent,
        Meeting::default,
        |meeting, item, _, offer| {
            let users = pairs.users_of(item);
            if users < 2 {
                return;
            }
            meeting.draw(pairs.by_item.row(item).0, params, item);
            meeting.group(pairs, item);
            meeting.weigh_pairs(&weights, params.alpha);
            let drawn = meeting.users.len() as f32;
            let all = users as f32;
            let scale = (all / drawn) * ((all - 1.0) / (drawn - 1.0));
            meeting.sum(scale * all.powf(-params.trigger_exponent), offer);
        },
    )
}

/// The drawn users of one item and what they share: scratch space of a thread.
#[derive(Default)]
struct Meeting {
    users: Vec<u32>,
    /// Every `(item, position of the user)`, by item and then by user.
    likes: Vec<(u32, u16)>,
    /// A square: what the pair of positions `a < b` have in common, then what that weighs.
    pair_weights: Vec<f32>,
}

impl Meeting {
    fn draw(&mut self, users: &[u32], params: &SwingParams, item: usize) {
        self.users.clear();
        self.users.extend_from_slice(users);
        if users.len() <= params.users_max {
            return;
        }
        // A stream an item: which thread comes to it first changes nothing.
        let stream = (item as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(params.seed ^ stream);
        for at in 0..params.users_max {
            let other = random.random_range(at..self.users.len());
            self.users.swap(at, other);
        }
        self.users.truncate(params.users_max);
    }

    fn group(&mut self, pairs: &Pairs, item: usize) {
        self.likes.clear();
        for (position, user) in (0u16..).zip(&self.users) {
            let liked = pairs.by_user.row(*user as usize).0.iter();
            let others = liked.filter(|other| **other as usize != item);
            self.likes.extend(others.map(|other| (*other, position)));
        }
        self.likes.sort_unstable();
    }

    fn groups(likes: &[(u32, u16)]) -> impl Iterator<Item = (u32, &[(u32, u16)])> {
        let groups = likes.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1);
        groups.map(|group| (group[0].0, group))
    }

    fn weigh_pairs(&mut self, weights: &[f32], alpha: f32) {
        let side = self.users.len();
        self.pair_weights.clear();
        // The item itself is common to all.
        self.pair_weights.resize(side * side, 1.0);
        for (_, group) in Self::groups(&self.likes) {
            for (at, (_, a)) in group.iter().enumerate() {
                let row = &mut self.pair_weights[usize::from(*a) * side..][..side];
                group[at + 1..].iter().for_each(|(_, b)| row[usize::from(*b)] += 1.0);
            }
        }
        for (a, row) in self.pair_weights.chunks_exact_mut(side).enumerate() {
            let of_a = weights[self.users[a] as usize];
            for (b, shared) in row.iter_mut().enumerate().skip(a + 1) {
                *shared = of_a * weights[self.users[b] as usize] / (alpha + *shared);
            }
        }
    }

    fn sum(&self, scale: f32, offer: &mut dyn FnMut(u32, f32)) {
        let side = self.users.len();
        for (other, group) in Self::groups(&self.likes) {
            let mut sum = 0.0f32;
            for (at, (_, a)) in group.iter().enumerate() {
                let row = &self.pair_weights[usize::from(*a) * side..][..side];
                sum += group[at + 1..].iter().map(|(_, b)| row[usize::from(*b)]).sum::<f32>();
            }
            offer(other, sum * scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item_cf::tests::{assert_lists, pairs};
    use gannet_core::SparseRows;
    use proptest::prelude::*;

    /// The formula pair by pair of users, on sets.
    fn naive(rows: &SparseRows, params: &SwingParams) -> Vec<Vec<f64>> {
        let likes = |user: usize, item: u32| rows.row(user).0.contains(&item);
        let (alpha, of_user) = (f64::from(params.alpha), f64::from(params.user_exponent));
        let weight = |user: usize| (rows.row(user).0.len() as f64).powf(-of_user);
        let mut similarities = vec![vec![0.0; 9]; 9];
        for u in 0..rows.height() {
            for v in u + 1..rows.height() {
                let both = |item: &u32| likes(u, *item) && likes(v, *item);
                let shared: Vec<u32> = (0..9).filter(both).collect();
                let says = weight(u) * weight(v) / (alpha + shared.len() as f64);
                for i in &shared {
                    for j in shared.iter().filter(|j| *j != i) {
                        similarities[*i as usize][*j as usize] += says;
                    }
                }
            }
        }
        for (item, row) in similarities.iter_mut().enumerate() {
            let users = (0..rows.height()).filter(|user| likes(*user, item as u32)).count();
            let divisor = (users.max(1) as f64).powf(f64::from(params.trigger_exponent));
            row.iter_mut().for_each(|value| *value /= divisor);
        }
        similarities
    }

    proptest! {
        #[test]
        fn equals_the_formula_pair_by_pair(
            rows in pairs(),
            neighbours in 1usize..10,
            alpha in 0.1f32..5.0,
            exponents in (0f32..1.0, 0f32..2.0),
        ) {
            let params = SwingParams {
                neighbours,
                alpha,
                user_exponent: exponents.0,
                trigger_exponent: exponents.1,
                ..SwingParams::default()
            };
            let expected = naive(&rows, &params);
            let model = swing_of(&Pairs::of(rows), &params, &Bounds::default());
            assert_lists(&model, &expected, neighbours);
        }

        #[test]
        fn a_draw_is_of_distinct_users_and_repeats_itself(
            rows in pairs(),
            users_max in 2usize..6,
        ) {
            let pairs = Pairs::of(rows);
            let params = SwingParams { users_max, ..SwingParams::default() };
            let mut meeting = Meeting::default();
            for item in 0..pairs.item_count() {
                meeting.draw(pairs.by_item.row(item).0, &params, item);
                let mut drawn = meeting.users.clone();
                drawn.sort_unstable();
                drawn.dedup();
                prop_assert_eq!(drawn.len(), pairs.users_of(item).min(users_max));
                let before = meeting.users.clone();
                meeting.draw(pairs.by_item.row(item).0, &params, item);
                prop_assert_eq!(&meeting.users, &before);
            }
        }
    }
}
