//! A small set of row or key numbers out of millions, found in a few nanoseconds: the few words of
//! 64 that have any, behind a coarse index of about one entry a word.

/// Numbers in a fixed set: blocked authors and tags, items that expired a moment ago. Immutable
/// and shared; takes about 24 bytes a number at the most, however large the numbers are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet {
    words: WordIndex,
    sieve: Sieve,
    len: usize,
}

impl KeySet {
    /// From numbers in any order, with or without duplicates.
    pub fn new(mut keys: Vec<u32>) -> Self {
        keys.sort_unstable();
        keys.dedup();
        Self { words: WordIndex::new(&keys), sieve: Sieve::new(&keys), len: keys.len() }
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a number is among them.
    #[inline]
    pub fn contains(&self, key: u32) -> bool {
        self.word(key / 64) >> (key % 64) & 1 == 1
    }

    /// False for most numbers that are not in the set, without a look at more than one word.
    #[inline]
    pub(crate) fn may_contain(&self, key: u32) -> bool {
        self.sieve.may_contain(key)
    }

    /// The numbers `64 * at ..` as bits.
    #[inline]
    pub fn word(&self, at: u32) -> u64 {
        self.words.find(at).map_or(0, |word| word.bits)
    }

    /// The numbers, rising.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.words.iter().flat_map(|word| {
            (0..64).filter(|bit| word.bits >> bit & 1 == 1).map(|bit| word.at * 64 + bit)
        })
    }
}

impl FromIterator<u32> for KeySet {
    fn from_iter<I: IntoIterator<Item = u32>>(keys: I) -> Self {
        Self::new(keys.into_iter().collect())
    }
}

/// A Bloom filter (1970) of one hash and 16 bits a number: 15 of 16 absent numbers are known by one
/// look without a branch. What it lets through is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sieve {
    bits: Vec<u64>,
    /// The bit of a number is `number * SPREAD >> shift`.
    shift: u32,
}

/// Odd, from the golden ratio: its products' upper bits spread numbers evenly (Knuth 6.4).
const SPREAD: u32 = 0x9E37_79B1;

impl Sieve {
    pub(crate) fn new(keys: &[u32]) -> Self {
        let size = keys.len().saturating_mul(16).next_power_of_two().clamp(64, 1 << 24);
        let mut sieve = Self { bits: vec![0; size / 64], shift: 32 - size.trailing_zeros() };
        for key in keys {
            let at = sieve.at(*key);
            sieve.bits[at / 64] |= 1 << (at % 64);
        }
        sieve
    }

    #[inline]
    fn at(&self, key: u32) -> usize {
        (key.wrapping_mul(SPREAD) >> self.shift) as usize
    }

    /// False: the number is not among those that the sieve was made of.
    #[inline]
    pub(crate) fn may_contain(&self, key: u32) -> bool {
        let at = self.at(key);
        self.bits[at / 64] >> (at % 64) & 1 == 1
    }
}

impl Default for Sieve {
    fn default() -> Self {
        Self::new(&[])
    }
}

/// Sixty-four numbers of which some are in the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    /// The number of its first bit, divided by 64.
    pub(crate) at: u32,
    /// Position of its first number among all that the index was made from.
    pub(crate) first: u32,
    pub(crate) bits: u64,
}

/// The words of a sorted list, found by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WordIndex {
    words: Vec<Word>,
    /// Where the words of each bucket begin, and the end of the last.
    starts: Vec<u32>,
    shift: u32,
}

impl WordIndex {
    /// Of numbers in rising order; the same one may stand several times.
    pub(crate) fn new(sorted: &[u32]) -> Self {
        let mut words: Vec<Word> = Vec::with_capacity(sorted.len());
        for (first, key) in sorted.iter().enumerate() {
            let (at, bit) = (key / 64, 1u64 << (key % 64));
            match words.last_mut() {
                Some(last) if last.at == at => last.bits |= bit,
                _ => words.push(Word { at, first: first as u32, bits: bit }),
            }
        }
        let all = words.last().map_or(0, |last| last.at + 1);
        let mut shift = 0;
        while all >> shift > 2 * words.len() as u32 {
            shift += 1;
        }
        let mut starts = vec![0u32; (all >> shift) as usize + 2];
        for word in &words {
            starts[(word.at >> shift) as usize + 1] += 1;
        }
        for bucket in 1..starts.len() {
            starts[bucket] += starts[bucket - 1];
        }
        Self { words, starts, shift }
    }

    /// The word of numbers `64 * at ..`, where any of them is in the set.
    #[inline]
    pub(crate) fn find(&self, at: u32) -> Option<Word> {
        let bucket = (at >> self.shift) as usize;
        let Some([start, end]) = self.starts.get(bucket..bucket + 2) else {
            return None;
        };
        // Buckets hold one word on average. A crowded one (all of a user's items are new, say)
        // must not become a walk.
        let words = &self.words[*start as usize..*end as usize];
        if words.len() <= 4 {
            return words.iter().find(|word| word.at == at).copied();
        }
        words.binary_search_by_key(&at, |word| word.at).ok().map(|found| words[found])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_the_set_that_one_would_write_down(
            near in prop::collection::vec(0u32..700, 0..80),
            far in prop::collection::vec(any::<u32>(), 0..80),
        ) {
            let all: BTreeSet<u32> = near.iter().chain(&far).copied().collect();
            let set: KeySet = near.iter().chain(&far).copied().collect();
            prop_assert_eq!(set.len(), all.len());
            prop_assert!(set.iter().eq(all.iter().copied()));
            for key in (0..900).chain(far.iter().flat_map(|key| [*key, key ^ 1, key ^ 64])) {
                prop_assert_eq!(set.contains(key), all.contains(&key), "{}", key);
                prop_assert!(set.may_contain(key) || !all.contains(&key), "{}", key);
            }
        }
    }

    #[test]
    fn a_sieve_keeps_most_strangers_out() {
        let set: KeySet = (0..5_000).map(|at| at * 977).collect();
        let strangers = (0..100_000).map(|at| at * 49 + 1).filter(|at| !set.contains(*at));
        let (let_in, all) = strangers
            .fold((0, 0), |(let_in, all), at| (let_in + usize::from(set.may_contain(at)), all + 1));
        assert!(let_in * 10 < all, "{let_in} of {all}");
    }

    #[test]
    fn the_index_stays_as_small_as_the_set() {
        let set: KeySet = (0..300).map(|at| at * 16_001).collect();
        assert!(set.words.starts.len() <= 2 * set.len() + 2, "{}", set.words.starts.len());
        assert!(KeySet::new(vec![u32::MAX]).words.starts.len() <= 4);
        assert!(!KeySet::default().contains(0));
    }
}
