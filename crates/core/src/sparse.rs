//! A sparse matrix by rows: the form of interactions, neighbour lists and inverted lists.

/// Why three arrays are not a sparse matrix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SparseRowsError {
    /// Offsets do not start at 0, decrease, or end elsewhere than at the number of columns.
    #[error("offset {at} is {offset}; offsets must rise from 0 to {entries}")]
    Offsets {
        /// Position of the first bad offset.
        at: usize,
        /// Its value.
        offset: u64,
        /// Number of entries.
        entries: usize,
    },
    /// Columns and values differ in number.
    #[error("{columns} columns stand beside {values} values")]
    Lengths {
        /// Number of columns.
        columns: usize,
        /// Number of values.
        values: usize,
    },
    /// A column past the width.
    #[error("entry {at} names column {column} of {width}")]
    Column {
        /// Position of the entry.
        at: usize,
        /// The column that it names.
        column: u32,
        /// Number of columns of the matrix.
        width: u32,
    },
    /// A value that is NaN or infinite.
    #[error("entry {at} has a value that is not finite")]
    NotFinite {
        /// Position of the entry.
        at: usize,
    },
}

/// Rows of `(column, value)` entries (CSR). The order within a row is the maker's to define.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseRows {
    offsets: Vec<u64>,
    columns: Vec<u32>,
    values: Vec<f32>,
    width: u32,
}

impl SparseRows {
    /// Checks arrays that came from outside: `offsets` has one entry more than there are rows.
    pub fn from_parts(
        offsets: Vec<u64>,
        columns: Vec<u32>,
        values: Vec<f32>,
        width: u32,
    ) -> Result<Self, SparseRowsError> {
        let entries = columns.len();
        if values.len() != entries {
            return Err(SparseRowsError::Lengths { columns: entries, values: values.len() });
        }
        let bad = |at: usize, offset: u64| SparseRowsError::Offsets { at, offset, entries };
        match (offsets.first(), offsets.last()) {
            (Some(0), Some(last)) if *last == entries as u64 => {}
            (Some(0), Some(last)) => return Err(bad(offsets.len() - 1, *last)),
            (first, _) => return Err(bad(0, first.copied().unwrap_or(0))),
        }
        if let Some(at) = offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            return Err(bad(at + 1, offsets[at + 1]));
        }
        if let Some(at) = columns.iter().position(|column| *column >= width) {
            return Err(SparseRowsError::Column { at, column: columns[at], width });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(SparseRowsError::NotFinite { at });
        }
        Ok(Self { offsets, columns, values, width })
    }

    /// From rows of entries. Panics where a column is past the width.
    pub fn from_rows<R>(width: u32, rows: impl IntoIterator<Item = R>) -> Self
    where
        R: IntoIterator<Item = (u32, f32)>,
    {
        let mut builder = SparseRowsBuilder::with_capacity(width, 0, 0);
        rows.into_iter().for_each(|row| builder.push_row(row));
        builder.finish()
    }

    /// The same entries with other values.
    pub fn map_values(&self, value: impl Fn(f32) -> f32) -> Self {
        let values = self.values.iter().map(|old| value(*old)).collect();
        Self { offsets: self.offsets.clone(), columns: self.columns.clone(), values, ..*self }
    }

    /// The same rows, each divided by the sum of its values; one whose sum is not above zero stays.
    pub fn with_row_sums_of_one(mut self) -> Self {
        for row in 0..self.height() {
            let span = self.span(row);
            let values = &mut self.values[span];
            let sum: f32 = values.iter().sum();
            if sum > 0.0 {
                values.iter_mut().for_each(|value| *value /= sum);
            }
        }
        self
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of columns.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Number of entries.
    pub fn entry_count(&self) -> usize {
        self.columns.len()
    }

    /// Where the entries of a row stand among all. Panics past the end.
    #[inline]
    pub fn span(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// Columns and values of a row. Panics past the end.
    #[inline]
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let span = self.span(row);
        (&self.columns[span.clone()], &self.values[span])
    }

    /// Entries of a row as pairs.
    pub fn entries(&self, row: usize) -> impl ExactSizeIterator<Item = (u32, f32)> + '_ {
        let (columns, values) = self.row(row);
        columns.iter().copied().zip(values.iter().copied())
    }

    /// Rows and columns exchanged; within a new row the entries are in order of the old rows.
    pub fn transpose(&self) -> Self {
        let mut offsets = vec![0u64; self.width as usize + 1];
        for column in &self.columns {
            offsets[*column as usize + 1] += 1;
        }
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut next = offsets.clone();
        let mut columns = vec![0; self.columns.len()];
        let mut values = vec![0.0; self.columns.len()];
        for row in 0..self.height() {
            for (column, value) in self.entries(row) {
                let slot = &mut next[column as usize];
                columns[*slot as usize] = row as u32;
                values[*slot as usize] = value;
                *slot += 1;
            }
        }
        Self { offsets, columns, values, width: self.height() as u32 }
    }

    /// The three arrays: offsets, columns, values.
    pub fn parts(&self) -> (&[u64], &[u32], &[f32]) {
        (&self.offsets, &self.columns, &self.values)
    }
}

