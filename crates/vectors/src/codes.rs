//! Rows and queries as signed bytes, with what rounding can have cost.

use crate::kernel::int8::{BLOCK, GROUP, Line};
use crate::kernel::prefetch;
use crate::matrix::Matrix;

/// Rows of a matrix, each `scale * codes` to within half a step: one byte a component, in blocks
/// of sixteen rows. The last block is filled up with zero rows.
#[derive(Debug)]
pub(crate) struct Codes {
    lines: Vec<Line>,
    /// Lines of a block.
    groups: usize,
    scales: Vec<[f32; BLOCK]>,
    /// Length of the longest row in its own steps.
    longest: f32,
}

impl Codes {
    pub(crate) fn new(rows: &Matrix) -> Self {
        Self::of(rows.rows().map(Some), rows.height(), rows.dim())
    }

    /// Of `height` rows of `dim` components in the order given; where there is none, a zero row.
    pub(crate) fn of<'a>(
        rows: impl Iterator<Item = Option<&'a [f32]>>,
        height: usize,
        dim: usize,
    ) -> Self {
        let groups = dim.div_ceil(GROUP);
        let blocks = height.div_ceil(BLOCK);
        let mut codes = Self {
            lines: vec![Line([[128; GROUP]; BLOCK]); blocks * groups],
            groups,
            scales: vec![[0.0; BLOCK]; blocks],
            longest: 0.0,
        };
        for (at, row) in rows.enumerate() {
            row.into_iter().for_each(|row| codes.set(at, row));
        }
        codes
    }

    fn set(&mut self, at: usize, row: &[f32]) {
        let (block, lane) = (at / BLOCK, at % BLOCK);
        let rounded = Rounded::new(row);
        for (line, codes) in self.lines[block * self.groups..].iter_mut().zip(rounded.groups()) {
            line.0[lane] = codes.map(|code| code.cast_unsigned() ^ 0x80);
        }
        self.scales[block][lane] = rounded.scale;
        self.longest = self.longest.max(rounded.length());
    }

    /// Lines of one block.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// The lines and scales of block `at`.
    #[inline]
    pub(crate) fn block(&self, at: usize) -> (&[Line], &[f32; BLOCK]) {
        (&self.lines[at * self.groups..][..self.groups], &self.scales[at])
    }

    /// What is to be added to the sum of a query's and any row's codes so that it is no less than
    /// the product in steps.
    pub(crate) fn margin(&self, query: &CodedQuery) -> i32 {
        // No more than 64 times the number of components each: far within an i32.
        (query.slack + self.longest * query.loss).ceil() as i32
    }
}

impl Codes {
    /// Asks for block `at` ahead of its use.
    #[inline]
    pub(crate) fn fetch(&self, at: usize) {
        (at * self.groups..(at + 1) * self.groups).for_each(|line| prefetch(&self.lines, line));
        prefetch(&self.scales, at);
    }
}

/// A vector as `scale * codes`, padded with zeros to whole groups.
#[derive(Debug)]
pub(crate) struct Rounded {
    pub(crate) scale: f32,
    pub(crate) codes: Vec<i8>,
}

impl Rounded {
    pub(crate) fn new(row: &[f32]) -> Self {
        let largest = row.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        // A step that is no normal number would be too coarse: half of this one is more than such
        // a row has.
        const LEAST: f32 = 254.0 * f32::MIN_POSITIVE;
        let scale = if largest > 0.0 { (largest / 127.0).max(LEAST) } else { 0.0 };
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        let code = |value: &f32| (value * inverse).round_ties_even() as i8;
        let mut codes: Vec<i8> = row.iter().map(code).collect();
        codes.resize(row.len().next_multiple_of(GROUP), 0);
        Self { scale, codes }
    }

    fn groups(&self) -> impl Iterator<Item = &[i8; GROUP]> {
        self.codes.as_chunks::<GROUP>().0.iter()
    }

    /// Length of the codes.
    fn length(&self) -> f32 {
        let square = |code: &i8| i64::from(*code) * i64::from(*code);
        (self.codes.iter().map(square).sum::<i64>() as f32).sqrt()
    }

    /// How far `scale * codes` is from the vector.
    fn loss(&self, row: &[f32]) -> f64 {
        let square = |(value, code): (&f32, &i8)| {
            let off = f64::from(*value) - f64::from(self.scale) * f64::from(*code);
            off * off
        };
        row.iter().zip(&self.codes).map(square).sum::<f64>().sqrt()
    }
}

/// A query with what rounding of it and of the rows can add to a product, in steps of both.
///
/// With `x = s c + r` and `q = t d + e` the product is `s t <c, d> + s <c, e> + <r, q>`, and
/// `<c, e> <= |c| |e|` (Cauchy and Schwarz), `<r, q> <= s/2 |q|_1` (Hölder).
#[derive(Debug)]
pub(crate) struct CodedQuery {
    pub(crate) codes: Vec<i8>,
    /// The step; 1 for a query of zeros.
    pub(crate) unit: f32,
    /// To each row.
    slack: f32,
    /// To each row, by its length in steps.
    loss: f32,
}

impl CodedQuery {
    pub(crate) fn new(query: &[f32]) -> Self {
        let rounded = Rounded::new(query);
        let unit = if rounded.scale > 0.0 { rounded.scale } else { 1.0 };
        let wide = |value: &f32| f64::from(*value);
        let sum: f64 = query.iter().map(|value| wide(value).abs()).sum();
        let norm = query.iter().map(|value| wide(value).powi(2)).sum::<f64>().sqrt();
        // Sums of single precision are off by a few roundings of the terms; the exact scores that
        // bounds are compared with are such sums too. A code may be off by a rounding as well.
        let rounding = 1e-5 + query.len() as f64 * 6e-8;
        Self {
            slack: (sum / f64::from(unit) * 0.5 * (1.0 + rounding)) as f32,
            loss: ((rounded.loss(query) + norm * rounding) / f64::from(unit)) as f32,
            unit,
            codes: rounded.codes,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_product_is_above_its_bound(
            row in prop::collection::vec(prop_oneof![-1f32..1.0, -1e6f32..1e6, Just(0.0)], 1..70),
            seed in any::<u32>(),
        ) {
            let mix = |at: usize| (at as u32 + 1).wrapping_mul(seed | 1) as f32 / 1e9 - 2.0;
            let query: Vec<f32> = (0..row.len()).map(mix).collect();
            let (coded, asked) = (Rounded::new(&row), CodedQuery::new(&query));
            let products = coded.codes.iter().zip(&asked.codes);
            let sum: i32 = products.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            let margin = (asked.slack + coded.length() * asked.loss).ceil() as i32;
            let bound = coded.scale * (sum + margin) as f32;
            let exact: f64 =
                row.iter().zip(&query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!(f64::from(bound * asked.unit) >= exact, "{bound} {exact}");
        }
    }

    #[test]
    fn zeros_and_numbers_next_to_zero_are_coded_as_zero() {
        for value in [0.0, -0.0, f32::MIN_POSITIVE, f32::from_bits(1)] {
            let rounded = Rounded::new(&[value; 5]);
            assert_eq!(rounded.codes, [0; 8]);
            assert!(value.abs() <= rounded.scale / 2.0);
        }
    }
}
