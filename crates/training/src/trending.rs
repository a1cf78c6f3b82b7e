//! What rises: positive events of late against what each item's own past foretells.
//!
//! Counts of events are taken as Poisson, as in Hendrickson, Kolb, Lehman and Montague, "Trend
//! Detection in Social Data" (Gnip, 2015), whose point is that a mere ratio calls every rare item a
//! trend. Item `i` had `c_i` events in the window, and `B_i` in the time before it, an event of age
//! `a` before the window counting `0.5^(a / half life)`. Were nothing rising, its share of the
//! window's `C = Σ c` events would be that of its past:
//!
//! `expected_i = C (B_i + prior) / Σ_j (B_j + prior)`, over the items with any event,
//!
//! so a day on which everybody comes raises no item, and an item of few events is taken to be as
//! the others until it has shown more. The score is the difference of the square roots, which have
//! a variance of nearly 1/4 whatever the count (Anscombe, "The transformation of Poisson, binomial
//! and negative-binomial data", Biometrika 1948):
//!
//! `z_i = 2 (sqrt(c_i + 3/8) - sqrt(expected_i + 3/8))`.
//!
//! Items with `z` above 0 rise. It is in units of standard deviations: 3 is no accident.

use gannet_core::{ItemIndex, Timestamp};
use gannet_dataset::TrainSet;
use gannet_models::Trending;
use serde::{Deserialize, Serialize};

use crate::fit_error::{FitError, require};

/// Milliseconds of a day.
const DAY_MS: f64 = 86_400_000.0;

/// Hyper-parameters of [`fit_trending`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrendingParams {
    /// How many days before the newest event are `of late`.
    pub window_days: f32,
    /// Days before the window after which an event of the past counts half.
    pub half_life_days: f32,
    /// Events that every item is taken to have had before: an item of few must rise more.
    pub prior_events: f32,
    /// The most items that are kept.
    pub items_max: usize,
}

impl Default for TrendingParams {
    fn default() -> Self {
        // A day holds every hour once, so that no time of day looks like a trend.
        Self { window_days: 1.0, half_life_days: 7.0, prior_events: 1.0, items_max: 100_000 }
    }
}

impl TrendingParams {
    /// Checks the ranges.
    pub fn validate(&self) -> Result<(), FitError> {
        let model = "trending";
        let positive = |value: f32| value > 0.0 && value.is_finite();
        let (window, half_life, prior) = (self.window_days, self.half_life_days, self.prior_events);
        require(positive(window), model, "window_days", window, "above 0")?;
        require(positive(half_life), model, "half_life_days", half_life, "above 0")?;
        require(positive(prior), model, "prior_events", prior, "above 0")?;
        require(self.items_max > 0, model, "items_max", self.items_max, "1 or more")
    }
}

/// Scores the items that rise at the time of the newest positive event. Events without a time
/// play no part; without any time nothing rises.
pub fn fit_trending(train: &TrainSet, params: &TrendingParams) -> Result<Trending, FitError> {
    params.validate()?;
    let positives = || {
        let timed = train.all_events().iter().filter_map(|event| Some((event, event.time?)));
        timed.filter(|(event, _)| train.kinds().strength(event.kind, event.value) > 0.0)
    };
    let Some(newest) = positives().map(|(_, time)| time).max() else {
        return Ok(Trending::new(Vec::new()));
    };
    let items = train.catalogue().len();
    let (mut recent, mut past) = (vec![0u32; items], vec![0f32; items]);
    for (event, time) in positives() {
        match past_weight(newest, time, params) {
            None => recent[event.item.at()] += 1,
            Some(weight) => past[event.item.at()] += weight,
        }
    }
    Ok(Trending::new(rising(&recent, &past, params)))
}

/// What an event counts for the past; `None` where it is in the window.
fn past_weight(newest: Timestamp, time: Timestamp, params: &TrendingParams) -> Option<f32> {
    let days = (newest.0.saturating_sub(time.0)) as f64 / DAY_MS - f64::from(params.window_days);
    (days >= 0.0).then(|| (-days / f64::from(params.half_life_days)).exp2() as f32)
}

fn rising(recent: &[u32], past: &[f32], params: &TrendingParams) -> Vec<(ItemIndex, f32)> {
    let prior = f64::from(params.prior_events);
    let active = || (0..recent.len()).filter(|at| recent[*at] > 0 || past[*at] > 0.0);
    let all_recent: f64 = recent.iter().map(|count| f64::from(*count)).sum();
    let all_past: f64 = active().map(|at| f64::from(past[at]) + prior).sum();
    let root = |count: f64| (count + 0.375).sqrt();
    let score = |at: usize| {
        let expected = all_recent * (f64::from(past[at]) + prior) / all_past;
        2.0 * (root(f64::from(recent[at])) - root(expected))
    };
    let scored = active().map(|at| (ItemIndex(at as u32), score(at) as f32));
    let mut rising: Vec<_> = scored.filter(|(_, score)| *score > 0.0).collect();
    if rising.len() > params.items_max {
        let better =
            |a: &(ItemIndex, f32), b: &(ItemIndex, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        rising.select_nth_unstable_by(params.items_max, better);
        rising.truncate(params.items_max);
    }
    rising
}
