//! Repeatable draws for arrivals and made-up users: SplitMix64 (Steele, Lea and Flood, "Fast
//! splittable pseudorandom number generators", 2014). No figure of quality rests on them.

/// A generator; equal seeds draw equal numbers.
#[derive(Debug, Clone)]
pub(super) struct Draw {
    state: u64,
}

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is at least 1.
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// One of two, equally likely.
    pub(super) fn coin(&mut self) -> bool {
        self.next() >> 63 == 1
    }

    /// Exponential of mean 1: the gap between arrivals that know nothing of each other.
    pub(super) fn exponential(&mut self) -> f64 {
        // 53 bits: above 0 and at most 1, so that the logarithm is finite.
        -(((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_the_published_ones_for_a_seed() {
        // The first outputs for seed 1234567 in the reference implementation.
        let mut draw = Draw::new(1_234_567);
        assert_eq!(draw.next(), 6_457_827_717_110_365_317);
        assert_eq!(draw.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn draws_are_spread_evenly_and_gaps_have_mean_one() {
        let mut draw = Draw::new(1);
        let mut counts = [0usize; 10];
        let (mut heads, mut sum) = (0usize, 0.0);
        for _ in 0..100_000 {
            counts[draw.below(10)] += 1;
            heads += usize::from(draw.coin());
            sum += draw.exponential();
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        assert!((49_000..51_000).contains(&heads) && (sum / 1e5 - 1.0).abs() < 0.02);
        assert_eq!(draw.below(1), 0);
    }
}
