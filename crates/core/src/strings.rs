//! Many strings in one buffer, found by position or by content.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// Distinct strings in order of insertion. A string costs its bytes, an offset and about 9 bytes
/// of hash table; one box each would cost 16 bytes more and a cache miss.
#[derive(Debug, Clone, Default)]
pub struct StringTable {
    bytes: String,
    ends: Vec<usize>,
    positions: HashTable<u32>,
    /// Keyed at random: ids come from outside, and a fixed hash invites collisions on purpose.
    hasher: RandomState,
}

impl StringTable {
    /// No strings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The string at a position. Panics past the end.
    pub fn get(&self, position: u32) -> &str {
        slice(&self.bytes, &self.ends, position)
    }

    /// The position of a string.
    pub fn find(&self, string: &str) -> Option<u32> {
        let same = |at: &u32| self.get(*at) == string;
        self.positions.find(self.hasher.hash_one(string), same).copied()
    }

    /// The position of a string, which is added where it is not there yet.
    pub fn intern(&mut self, string: &str) -> u32 {
        if let Some(position) = self.find(string) {
            return position;
        }
        let position = u32::try_from(self.ends.len()).expect("fewer than 2^32 strings");
        self.bytes.push_str(string);
        self.ends.push(self.bytes.len());
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        let rehash = |at: &u32| hasher.hash_one(slice(bytes, ends, *at));
        self.positions.insert_unique(hasher.hash_one(string), position, rehash);
        position
    }

    /// The strings in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        (0..self.len() as u32).map(|position| self.get(position))
    }
}

impl PartialEq for StringTable {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.ends == other.ends
    }
}

impl<S: AsRef<str>> FromIterator<S> for StringTable {
    fn from_iter<I: IntoIterator<Item = S>>(strings: I) -> Self {
        let mut table = Self::new();
        for string in strings {
            table.intern(string.as_ref());
        }
        table
    }
}

/// Numbers strings of one table anew, in the order in which they are asked for.
pub(crate) struct Renumbering<'a> {
    old: &'a StringTable,
    new: StringTable,
    numbers: Vec<u32>,
}

impl<'a> Renumbering<'a> {
    pub(crate) fn of(old: &'a StringTable) -> Self {
        Self { old, new: StringTable::new(), numbers: vec![u32::MAX; old.len()] }
    }

    /// Whether a string has its new number yet.
    pub(crate) fn knows(&self, old: u32) -> bool {
        self.numbers[old as usize] != u32::MAX
    }

    /// The new number of the string at an old position.
    pub(crate) fn number(&mut self, old: u32) -> u32 {
        if !self.knows(old) {
            self.numbers[old as usize] = self.new.intern(self.old.get(old));
        }
        self.numbers[old as usize]
    }

    pub(crate) fn finish(self) -> StringTable {
        self.new
    }
}

fn slice<'a>(bytes: &'a str, ends: &[usize], position: u32) -> &'a str {
    let at = position as usize;
    let start = if at == 0 { 0 } else { ends[at - 1] };
    &bytes[start..ends[at]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_was_interned(strings in prop::collection::vec(".{0,5}", 0..60)) {
            let table: StringTable = strings.iter().collect();
            for string in &strings {
                let position = table.find(string).expect("interned");
                prop_assert_eq!(table.get(position), string);
            }
            prop_assert_eq!(table.find("never interned"), None);
        }
    }
}
