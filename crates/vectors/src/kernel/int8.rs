//! Inner products of 8-bit codes, sixteen rows at a time: the inner loop of every quantised scan.
//!
//! A block holds sixteen rows turned on their side: four components of each row are one lane of a
//! 64-byte line, so that sums stay in lanes and nothing is added across them. Rows are unsigned
//! (code + 128) and queries signed, as the instruction wants it (VPDPBUSD); the 128 is taken off
//! through the first value of each sum.

/// Rows in a block.
pub(crate) const BLOCK: usize = 16;

/// Components in one lane of a line.
pub(crate) const GROUP: usize = 4;

/// Four components of each of sixteen rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Line(pub [[u8; GROUP]; BLOCK]);

/// `Q` queries, side by side.
#[derive(Debug, Clone)]
pub struct Tile<const Q: usize> {
    /// By group of four components: those of each query in one word, the first the lowest byte.
    words: Vec<[i32; Q]>,
    /// What is added to each sum, less 128 times the sum of the query's codes.
    starts: [i32; Q],
    /// What is added to each sum.
    margins: [i32; Q],
}

impl<const Q: usize> Tile<Q> {
    /// Of at most `Q` queries of `groups * 4` codes each, and what is added to each sum; those that
    /// are missing are zero. Panics on other lengths.
    pub fn new(queries: &[(&[i8], i32)], groups: usize) -> Self {
        assert!(queries.len() <= Q, "at most {Q} queries");
        let mut tile = Self { words: vec![[0; Q]; groups], starts: [0; Q], margins: [0; Q] };
        for (at, (codes, margin)) in queries.iter().enumerate() {
            assert_eq!(codes.len(), groups * GROUP, "whole groups");
            for (words, codes) in tile.words.iter_mut().zip(codes.as_chunks::<GROUP>().0) {
                words[at] = i32::from_le_bytes(codes.map(i8::cast_unsigned));
            }
            let sum: i32 = codes.iter().map(|code| i32::from(*code)).sum();
            tile.margins[at] = *margin;
            tile.starts[at] = margin - 128 * sum;
        }
        tile
    }
}

/// Which rows of a block are at or above each query's floor, the first in the lowest bit, with
/// `scale * sum` of all rows; those of a query without any are not written.
#[derive(Debug, Clone, Copy)]
pub struct Hits<const Q: usize> {
    /// By query.
    pub rows: [u16; Q],
    /// By query and row.
    pub scores: [[f32; BLOCK]; Q],
}

impl<const Q: usize> Default for Hits<Q> {
    fn default() -> Self {
        Self { rows: [0; Q], scores: [[0.0; BLOCK]; Q] }
    }
}

/// By query: scores below are not wanted. Once for each row of a block, so that a comparison reads
/// what it needs as it is: broadcast from one number each, a third of the scan's time went there.
pub(crate) type Floors<const Q: usize> = [[f32; BLOCK]; Q];

/// Which form of the int8 kernel runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Int8Kernel {
    /// Any processor.
    Portable,
    /// 32 bytes an instruction. Made by [`Int8Kernel::detect`] and [`Int8Kernel::all`] alone.
    #[cfg(target_arch = "x86_64")]
    Avx2(Detected),
    /// 64 bytes an instruction, multiplied and added in one. Made as `Avx2` is.
    #[cfg(target_arch = "x86_64")]
    Vnni(Detected),
}

/// Proof that the processor was asked: only this module can make one.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected(());

impl Int8Kernel {
    /// Every form that this processor has, the fastest last, for tests and benchmarks.
    pub fn all() -> Vec<Self> {
        let mut kernels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                kernels.push(Self::Avx2(Detected(())));
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
                kernels.push(Self::Vnni(Detected(())));
            }
        }
        kernels
    }

    /// The fastest form that this processor has.
    pub fn detect() -> Self {
        Self::all().pop().unwrap_or(Self::Portable)
    }

    /// Compares a block, with the steps of its rows' codes, with the queries of a tile; false
    /// where no query has a row at its floor. A score that is no number is a hit. Panics where the
    /// block has another number of groups than the tile.
    #[inline]
    pub fn scan<const Q: usize>(
        self,
        (block, scales): (&[Line], &[f32; BLOCK]),
        tile: &Tile<Q>,
        floors: &Floors<Q>,
        hits: &mut Hits<Q>,
    ) -> bool {
        assert_eq!(block.len(), tile.words.len(), "rows and queries of one dimension");
        match self {
            Self::Portable => portable::scan(block, scales, tile, floors, hits),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Detected` exists only where the processor has AVX2 and FMA.
            Self::Avx2(_) => unsafe { avx2::scan(block, scales, tile, floors, hits) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Detected` exists only where the processor has AVX-512F and VNNI.
            Self::Vnni(_) => unsafe { vnni::scan(block, scales, tile, floors, hits) },
        }
    }
}

