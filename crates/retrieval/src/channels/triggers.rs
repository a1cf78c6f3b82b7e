//! The dislikes of a user beside his triggers: what pushes items away.

use gannet_core::ItemIndex;
use rustc_hash::FxHashSet;

use crate::{Trigger, UserProfile};

/// The most recent items whose newest verdict is negative, at most `count_max`, newest first, with
/// `|strength| * 0.5^(age in days / half life)` as weight (no time or no half-life: no decay).
/// The mirror image of [`UserProfile::triggers`].
pub(super) fn dislikes(
    profile: &UserProfile,
    count_max: usize,
    half_life_days: Option<f32>,
) -> Vec<Trigger> {
    let mut judged: FxHashSet<ItemIndex> = FxHashSet::default();
    let verdicts = profile.history.iter().rev().filter(|entry| entry.strength != 0.0);
    let newest = verdicts.filter(|entry| judged.insert(entry.item));
    let negative = newest.filter(|entry| entry.strength < 0.0).take(count_max);
    let weighed = negative.map(|entry| {
        let fading = match (entry.time, half_life_days) {
            (Some(time), Some(half_life)) => {
                let age = profile.now.days_since(time).max(0.0);
                (-age / f64::from(half_life)).exp2() as f32
            }
            _ => 1.0,
        };
        Trigger { item: entry.item, weight: -entry.strength * fading }
    });
    weighed.filter(|trigger| trigger.weight > 0.0).collect()
}
