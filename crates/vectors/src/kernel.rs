//! The inner loops, in three forms: AVX-512, AVX2 with FMA, and portable. The form is picked at
//! run time; the portable one is the oracle of the others and the only one on other processors.
//!
//! Sums are taken in another order by each form, so scores agree to rounding between machines
//! and bit by bit on one.

#![allow(unsafe_code, reason = "vector instructions; each use says why it is sound")]

pub(crate) mod int8;

/// Which form of the kernels runs. Picked once for a search, not once a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Any processor.
    Portable,
    /// 8 lanes with fused multiply-add. Made by [`Kernel::detect`] and [`Kernel::all`] alone.
    #[cfg(target_arch = "x86_64")]
    Avx2(Detected),
    /// 16 lanes. Made by [`Kernel::detect`] and [`Kernel::all`] alone.
    #[cfg(target_arch = "x86_64")]
    Avx512(Detected),
}

/// Proof that the processor was asked: only this module can make one.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected(());

impl Kernel {
    /// The fastest form that this processor has. Costs two loads: the answer is cached.
    #[inline]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512(Detected(()));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2(Detected(()));
            }
        }
        Self::Portable
    }

    /// Every form that this processor has, for tests and benchmarks.
    pub fn all() -> Vec<Self> {
        let mut kernels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                kernels.push(Self::Avx2(Detected(())));
            }
            if is_x86_feature_detected!("avx512f") {
                kernels.push(Self::Avx512(Detected(())));
            }
        }
        kernels
    }

    /// Inner product. Panics where the lengths differ.
    #[inline]
    pub fn dot(self, a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len(), "rows of one dimension");
        match self {
            Self::Portable => portable::dot(a, b),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Detected` exists only where the processor has AVX2 and FMA; the lengths
            // are equal.
            Self::Avx2(_) => unsafe { avx2::dot(a, b) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Detected` exists only where the processor has AVX-512F; the lengths are
            // equal.
            Self::Avx512(_) => unsafe { avx512::dot(a, b) },
        }
    }

    /// Inner products of `query` with consecutive rows, one a score, each bit by bit what
    /// [`Kernel::dot`] gives. Panics where `rows` is not `scores.len()` rows of the query's length.
    #[inline]
    pub fn dot_rows(self, query: &[f32], rows: &[f32], scores: &mut [f32]) {
        assert_eq!(rows.len(), query.len() * scores.len(), "whole rows, one a score");
        match self {
            Self::Portable => portable::dot_rows(query, rows, scores),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Detected` exists only where the processor has AVX2 and FMA; `rows` holds
            // one row a score.
            Self::Avx2(_) => unsafe { avx2::dot_rows(query, rows, scores) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Detected` exists only where the processor has AVX-512F; `rows` holds one
            // row a score.
            Self::Avx512(_) => unsafe { avx512::dot_rows(query, rows, scores) },
        }
    }

    /// Which of 64 numbers are `floor` or more, the first in the lowest bit.
    #[inline]
    pub fn at_least(self, numbers: &[i64; 64], floor: i64) -> u64 {
        match self {
            Self::Portable => portable::at_least(numbers, floor),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Detected` exists only where the processor has AVX2.
            Self::Avx2(_) => unsafe { avx2::at_least(numbers, floor) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Detected` exists only where the processor has AVX-512F.
            Self::Avx512(_) => unsafe { avx512::at_least(numbers, floor) },
        }
    }
}

/// Inner product of two rows. Panics where the lengths differ.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    Kernel::detect().dot(a, b)
}

/// `target += scale * row`. Panics where the lengths differ. One portable form: the compiler's
/// own vectors, inlined, were four times as fast as a call of hand-written ones (64 components).
#[inline]
pub fn add_scaled(target: &mut [f32], scale: f32, row: &[f32]) {
    assert_eq!(target.len(), row.len(), "rows of one dimension");
    for (target, value) in target.iter_mut().zip(row) {
        *target += scale * value;
    }
}

/// Scales a row to length 1; a zero row stays as it is.
pub fn normalize(row: &mut [f32]) {
    // Dividing by the largest first keeps the squares of very large and very small rows in range.
    let largest = row.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    if largest > 0.0 && largest.is_finite() {
        row.iter_mut().for_each(|value| *value /= largest);
        let length = dot(row, row).sqrt();
        row.iter_mut().for_each(|value| *value /= length);
    }
}

mod portable {
    //! The oracle: plain Rust.

    pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    pub(super) fn dot_rows(query: &[f32], rows: &[f32], scores: &mut [f32]) {
        for (score, row) in scores.iter_mut().zip(rows.chunks_exact(query.len().max(1))) {
            *score = dot(query, row);
        }
    }