mod portable {
    //! The oracle: plain Rust.

    use super::{BLOCK, Floors, Hits, Line, Tile};

    pub(super) fn scan<const Q: usize>(
        block: &[Line],
        scales: &[f32; BLOCK],
        tile: &Tile<Q>,
        floors: &Floors<Q>,
        hits: &mut Hits<Q>,
    ) -> bool {
        for query in 0..Q {
            hits.rows[query] = 0;
            for row in 0..BLOCK {
                let mut sum = tile.starts[query];
                for (line, words) in block.iter().zip(&tile.words) {
                    for (code, with) in line.0[row].iter().zip(words[query].to_le_bytes()) {
                        sum += i32::from(*code) * i32::from(with.cast_signed());
                    }
                }
                let score = scales[row] * sum as f32;
                hits.scores[query][row] = score;
                hits.rows[query] |= u16::from(score >= floors[query][row] || score.is_nan()) << row;
            }
        }
        hits.rows.iter().any(|rows| *rows != 0)
    }
}

#[cfg(target_arch = "x86_64")]
mod vnni {
    //! A line is one register, a query's four components one broadcast word.

    use std::arch::x86_64::{
        _CMP_NLT_UQ, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32,
        _mm512_load_si512, _mm512_loadu_ps, _mm512_mul_ps, _mm512_set1_epi32, _mm512_setzero_si512,
        _mm512_storeu_ps,
    };

    use super::{BLOCK, Floors, Hits, Line, Tile};

    /// # Safety
    /// The processor has AVX-512F and AVX-512-VNNI.
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub(super) unsafe fn scan<const Q: usize>(
        block: &[Line],
        scales: &[f32; BLOCK],
        tile: &Tile<Q>,
        floors: &Floors<Q>,
        hits: &mut Hits<Q>,
    ) -> bool {
        // No closures here: one would not be compiled for this processor, and be called.
        let mut sums = [_mm512_setzero_si512(); Q];
        for (sum, start) in sums.iter_mut().zip(&tile.starts) {
            *sum = _mm512_set1_epi32(*start);
        }
        for (line, words) in block.iter().zip(&tile.words) {
            // SAFETY: a line holds 64 bytes at an address that 64 divides.
            let line = unsafe { _mm512_load_si512(std::ptr::from_ref(line).cast()) };
            for (sum, word) in sums.iter_mut().zip(words) {
                *sum = _mm512_dpbusd_epi32(*sum, line, _mm512_set1_epi32(*word));
            }
        }
        // SAFETY: there are sixteen.
        let scales = unsafe { _mm512_loadu_ps(scales.as_ptr()) };
        let mut any = 0;
        for query in 0..Q {
            let score = _mm512_mul_ps(scales, _mm512_cvtepi32_ps(sums[query]));
            // SAFETY: there are sixteen.
            let floor = unsafe { _mm512_loadu_ps(floors[query].as_ptr()) };
            let rows = _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(score, floor);
            hits.rows[query] = rows;
            any |= rows;
            if rows != 0 {
                // SAFETY: sixteen values fit.
                unsafe { _mm512_storeu_ps(hits.scores[query].as_mut_ptr(), score) };
            }
        }
        any != 0
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! A line is two registers. The product of unsigned and signed bytes would saturate, so codes
    //! are made signed again and the sign goes over to the query.

    use std::arch::x86_64::{
        __m256i, _CMP_NLT_UQ, _mm256_add_epi32, _mm256_cmp_ps, _mm256_cvtepi32_ps,
        _mm256_load_si256, _mm256_loadu_ps, _mm256_madd_epi16, _mm256_maddubs_epi16,
        _mm256_movemask_ps, _mm256_mul_ps, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32,
        _mm256_setzero_si256, _mm256_sign_epi8, _mm256_storeu_ps, _mm256_xor_si256,
    };

    use super::{BLOCK, Floors, Hits, Line, Tile};

    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn scan<const Q: usize>(
        block: &[Line],
        scales: &[f32; BLOCK],
        tile: &Tile<Q>,
        floors: &Floors<Q>,
        hits: &mut Hits<Q>,
    ) -> bool {
        hits.rows = [0; Q];
        for half in 0..2 {
            // SAFETY: the caller promises the processor; `half` is 0 or 1.
            let sums = unsafe { sums(block, tile, half) };
            let first = half * BLOCK / 2;
            // SAFETY: eight values follow the first of either half.
            let scales = unsafe { _mm256_loadu_ps(scales.as_ptr().add(first)) };
            for query in 0..Q {
                let score = _mm256_mul_ps(scales, _mm256_cvtepi32_ps(sums[query]));
                // SAFETY: eight values follow the first of either half.
                let floor = unsafe { _mm256_loadu_ps(floors[query].as_ptr().add(first)) };
                let found = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(score, floor)) as u16;
                hits.rows[query] |= found << first;
                // SAFETY: eight values fit behind the first of either half.
                unsafe { _mm256_storeu_ps(hits.scores[query].as_mut_ptr().add(first), score) };
            }
        }
        let mut any = 0;
        for rows in &hits.rows {
            any |= rows;
        }
        any != 0
    }

