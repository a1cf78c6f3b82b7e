//! Items to be drawn by weight, each draw in constant time.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Weighted items by the alias method (Walker 1977, built as by Vose 1991): a slot an item, each
/// shared by at most two; one random number and one look into memory a draw.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    slots: Vec<Slot>,
    total: f64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The share of the slot that is the first item's.
    share: f32,
    items: [u32; 2],
}

impl Shelf {
    /// Weights are finite and not negative.
    pub(super) fn new(items: &[u32], weights: &[f32]) -> Self {
        let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
        if total <= 0.0 {
            return Self::default();
        }
        let scale = items.len() as f64 / total;
        let mut slots: Vec<Slot> = items
            .iter()
            .zip(weights)
            .map(|(item, weight)| Slot {
                share: (f64::from(*weight) * scale) as f32,
                items: [*item; 2],
            })
            .collect();
        let (mut small, mut large): (Vec<u32>, Vec<u32>) =
            (0..slots.len() as u32).partition(|at| slots[*at as usize].share < 1.0);
        while let (Some(poor), Some(rich)) = (small.pop(), large.last().copied()) {
            let (poor, at) = (poor as usize, rich as usize);
            slots[poor].items[1] = slots[at].items[0];
            slots[at].share -= 1.0 - slots[poor].share;
            if slots[at].share < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        // Rounding may leave some slots a little short of 1: their rest is their own, which
        // `items` says already. A weight of 0 is never drawn: it has another's item by now.
        Self { slots, total }
    }

    pub(super) fn total(&self) -> f64 {
        self.total
    }

    pub(super) fn draw(&self, random: &mut Xoshiro256PlusPlus) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let bits: u64 = random.random();
        let slot = &self.slots[(((bits >> 32) * self.slots.len() as u64) >> 32) as usize];
        let share = (bits as u32 >> 8) as f32 / (1u32 << 24) as f32;
        Some(slot.items[usize::from(share >= slot.share)])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    proptest! {
        #[test]
        fn draws_come_by_weight(weights in prop::collection::vec(0u8..20, 1..30), seed: u64) {
            let weights: Vec<f32> = weights.iter().map(|weight| f32::from(*weight)).collect();
            let items: Vec<u32> = (0..weights.len() as u32).map(|at| at * 7).collect();
            let shelf = Shelf::new(&items, &weights);
            let total: f32 = weights.iter().sum();
            let random = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
            prop_assert_eq!(shelf.draw(random).is_none(), total == 0.0);
            let mut counts = vec![0u32; items.len()];
            if total > 0.0 {
                for _ in 0..20_000 {
                    counts[shelf.draw(random).expect("not empty") as usize / 7] += 1;
                }
            }
            for (count, weight) in counts.iter().zip(&weights) {
                let (found, meant) = (*count as f32 / 20_000.0, weight / total.max(1.0));
                prop_assert!((found - meant).abs() < 0.025, "{} for {}", found, meant);
                prop_assert!(*weight > 0.0 || *count == 0);
            }
        }
    }
}
