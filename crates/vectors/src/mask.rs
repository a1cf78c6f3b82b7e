//! Which rows a search may return.

/// A set of rows, read by searches in words of 64. Implemented by whoever knows why a row is
/// refused; called on the searching thread, millions of times a second, so it must not block.
pub trait RowMask: Sync {
    /// The bits of rows `64 * at .. 64 * at + 64`, the lowest bit first; zero past the end.
    fn word(&self, at: usize) -> u64;

    /// Whether one row may be returned.
    fn contains(&self, row: u32) -> bool {
        self.word(row as usize / 64) >> (row % 64) & 1 == 1
    }

    /// Estimated share of rows that may be returned, 0 to 1: a planner's hint, never a promise.
    fn selectivity(&self) -> f32;
}

/// Every row.
#[derive(Debug, Clone, Copy)]
pub struct AllRows;

impl RowMask for AllRows {
    fn word(&self, _at: usize) -> u64 {
        u64::MAX
    }

    fn contains(&self, _row: u32) -> bool {
        true
    }

    fn selectivity(&self) -> f32 {
        1.0
    }
}