    /// The sums of eight rows, by query.
    ///
    /// # Safety
    /// The processor has AVX2; `half` is 0 or 1.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn sums<const Q: usize>(block: &[Line], tile: &Tile<Q>, half: usize) -> [__m256i; Q] {
        let mut sums = [_mm256_setzero_si256(); Q];
        for (sum, margin) in sums.iter_mut().zip(&tile.margins) {
            *sum = _mm256_set1_epi32(*margin);
        }
        for (line, words) in block.iter().zip(&tile.words) {
            let start = std::ptr::from_ref(line).cast::<__m256i>();
            // SAFETY: a line holds two such halves at addresses that 32 divides.
            let codes = unsafe { _mm256_load_si256(start.add(half)) };
            let codes = _mm256_xor_si256(codes, _mm256_set1_epi8(-128));
            let sizes = _mm256_sign_epi8(codes, codes);
            for query in 0..Q {
                let with = _mm256_sign_epi8(_mm256_set1_epi32(words[query]), codes);
                let pairs = _mm256_maddubs_epi16(sizes, with);
                let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
                sums[query] = _mm256_add_epi32(sums[query], fours);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const Q: usize = 3;

    proptest! {
        #[test]
        fn every_form_agrees_with_the_portable_one(
            groups in 1usize..40,
            // No code is -128: its size is no signed byte.
            bytes in prop::collection::vec(1u8..=255, 40 * 64),
            codes in prop::collection::vec(-127i8..=127, 40 * GROUP * Q),
            scales in prop::array::uniform16(0.0f32..2.0),
            margins in prop::array::uniform3(-900i32..900),
            floors in prop::array::uniform3(-50_000f32..50_000.0),
        ) {
            let floors = floors.map(|floor| [floor; BLOCK]);
            let line = |at: usize| {
                Line(std::array::from_fn(|row| {
                    std::array::from_fn(|byte| bytes[at * 64 + row * GROUP + byte])
                }))
            };
            let block: Vec<Line> = (0..groups).map(line).collect();
            let queries: Vec<(&[i8], i32)> =
                codes.chunks(groups * GROUP).zip(margins).take(Q).collect();
            let tile = Tile::<Q>::new(&queries, groups);
            let mut expected = Hits::default();
            Int8Kernel::Portable.scan((&block, &scales), &tile, &floors, &mut expected);
            for kernel in Int8Kernel::all() {
                let mut got = Hits::default();
                let any = kernel.scan((&block, &scales), &tile, &floors, &mut got);
                prop_assert_eq!(got.rows, expected.rows, "{:?}", kernel);
                prop_assert_eq!(any, got.rows != [0; Q]);
                for query in (0..Q).filter(|query| got.rows[*query] != 0) {
                    prop_assert_eq!(got.scores[query], expected.scores[query], "{:?}", kernel);
                }
            }
        }
    }

    #[test]
    fn the_sum_of_a_row_is_the_product_of_its_codes() {
        let (row, query) = ([3i8, -127, 0, 127], [-127i8, 127, 5, 127]);
        let mut line = Line([[128; GROUP]; BLOCK]);
        line.0[5] = row.map(|code| code.cast_unsigned() ^ 0x80);
        let tile = Tile::<1>::new(&[(&query, 7)], 1);
        for kernel in Int8Kernel::all() {
            let mut hits = Hits::default();
            assert!(kernel.scan((&[line], &[1.0; BLOCK]), &tile, &[[f32::MIN; BLOCK]], &mut hits));
            let mut expected = [7.0; BLOCK];
            expected[5] = (7 - 3 * 127 - 127 * 127 + 127 * 127) as f32;
            assert_eq!((hits.rows, hits.scores), ([u16::MAX], [expected]), "{kernel:?}");
        }
    }
}
