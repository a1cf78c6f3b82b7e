//! Which values of which hyper-parameters a search tries. Orders of magnitude, not answers: the
//! same space serves every data set.

use crate::{IalsParams, ItemCfParams, Recipe, Rp3betaParams, SwingParams, UserCfParams};

/// One hyper-parameter with the values that a search may walk over.
#[derive(Debug, Clone)]
pub struct Axis<P> {
    /// Reads the parameter.
    pub get: fn(&P) -> f32,
    /// Writes it; counts are rounded.
    pub set: fn(&mut P, f32),
    /// The values, rising.
    pub values: Vec<f32>,
}

impl<P> Axis<P> {
    /// A parameter and its values, which are put in order.
    pub fn new(get: fn(&P) -> f32, set: fn(&mut P, f32), values: &[f32]) -> Self {
        let mut values = values.to_vec();
        values.sort_by(f32::total_cmp);
        Self { get, set, values }
    }

    /// Where the parameters stand: the position of the first value that is not below theirs.
    pub(crate) fn position(&self, params: &P) -> usize {
        let current = (self.get)(params);
        self.values.partition_point(|value| *value < current)
    }
}

/// Where a search starts and what it may try.
#[derive(Debug, Clone)]
pub struct TuneSpace {
    /// The first trial of each model, and the parameters that are not searched.
    pub start: Recipe,
    /// Passes over all parameters of a model; a pass that changes nothing is the last.
    pub rounds: usize,
    /// Sweeps of an iALS trial at the most: the order of settings shows before they converge.
    pub ials_sweeps_max: usize,
    /// Parameters of item_cf, in the order in which they are searched.
    pub item_cf: Vec<Axis<ItemCfParams>>,
    /// Parameters of swing.
    pub swing: Vec<Axis<SwingParams>>,
    /// Parameters of rp3beta.
    pub rp3beta: Vec<Axis<Rp3betaParams>>,
    /// Parameters of user_items.
    pub user_items: Vec<Axis<UserCfParams>>,
    /// Parameters of ials.
    pub ials: Vec<Axis<IalsParams>>,
}

const SHRINKAGE: [f32; 6] = [0.0, 0.3, 1.0, 3.0, 10.0, 30.0];
const NEIGHBOURS: [f32; 6] = [50.0, 100.0, 200.0, 400.0, 800.0, 1600.0];
const QUARTERS: [f32; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
const TENTHS: [f32; 9] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
const FROM_ZERO: [f32; 7] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8];
const HALVES: [f32; 5] = [0.0, 0.5, 1.0, 1.5, 2.0];
const SWING_ALPHA: [f32; 6] = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0];
const ALPHA0: [f32; 8] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
const LAMBDA: [f32; 8] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];

impl TuneSpace {
    /// The parameters that matter most, one pass: seconds on a million ratings.
    pub fn quick(start: Recipe) -> Self {
        Self {
            start,
            rounds: 1,
            ials_sweeps_max: 8,
            item_cf: vec![neighbour_exponent(), user_exponent(), item_recency(), item_shrinkage()],
            swing: vec![swing_trigger(), swing_alpha(), swing_recency()],
            rp3beta: vec![walk_beta(), walk_alpha(), walk_normalised(), walk_recency()],
            user_items: vec![item_exponent(), user_recency(), user_neighbours()],
            ials: vec![alpha0(), lambda(), alpha0()],
        }
    }

