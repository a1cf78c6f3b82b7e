//! How popular each item is, everywhere and in each scene: positive events that fade with age.

use gannet_core::{ItemIndex, Timestamp};
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
    /// The most items that are kept of each scene; 0 for no scenes.
    pub scene_items_max: usize,
}

impl Default for PopularityParams {
    fn default() -> Self {
        // Long enough for a catalogue of films, short enough to forget last year's hits.
        Self { half_life_days: 90.0, scene_items_max: 100_000 }
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

/// Sums each item's positive strengths, an event of age `a` days counting `0.5^(a / half life)`:
/// over all events, and for each scene over the events that name it.
pub fn fit_popularity(train: &TrainSet, params: &PopularityParams) -> Result<Popularity, FitError> {
    params.validate()?;
    let items = train.catalogue().len();
    let mut scores = vec![0.0f64; items];
    let newest = train.all_events().iter().filter_map(|event| event.time).max();
    let sum = |scores: &mut [f64], first_scene: Option<usize>| {
        for event in train.all_events() {
            let scene = event.scene.map(|scene| usize::from(scene.0));
            let row = match first_scene {
                None => Some(0),
                Some(first) => scene.and_then(|scene| scene.checked_sub(first)),
            };
            let strength = train.kinds().strength(event.kind, event.value);
            let place = row.map(|row| row * items + event.item.at());
            if let Some(score) = place.and_then(|place| scores.get_mut(place))
                && strength > 0.0
            {
                *score += f64::from(strength) * fading(event.time, newest, params.half_life_days);
            }
        }
    };
    sum(&mut scores, None);
    let popularity = Popularity::new(scores.iter().map(|score| *score as f32).collect());
    let names = train.scenes();
    if params.scene_items_max == 0 || items == 0 {
        return Ok(popularity);
    }
    // A few scenes a pass: 255 scenes of five million items at once would be 10 GB.
    let mut scenes = Vec::with_capacity(names.len());
    let together = (CELLS_MAX / items).max(1);
    for first in (0..names.len()).step_by(together) {
        let names = &names[first..names.len().min(first + together)];
        scores.clear();
        scores.resize(names.len() * items, 0.0);
        sum(&mut scores, Some(first));
        let best = |scores: &[f64]| best_of_scene(scores, params.scene_items_max);
        scenes.extend(names.iter().cloned().zip(scores.chunks_exact(items).map(best)));
    }
    Ok(popularity.with_scenes(scenes))
}

/// Scores of scenes that are held at once.
const CELLS_MAX: usize = 32 << 20;

fn best_of_scene(scores: &[f64], items_max: usize) -> Vec<(ItemIndex, f32)> {
    let scored = (0u32..).map(ItemIndex).zip(scores.iter().map(|score| *score as f32));
    let mut best: Vec<_> = scored.filter(|(_, score)| *score > 0.0).collect();
    if best.len() > items_max {
        best.select_nth_unstable_by(items_max, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        best.truncate(items_max);
    }
    best
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
