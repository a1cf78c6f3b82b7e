//! How much a user's older items count less, by their place in his history.
//!
//! Places tell more than days: a person who comes back after a year still has a last evening, and
//! one who rates fifty films in an hour rated them in an order.

use crate::Trigger;

/// Factors by place, the newest at 0: `(1 + place)^-exponent`.
pub(super) struct Fade(Vec<f32>);

impl Fade {
    /// For at most `places` triggers; an exponent of 0 leaves every weight as it is.
    pub(super) fn new(exponent: f32, places: usize) -> Self {
        // Beyond these the factor hardly changes any more, and a giant `places` costs nothing.
        const PLACES_MAX: usize = 4096;
        let places = if exponent == 0.0 { 0 } else { places.min(PLACES_MAX) };
        Self((0..places).map(|place| (1.0 + place as f32).powf(-exponent)).collect())
    }

    /// Multiplies the weights of triggers, the newest first.
    pub(super) fn apply(&self, triggers: &mut [Trigger]) {
        let Some(last) = self.0.last() else { return };
        let factors = self.0.iter().chain(std::iter::repeat(last));
        for (trigger, factor) in triggers.iter_mut().zip(factors) {
            trigger.weight *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use gannet_core::ItemIndex;

    use super::*;

    #[test]
    fn older_triggers_count_less_and_exponent_0_changes_nothing() {
        let faded = |exponent, places| {
            let mut triggers = [Trigger { item: ItemIndex(0), weight: 2.0 }; 4];
            Fade::new(exponent, places).apply(&mut triggers);
            triggers.map(|trigger| trigger.weight)
        };
        assert_eq!(faded(0.0, 4), [2.0; 4]);
        assert_eq!(faded(1.0, 4), [2.0, 1.0, 2.0 / 3.0, 0.5]);
        assert_eq!(faded(1.0, 2), [2.0, 1.0, 1.0, 1.0]);
    }
}
