//! How popular each item is: positive events that fade with age.

use gannet_core::Timestamp;
use gannet_dataset::TrainSet;
use gannet_models::Popularity;
use serde::{Deserialize, Serialize};

use crate::fit_error::{FitError, require};

/// Hyper-parameters of [`fit_popularity`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PopularityParams {
    /// Days after which an event counts half, reckoned back from the newest event; 0 for never.
    /// Where events have no times it changes nothing.
    pub half_life_days: f32,
}

impl Default for PopularityParams {
    fn default() -> Self {
        // Long enough for a catalogue of films, short enough to forget last year's hits.
        Self { half_life_days: 90.0 }
    }
}

impl PopularityParams {
    /// Checks the ranges.
    pub fn validate(&self) -> Result<(), FitError> {
        let days = self.half_life_days;
        let holds = days.is_finite() && days >= 0.0;
        require(holds, "popularity", "half_life_days", days, "0 (no decay) or more")
    }
}

/// Sums each item's positive strengths, an event of age `a` days counting `0.5^(a / half life)`.
pub fn fit_popularity(train: &TrainSet, params: &PopularityParams) -> Result<Popularity, FitError> {
    params.validate()?;
    let newest = train.all_events().iter().filter_map(|event| event.time).max();
    let mut scores = vec![0.0f64; train.catalogue().len()];
    for event in train.all_events() {
        let strength = train.kinds().strength(event.kind, event.value);
        if strength > 0.0 {
            let fading = fading(event.time, newest, params.half_life_days);
            scores[event.item.at()] += f64::from(strength) * fading;
        }
    }
    Ok(Popularity::new(scores.into_iter().map(|score| score as f32).collect()))
}

/// An event without a time among events with times counts in full, as the newest do.
fn fading(time: Option<Timestamp>, newest: Option<Timestamp>, half_life_days: f32) -> f64 {
    match (time, newest) {
        (Some(time), Some(newest)) if half_life_days > 0.0 => {
            (-newest.days_since(time) / f64::from(half_life_days)).exp2()
        }
        _ => 1.0,
    }
}
