//! How far a mean over users would move with other users: the paired percentile bootstrap (Efron
//! 1979).

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::Serialize;

/// A mean with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The mean over all users.
    pub mean: f64,
    /// 2.5 % of the resamples' means lie below.
    pub low: f64,
    /// 2.5 % of the resamples' means lie above.
    pub high: f64,
}

impl Interval {
    /// Whether 0 lies outside: the difference is not an accident of who was asked.
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// The 95 % intervals of several means over the same users. `rows` has one row of `width` values a
/// user, one after the other; the result has `width` intervals. Every value of a user goes
/// through the resampling together, so that intervals of differences are paired. Resample `i`
/// draws from a generator seeded by `seed` and `i` alone: the result does not depend on threads.
/// Empty where there are no rows.
pub fn paired_bootstrap(rows: &[f64], width: usize, resamples: usize, seed: u64) -> Vec<Interval> {
    if width == 0 || rows.is_empty() {
        return Vec::new();
    }
    let users = rows.len() / width;
    let mean_of = |sums: &[f64]| -> Vec<f64> { sums.iter().map(|s| s / users as f64).collect() };
    let mut all = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        add(&mut all, row);
    }
    let means = mean_of(&all);
    let resampled: Vec<Vec<f64>> = (0..resamples as u64)
        .into_par_iter()
        .map(|at| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ at.wrapping_mul(GOLDEN));
            let mut sums = vec![0.0; width];
            for _ in 0..users {
                let user = rng.random_range(0..users);
                add(&mut sums, &rows[user * width..(user + 1) * width]);
            }
            mean_of(&sums)
        })
        .collect();
    (0..width)
        .map(|column| {
            let mut values: Vec<f64> = resampled.iter().map(|means| means[column]).collect();
            values.sort_by(f64::total_cmp);
            let (low, high) = (quantile(&values, 0.025), quantile(&values, 0.975));
            let mean = means[column];
            Interval { mean, low: low.unwrap_or(mean), high: high.unwrap_or(mean) }
        })
        .collect()
}

/// Spreads consecutive numbers over all seeds (2^64 over the golden ratio).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn add(sums: &mut [f64], row: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}

/// The value below which a share `at` of sorted `values` lies, linear between neighbours.
pub(crate) fn quantile(values: &[f64], at: f64) -> Option<f64> {
    let place = at * values.len().checked_sub(1)? as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    Some(values[below] + (values[above] - values[below]) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(rng: &mut Xoshiro256PlusPlus) -> f64 {
        rng.random_range(0.0..1.0)
    }

    #[test]
    fn covers_the_true_mean_about_95_times_in_100() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
        let (studies, users) = (400, 80);
        let covered = (0..studies)
            .filter(|study| {
                let values: Vec<f64> = (0..users).map(|_| uniform(&mut rng)).collect();
                let interval = paired_bootstrap(&values, 1, 1000, *study)[0];
                interval.low <= 0.5 && 0.5 <= interval.high
            })
            .count();
        let share = covered as f64 / studies as f64;
        assert!((0.91..=0.98).contains(&share), "covered {share}");
    }

    #[test]
    fn is_as_wide_as_theory_says() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        let values: Vec<f64> = (0..2000).map(|_| uniform(&mut rng)).collect();
        let interval = paired_bootstrap(&values, 1, 2000, 1)[0];
        let theory = 2.0 * 1.96 * (1.0 / 12f64).sqrt() / 2000f64.sqrt();
        assert!(((interval.high - interval.low) / theory - 1.0).abs() < 0.1);
    }

    #[test]
    fn pairs_what_belongs_to_one_user() {
        // Two noisy systems whose difference is always 0.01: only pairing can see it.
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let rows: Vec<f64> = (0..300)
            .flat_map(|_| {
                let one = uniform(&mut rng);
                [one, one + 0.01, 0.01]
            })
            .collect();
        let intervals = paired_bootstrap(&rows, 3, 1000, 7);
        assert!(intervals[1].low < intervals[0].high, "apart they overlap");
        assert!(intervals[2].excludes_zero());
        assert!((intervals[2].high - intervals[2].low).abs() < 1e-9);
    }

    #[test]
    fn does_not_depend_on_the_number_of_threads() {
        let rows: Vec<f64> = (0..500).map(|at| f64::from(at * 37 % 101)).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| paired_bootstrap(&rows, 5, 1000, 9))
        };
        assert_eq!(run(1), run(4));
        assert_ne!(run(1), paired_bootstrap(&rows, 5, 1000, 10), "the seed counts");
    }

    #[test]
    fn no_users_no_intervals_and_one_user_is_a_point() {
        assert_eq!(paired_bootstrap(&[], 3, 1000, 1), []);
        let interval = paired_bootstrap(&[0.25], 1, 1000, 1)[0];
        assert_eq!((interval.mean, interval.low, interval.high), (0.25, 0.25, 0.25));
        assert_eq!(quantile(&[1.0, 3.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