    pub(super) fn at_least(numbers: &[i64; 64], floor: i64) -> u64 {
        let bit = |(at, number): (usize, &i64)| u64::from(*number >= floor) << at;
        numbers.iter().enumerate().map(bit).fold(0, |all, bit| all | bit)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    //! 16 lanes; the tail is read under a mask, so no row needs padding.

    use std::arch::x86_64::{
        __m512, __mmask16, _mm512_add_ps, _mm512_cmpge_epi64_mask, _mm512_fmadd_ps,
        _mm512_loadu_epi64, _mm512_loadu_ps, _mm512_maskz_loadu_ps, _mm512_reduce_add_ps,
        _mm512_set1_epi64, _mm512_setzero_ps,
    };

    /// # Safety
    /// The processor has AVX-512F.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn at_least(numbers: &[i64; 64], floor: i64) -> u64 {
        let floor = _mm512_set1_epi64(floor);
        let mut found = 0;
        for (at, eight) in numbers.as_chunks::<8>().0.iter().enumerate() {
            // SAFETY: `eight` holds what one load reads.
            let eight = unsafe { _mm512_loadu_epi64(eight.as_ptr()) };
            found |= u64::from(_mm512_cmpge_epi64_mask(eight, floor)) << (8 * at);
        }
        found
    }

    /// # Safety
    /// The processor has AVX-512F and the slices are of one length.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
        // SAFETY: both slices hold `a.len()` values; the caller promises the processor.
        unsafe { dot_raw(a.as_ptr(), b.as_ptr(), a.len()) }
    }

    /// # Safety
    /// The processor has AVX-512F and `rows` holds `scores.len()` rows of `query.len()`.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn dot_rows(query: &[f32], rows: &[f32], scores: &mut [f32]) {
        let dim = query.len();
        for (at, score) in scores.iter_mut().enumerate() {
            // SAFETY: row `at` lies inside `rows`, which holds one row a score.
            *score = unsafe { dot_raw(query.as_ptr(), rows.as_ptr().add(at * dim), dim) };
        }
    }

    /// # Safety
    /// The processor has AVX-512F; `dim` values can be read from both pointers.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn dot_raw(a: *const f32, b: *const f32, dim: usize) -> f32 {
        let mut sums = [_mm512_setzero_ps(); 4];
        let mut at = 0;
        while at + 64 <= dim {
            for (lane, sum) in sums.iter_mut().enumerate() {
                // SAFETY: `at + 64 <= dim` and `lane < 4`, so 16 values follow the position.
                let (left, right) = unsafe {
                    let start = at + lane * 16;
                    (_mm512_loadu_ps(a.add(start)), _mm512_loadu_ps(b.add(start)))
                };
                *sum = _mm512_fmadd_ps(left, right, *sum);
            }
            at += 64;
        }
        while at < dim {
            let mask = tail_mask(dim - at);
            // SAFETY: the mask lets through only values before `dim`.
            let (left, right) = unsafe {
                (_mm512_maskz_loadu_ps(mask, a.add(at)), _mm512_maskz_loadu_ps(mask, b.add(at)))
            };
            sums[0] = _mm512_fmadd_ps(left, right, sums[0]);
            at += 16;
        }
        let pairs: [__m512; 2] = [_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])];
        _mm512_reduce_add_ps(_mm512_add_ps(pairs[0], pairs[1]))
    }

    /// The lowest `left` lanes, at most 16.
    fn tail_mask(left: usize) -> __mmask16 {
        if left >= 16 { u16::MAX } else { (1 << left) - 1 }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! 8 lanes; the tail is summed one value at a time.

    use std::arch::x86_64::{
        __m256, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehl_ps, _mm_shuffle_ps,
        _mm256_add_ps, _mm256_castps256_ps128, _mm256_castsi256_pd, _mm256_cmpgt_epi64,
        _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
        _mm256_movemask_pd, _mm256_set1_epi64x, _mm256_setzero_ps,
    };

    /// # Safety
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn at_least(numbers: &[i64; 64], floor: i64) -> u64 {
        let floor = _mm256_set1_epi64x(floor);
        let mut less = 0;
        for (at, four) in numbers.as_chunks::<4>().0.iter().enumerate() {
            // SAFETY: `four` holds what one load reads.
            let four = unsafe { _mm256_loadu_si256(four.as_ptr().cast()) };
            let is_less = _mm256_castsi256_pd(_mm256_cmpgt_epi64(floor, four));
            less |= (_mm256_movemask_pd(is_less) as u64) << (4 * at);
        }
        !less
    }

    /// # Safety
    /// The processor has AVX2 and FMA, and the slices are of one length.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
        // SAFETY: both slices hold `a.len()` values; the caller promises the processor.
        unsafe { dot_raw(a.as_ptr(), b.as_ptr(), a.len()) }
    }

    /// # Safety
    /// The processor has AVX2 and FMA, and `rows` holds `scores.len()` rows of `query.len()`.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn dot_rows(query: &[f32], rows: &[f32], scores: &mut [f32]) {
        let dim = query.len();
        for (at, score) in scores.iter_mut().enumerate() {
            // SAFETY: row `at` lies inside `rows`, which holds one row a score.
            *score = unsafe { dot_raw(query.as_ptr(), rows.as_ptr().add(at * dim), dim) };
        }
    }

    /// # Safety
    /// The processor has AVX2 and FMA; `dim` values can be read from both pointers.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn dot_raw(a: *const f32, b: *const f32, dim: usize) -> f32 {
        let mut sums = [_mm256_setzero_ps(); 4];
        let mut at = 0;
        while at + 32 <= dim {
            for (lane, sum) in sums.iter_mut().enumerate() {
                // SAFETY: `at + 32 <= dim` and `lane < 4`, so 8 values follow the position.
                let (left, right) = unsafe {
                    let start = at + lane * 8;
                    (_mm256_loadu_ps(a.add(start)), _mm256_loadu_ps(b.add(start)))
                };
                *sum = _mm256_fmadd_ps(left, right, *sum);
            }
            at += 32;
        }
        while at + 8 <= dim {
            // SAFETY: `at + 8 <= dim`.
            let (left, right) = unsafe { (_mm256_loadu_ps(a.add(at)), _mm256_loadu_ps(b.add(at))) };
            sums[0] = _mm256_fmadd_ps(left, right, sums[0]);
            at += 8;
        }
        let pairs = (_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
        let mut total = sum_of_lanes(_mm256_add_ps(pairs.0, pairs.1));
        while at < dim {
            // SAFETY: `at < dim`.
            total += unsafe { *a.add(at) * *b.add(at) };
            at += 1;
        }
        total
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn sum_of_lanes(lanes: __m256) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps::<1>(lanes));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
    }
}

