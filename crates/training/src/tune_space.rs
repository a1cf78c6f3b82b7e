//! Which values of which hyper-parameters a search tries. Orders of magnitude, not answers: the
//! same space serves every data set.

use crate::{IalsParams, ItemCfParams, Recipe, UserCfParams};

/// One hyper-parameter with the values to try.
#[derive(Debug, Clone)]
pub struct Axis<P> {
    /// Puts a value into the parameters; counts are rounded.
    pub set: fn(&mut P, f32),
    /// The values, in order of trial.
    pub values: Vec<f32>,
}

impl<P> Axis<P> {
    /// A parameter and its values.
    pub fn new(set: fn(&mut P, f32), values: &[f32]) -> Self {
        Self { set, values: values.to_vec() }
    }
}

/// Where a search starts, what it tries and when it ends.
#[derive(Debug, Clone)]
pub struct TuneSpace {
    /// The first trial of each model, and the parameters that are not searched.
    pub start: Recipe,
    /// Passes over all parameters of a model; a pass that changes nothing is the last.
    pub rounds: usize,
    /// After so many seconds no further trial begins; none for no limit.
    pub seconds_max: Option<f64>,
    /// Parameters of item_cf, in the order in which they are searched.
    pub item_cf: Vec<Axis<ItemCfParams>>,
    /// Parameters of user_items.
    pub user_items: Vec<Axis<UserCfParams>>,
    /// Parameters of ials.
    pub ials: Vec<Axis<IalsParams>>,
}

impl TuneSpace {
    /// The parameters that matter most, one pass: seconds on a million ratings.
    pub fn quick(start: Recipe) -> Self {
        Self {
            start,
            rounds: 1,
            seconds_max: Some(20.0),
            item_cf: vec![
                Axis::new(|params, value| params.neighbour_exponent = value, &[0.3, 0.4, 0.6]),
                Axis::new(|params, value| params.user_exponent = value, &[0.0, 1.0]),
                Axis::new(|params, value| params.shrinkage = value, &[0.0, 10.0]),
            ],
            user_items: vec![
                Axis::new(|params, value| params.item_exponent = value, &[0.0, 1.0]),
                Axis::new(|params, value| params.neighbours = value as usize, &[100.0, 500.0]),
            ],
            ials: vec![
                Axis::new(|params, value| params.alpha0 = value, &[0.01, 0.1, 0.3]),
                Axis::new(|params, value| params.lambda = value, &[0.0003, 0.003, 0.01]),
            ],
        }
    }

    /// Every parameter, finer, up to three passes: minutes.
    pub fn thorough(start: Recipe) -> Self {
        let exponents = [0.0, 0.25, 0.5, 0.75, 1.0];
        Self {
            start,
            rounds: 3,
            seconds_max: None,
            item_cf: vec![
                Axis::new(|params, value| params.user_exponent = value, &exponents),
                Axis::new(
                    |params, value| params.neighbour_exponent = value,
                    &[0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
                ),
                Axis::new(
                    |params, value| params.trigger_exponent = value,
                    &[0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
                ),
                Axis::new(
                    |params, value| params.shrinkage = value,
                    &[0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0],
                ),
                Axis::new(
                    |params, value| params.neighbours = value as usize,
                    &[50.0, 100.0, 200.0, 500.0, 1000.0],
                ),
            ],
            user_items: vec![
                Axis::new(|params, value| params.item_exponent = value, &exponents),
                Axis::new(
                    |params, value| params.shrinkage = value,
                    &[0.0, 0.1, 0.3, 1.0, 3.0, 10.0],
                ),
                Axis::new(
                    |params, value| params.neighbours = value as usize,
                    &[50.0, 100.0, 200.0, 500.0, 1000.0],
                ),
            ],
            ials: vec![
                Axis::new(
                    |params, value| params.alpha0 = value,
                    &[0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
                ),
                Axis::new(
                    |params, value| params.lambda = value,
                    &[0.0003, 0.001, 0.003, 0.01, 0.03, 0.1],
                ),
                Axis::new(|params, value| params.nu = value, &[0.5, 0.75, 1.0]),
                Axis::new(|params, value| params.iterations = value as usize, &[8.0, 16.0, 32.0]),
            ],
        }
    }

    /// The most trials that the space can ask for.
    pub fn trials_max(&self) -> usize {
        fn values<P>(axes: &[Axis<P>]) -> usize {
            axes.iter().map(|axis| axis.values.len()).sum()
        }
        let values = values(&self.item_cf) + values(&self.user_items) + values(&self.ials);
        3 + values * self.rounds
    }
}
