//! Random draws that a request can repeat: everything random in a channel starts from the request's
//! seed.

use rustc_hash::FxHashSet;

/// Splitmix64 (Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub(super) struct Draws(u64);

impl Draws {
    /// `stream` keeps the draws of one request's channels apart from each other.
    pub(super) fn new(seed: u64, stream: &str) -> Self {
        // FNV-1a: the same on every machine and in every version.
        let hash = stream.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
        let mut draws = Self(seed ^ hash);
        draws.next();
        draws
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `count`, which is at most 2^32; each as likely as the others to 2^-32.
    pub(super) fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }

    /// `wanted` distinct numbers below `count`, or all of them: every set of them as likely as any.
    pub(super) fn distinct(&mut self, wanted: usize, count: usize) -> Vec<usize> {
        if wanted >= count / 2 {
            let mut all: Vec<usize> = (0..count).collect();
            let wanted = wanted.min(count);
            for at in 0..wanted {
                let other = at + self.below(count - at);
                all.swap(at, other);
            }
            all.truncate(wanted);
            return all;
        }
        let mut seen = FxHashSet::default();
        let mut drawn = Vec::with_capacity(wanted);
        while drawn.len() < wanted {
            let at = self.below(count);
            if seen.insert(at) {
                drawn.push(at);
            }
        }
        drawn
    }

    /// The numbers below `count`, each once, in an order that starts and steps at random: cheap for
    /// however few of them are taken.
    pub(super) fn tour(&mut self, count: usize) -> impl Iterator<Item = usize> + use<> {
        let start = self.below(count.max(1));
        let mut step = 1 + self.below(count.max(2) - 1);
        while greatest_common_divisor(step, count.max(1)) != 1 {
            step += 1;
        }
        (0..count).map(move |at| (start + at * step) % count)
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn draws_are_distinct_in_range_and_repeatable(
            seed in any::<u64>(),
            wanted in 0usize..300,
            count in 0usize..300,
        ) {
            let drawn = Draws::new(seed, "a").distinct(wanted, count);
            prop_assert_eq!(&drawn, &Draws::new(seed, "a").distinct(wanted, count));
            let mut sorted = drawn.clone();
            sorted.sort_unstable();
            sorted.dedup();
            prop_assert_eq!(sorted.len(), wanted.min(count));
            prop_assert!(sorted.iter().all(|at| *at < count));
            let mut tour: Vec<usize> = Draws::new(seed, "b").tour(count).collect();
            tour.sort_unstable();
            prop_assert_eq!(tour, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn each_number_is_drawn_as_often_as_the_others() {
        for (wanted, count) in [(3, 10), (7, 10)] {
            let mut times = vec![0u32; count];
            for seed in 0..20_000 {
                for at in Draws::new(seed, "x").distinct(wanted, count) {
                    times[at] += 1;
                }
            }
            let expected = 20_000.0 * wanted as f64 / count as f64;
            // Five standard deviations of a binomial count.
            let tolerance = 5.0 * (expected * (1.0 - wanted as f64 / count as f64)).sqrt();
            for count in times {
                assert!((f64::from(count) - expected).abs() < tolerance, "{count} of {expected}");
            }
        }
    }
}
