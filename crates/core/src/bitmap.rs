//! A bit a row, in words of 64: the form in which shared masks are kept and handed to searches.

/// A fixed number of bits. Bits past the length are always zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    len: usize,
}

impl Bitmap {
    /// `len` bits, all clear.
    pub fn empty(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// `len` bits, all set.
    pub fn full(len: usize) -> Self {
        let mut bitmap = Self { words: vec![u64::MAX; len.div_ceil(64)], len };
        if let (Some(last), tail @ 1..) = (bitmap.words.last_mut(), len % 64) {
            *last = (1 << tail) - 1;
        }
        bitmap
    }

    /// `len` bits, set where `test` holds.
    pub fn from_fn(len: usize, mut test: impl FnMut(u32) -> bool) -> Self {
        let mut bitmap = Self::empty(len);
        for row in (0..len as u32).filter(|row| test(*row)) {
            bitmap.set(row);
        }
        bitmap
    }

    /// `len` bits, sixty-four at a time: bits of `word(at)` past the end are dropped.
    pub fn from_words(len: usize, word: impl FnMut(usize) -> u64) -> Self {
        let mut words: Vec<u64> = (0..len.div_ceil(64)).map(word).collect();
        if let (Some(last), tail @ 1..) = (words.last_mut(), len % 64) {
            *last &= (1 << tail) - 1;
        }
        Self { words, len }
    }

    /// Number of bits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bits at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets a bit. Panics past the end.
    pub fn set(&mut self, row: u32) {
        assert!((row as usize) < self.len, "bit {row} of {}", self.len);
        self.words[row as usize / 64] |= 1 << (row % 64);
    }

    /// Clears a bit. Panics past the end.
    pub fn clear(&mut self, row: u32) {
        assert!((row as usize) < self.len, "bit {row} of {}", self.len);
        self.words[row as usize / 64] &= !(1 << (row % 64));
    }

    /// Whether a bit is set; false past the end.
    #[inline]
    pub fn contains(&self, row: u32) -> bool {
        self.words.get(row as usize / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// The bits of rows `64 * at ..`; zero past the end.
    #[inline]
    pub fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }

    /// How many bits are set.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behaves_like_a_vector_of_bools(bits in prop::collection::vec(any::<bool>(), 0..200)) {
            let bitmap = Bitmap::from_fn(bits.len(), |row| bits[row as usize]);
            prop_assert_eq!(bitmap.count(), bits.iter().filter(|bit| **bit).count());
            for row in 0..bits.len() + 70 {
                let expected = bits.get(row).copied().unwrap_or(false);
                prop_assert_eq!(bitmap.contains(row as u32), expected);
                prop_assert_eq!(bitmap.word(row / 64) >> (row % 64) & 1 == 1, expected);
            }
        }

        #[test]
        fn full_has_no_bits_past_its_end(len in 0usize..200) {
            prop_assert_eq!(Bitmap::full(len).count(), len);
            prop_assert_eq!(Bitmap::full(len), Bitmap::from_fn(len, |_| true));
            prop_assert_eq!(Bitmap::full(len), Bitmap::from_words(len, |_| u64::MAX));
        }
    }
}