    /// Every parameter, up to three passes, trials fitted to the end: minutes.
    pub fn thorough(start: Recipe) -> Self {
        Self {
            start,
            rounds: 3,
            ials_sweeps_max: usize::MAX,
            item_cf: vec![
                user_exponent(),
                neighbour_exponent(),
                Axis::new(|p| p.trigger_exponent, |p, value| p.trigger_exponent = value, &TENTHS),
                item_recency(),
                item_shrinkage(),
                Axis::new(
                    |p| p.neighbours as f32,
                    |p, value| p.neighbours = value as usize,
                    &NEIGHBOURS,
                ),
            ],
            swing: vec![
                swing_trigger(),
                swing_alpha(),
                Axis::new(|p| p.user_exponent, |p, value| p.user_exponent = value, &QUARTERS),
                swing_recency(),
                Axis::new(
                    |p| p.neighbours as f32,
                    |p, value| p.neighbours = value as usize,
                    &NEIGHBOURS,
                ),
            ],
            rp3beta: vec![
                walk_beta(),
                walk_alpha(),
                walk_normalised(),
                walk_recency(),
                Axis::new(
                    |p| p.neighbours as f32,
                    |p, value| p.neighbours = value as usize,
                    &NEIGHBOURS,
                ),
            ],
            user_items: vec![
                item_exponent(),
                user_recency(),
                Axis::new(|p| p.shrinkage, |p, value| p.shrinkage = value, &SHRINKAGE),
                user_neighbours(),
            ],
            ials: vec![
                alpha0(),
                lambda(),
                Axis::new(|p| p.nu, |p, value| p.nu = value, &QUARTERS),
                Axis::new(
                    |p| p.iterations as f32,
                    |p, value| p.iterations = value as usize,
                    &[8.0, 12.0, 16.0, 24.0],
                ),
            ],
        }
    }
}

fn neighbour_exponent() -> Axis<ItemCfParams> {
    Axis::new(|p| p.neighbour_exponent, |p, value| p.neighbour_exponent = value, &TENTHS)
}

fn user_exponent() -> Axis<ItemCfParams> {
    Axis::new(|p| p.user_exponent, |p, value| p.user_exponent = value, &QUARTERS)
}

fn item_shrinkage() -> Axis<ItemCfParams> {
    Axis::new(|p| p.shrinkage, |p, value| p.shrinkage = value, &SHRINKAGE)
}

fn item_recency() -> Axis<ItemCfParams> {
    Axis::new(|p| p.recency_exponent, |p, value| p.recency_exponent = value, &QUARTERS)
}

fn swing_trigger() -> Axis<SwingParams> {
    Axis::new(|p| p.trigger_exponent, |p, value| p.trigger_exponent = value, &HALVES)
}

fn swing_alpha() -> Axis<SwingParams> {
    Axis::new(|p| p.alpha, |p, value| p.alpha = value, &SWING_ALPHA)
}

fn swing_recency() -> Axis<SwingParams> {
    Axis::new(|p| p.recency_exponent, |p, value| p.recency_exponent = value, &QUARTERS)
}

fn walk_beta() -> Axis<Rp3betaParams> {
    Axis::new(|p| p.beta, |p, value| p.beta = value, &FROM_ZERO)
}

fn walk_alpha() -> Axis<Rp3betaParams> {
    Axis::new(|p| p.alpha, |p, value| p.alpha = value, &TENTHS)
}

fn walk_normalised() -> Axis<Rp3betaParams> {
    let get = |p: &Rp3betaParams| f32::from(u8::from(p.normalised));
    Axis::new(get, |p, value| p.normalised = value > 0.5, &[0.0, 1.0])
}

fn walk_recency() -> Axis<Rp3betaParams> {
    Axis::new(|p| p.recency_exponent, |p, value| p.recency_exponent = value, &QUARTERS)
}

fn user_recency() -> Axis<UserCfParams> {
    Axis::new(|p| p.recency_exponent, |p, value| p.recency_exponent = value, &QUARTERS)
}

fn item_exponent() -> Axis<UserCfParams> {
    Axis::new(|p| p.item_exponent, |p, value| p.item_exponent = value, &QUARTERS)
}

fn user_neighbours() -> Axis<UserCfParams> {
    Axis::new(|p| p.neighbours as f32, |p, value| p.neighbours = value as usize, &NEIGHBOURS)
}

fn alpha0() -> Axis<IalsParams> {
    Axis::new(|p| p.alpha0, |p, value| p.alpha0 = value, &ALPHA0)
}

fn lambda() -> Axis<IalsParams> {
    Axis::new(|p| p.lambda, |p, value| p.lambda = value, &LAMBDA)
}