/// Asks for the cache line of `slice[at]` before it is needed; past the end it does nothing. Says
/// nothing to the program: only to the memory, which then has the line under way while other work
/// is done. What that saves: `cargo bench -p gannet-vectors --bench prefetch`.
#[inline]
pub fn prefetch<T>(slice: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(place) = slice.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of x86_64, and a prefetch of an address inside a slice neither
        // faults nor changes anything that the program can see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two rows of one length around the widths of every form.
    fn rows() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
        (0usize..150).prop_flat_map(|dim| {
            let row = || prop::collection::vec(-10.0f32..10.0, dim);
            (row(), row())
        })
    }

    fn close(got: f32, expected: f64, scale: f64) -> bool {
        (f64::from(got) - expected).abs() <= 1e-5 * (1.0 + scale)
    }

    proptest! {
        #[test]
        fn every_form_of_dot_agrees_with_f64((a, b) in rows()) {
            let products = || a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b));
            let (exact, scale) = (products().sum(), products().map(f64::abs).sum());
            for kernel in Kernel::all() {
                let got = kernel.dot(&a, &b);
                prop_assert!(close(got, exact, scale), "{kernel:?}: {got} against {exact}");
            }
        }

        #[test]
        fn add_scaled_adds_to_each_component((a, b) in rows(), scale in -3f32..3.0) {
            let mut got = a.clone();
            add_scaled(&mut got, scale, &b);
            for (at, got) in got.iter().enumerate() {
                prop_assert_eq!(*got, a[at] + scale * b[at]);
            }
        }

        #[test]
        fn a_block_scores_each_row_as_dot_does(
            dim in 1usize..80,
            values in prop::collection::vec(-10.0f32..10.0, 80..800),
        ) {
            let (query, rest) = values.split_at(dim);
            let height = rest.len() / dim;
            for kernel in Kernel::all() {
                let mut scores = vec![0.0; height];
                kernel.dot_rows(query, &rest[..height * dim], &mut scores);
                for (at, score) in scores.iter().enumerate() {
                    let alone = kernel.dot(query, &rest[at * dim..][..dim]);
                    prop_assert_eq!(score.to_bits(), alone.to_bits());
                }
            }
        }

        #[test]
        fn every_form_of_at_least_agrees_with_the_comparison(
            numbers in prop::array::uniform32(prop_oneof![-3i64..3, any::<i64>()]),
            floor in prop_oneof![-3i64..3, any::<i64>()],
        ) {
            let numbers: [i64; 64] = std::array::from_fn(|at| numbers[at / 2] ^ (at as i64 & 1));
            for kernel in Kernel::all() {
                let got = kernel.at_least(&numbers, floor);
                for (at, number) in numbers.iter().enumerate() {
                    prop_assert_eq!(got >> at & 1 == 1, *number >= floor, "{:?}", kernel);
                }
            }
        }

        #[test]
        fn a_normalized_row_has_length_one(
            mut row in prop::collection::vec(-1e30f32..1e30, 1..40),
        ) {
            prop_assume!(row.iter().any(|value| *value != 0.0));
            normalize(&mut row);
            prop_assert!((dot(&row, &row) - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn a_zero_row_and_an_empty_one_stay_as_they_are() {
        let mut row = [0.0, -0.0];
        normalize(&mut row);
        assert_eq!(row, [0.0, 0.0]);
        normalize(&mut []);
        assert_eq!(dot(&[], &[]), 0.0);
    }

    #[test]
    #[should_panic(expected = "rows of one dimension")]
    fn rows_of_two_lengths_are_refused() {
        dot(&[1.0], &[1.0, 2.0]);
    }
}