/// Makes [`SparseRows`] row by row, without a vector a row.
#[derive(Debug)]
pub struct SparseRowsBuilder {
    rows: SparseRows,
}

impl SparseRowsBuilder {
    /// No rows yet, with room for so many rows and entries. Room that stays unused costs address
    /// space, not memory.
    pub fn with_capacity(width: u32, rows: usize, entries: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        let (columns, values) = (Vec::with_capacity(entries), Vec::with_capacity(entries));
        Self { rows: SparseRows { offsets, columns, values, width } }
    }

    /// Adds a row. Panics where a column is past the width.
    pub fn push_row(&mut self, row: impl IntoIterator<Item = (u32, f32)>) {
        let rows = &mut self.rows;
        for (column, value) in row {
            assert!(column < rows.width, "column {column} of {}", rows.width);
            rows.columns.push(column);
            rows.values.push(value);
        }
        rows.offsets.push(rows.columns.len() as u64);
    }

    /// The rows.
    pub fn finish(self) -> SparseRows {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows() -> impl Strategy<Value = Vec<Vec<(u32, f32)>>> {
        prop::collection::vec(prop::collection::vec((0u32..9, -5.0f32..5.0), 0..6), 0..12)
    }

    proptest! {
        #[test]
        fn transpose_moves_every_entry(rows in rows()) {
            let matrix = SparseRows::from_rows(9, rows.clone());
            let turned = matrix.transpose();
            prop_assert_eq!(turned.entry_count(), matrix.entry_count());
            let mut expected: Vec<Vec<(u32, f32)>> = vec![Vec::new(); 9];
            for (row, entries) in rows.iter().enumerate() {
                for (column, value) in entries {
                    expected[*column as usize].push((row as u32, *value));
                }
            }
            for (column, entries) in expected.iter().enumerate() {
                prop_assert_eq!(&turned.entries(column).collect::<Vec<_>>(), entries);
            }
        }

        #[test]
        fn rows_sum_to_one_and_keep_their_proportions(rows in rows()) {
            let matrix = SparseRows::from_rows(9, rows);
            let divided = matrix.clone().with_row_sums_of_one();
            for row in 0..matrix.height() {
                let sum: f32 = matrix.row(row).1.iter().sum();
                let divisor = if sum > 0.0 { sum } else { 1.0 };
                for (before, after) in matrix.entries(row).zip(divided.entries(row)) {
                    prop_assert_eq!(after, (before.0, before.1 / divisor));
                }
            }
        }

        #[test]
        fn parts_survive_a_round_trip(rows in rows()) {
            let matrix = SparseRows::from_rows(9, rows);
            let (offsets, columns, values) = matrix.parts();
            let (offsets, columns, values) = (offsets.to_vec(), columns.to_vec(), values.to_vec());
            let again = SparseRows::from_parts(offsets, columns, values, 9);
            prop_assert_eq!(again.as_ref(), Ok(&matrix));
        }
    }

    #[test]
    fn parts_from_outside_are_checked() {
        let make = |offsets: &[u64], columns: &[u32], values: &[f32]| {
            SparseRows::from_parts(offsets.to_vec(), columns.to_vec(), values.to_vec(), 3)
        };
        assert!(make(&[], &[], &[]).is_err());
        assert!(make(&[1, 1], &[0], &[0.0]).is_err());
        assert!(make(&[0, 2, 1], &[0], &[0.0]).is_err());
        assert!(make(&[0, 9], &[0], &[0.0]).is_err());
        assert!(make(&[0, 1], &[3], &[0.0]).is_err());
        assert!(make(&[0, 1], &[0], &[f32::NAN]).is_err());
        assert!(make(&[0, 1], &[0], &[]).is_err());
        assert!(make(&[0, 1], &[2], &[1.0]).is_ok());
    }
}
