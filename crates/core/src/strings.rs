//! Many strings in one buffer, found by position or by content.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Why bytes and ends are not distinct strings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StringsError {
    /// The bytes are not UTF-8.
    #[error("the bytes are not UTF-8")]
    Utf8,
    /// An end is before the one before it, within a character, or past the bytes.
    #[error("string {0} ends before it begins, within a character or past the end")]
    End(usize),
    /// The last string does not end with the bytes.
    #[error("the last string does not end with the bytes")]
    Rest,
    /// A string is there twice.
    #[error("a string is there twice")]
    Duplicate,
}

/// Checks where strings that stand end to end do end.
pub fn strings_from_parts(
    bytes: Vec<u8>,
    ends: Vec<u64>,
) -> Result<(String, Vec<usize>), StringsError> {
    let text = String::from_utf8(bytes).map_err(|_| StringsError::Utf8)?;
    let mut start = 0;
    let ends: Vec<usize> =
        ends.into_iter().map(|end| usize::try_from(end).unwrap_or(usize::MAX)).collect();
    for (at, end) in ends.iter().enumerate() {
        if *end < start || !text.is_char_boundary(*end) {
            return Err(StringsError::End(at));
        }
        start = *end;
    }
    if start == text.len() { Ok((text, ends)) } else { Err(StringsError::Rest) }
}

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

    /// From strings end to end, distinct, with where each ends. Nothing is copied, and the hash
    /// table is made once at its final size.
    pub fn from_parts(bytes: Vec<u8>, ends: Vec<u64>) -> Result<Self, StringsError> {
        let (bytes, ends) = strings_from_parts(bytes, ends)?;
        let hasher = RandomState::new();
        let mut positions = HashTable::with_capacity(ends.len());
        for position in 0..u32::try_from(ends.len()).expect("fewer than 2^32 strings") {
            let string = slice(&bytes, &ends, position);
            let same = |at: &u32| slice(&bytes, &ends, *at) == string;
            let rehash = |at: &u32| hasher.hash_one(slice(&bytes, &ends, *at));
            match positions.entry(hasher.hash_one(string), same, rehash) {
                Entry::Occupied(_) => return Err(StringsError::Duplicate),
                Entry::Vacant(entry) => drop(entry.insert(position)),
            }
        }
        Ok(Self { bytes, ends, positions, hasher })
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

    #[test]
    fn parts_that_are_not_distinct_strings_are_refused() {
        let parts = |bytes: &str, ends: &[u64]| {
            StringTable::from_parts(bytes.as_bytes().to_vec(), ends.to_vec())
                .map(|table| table.len())
        };
        assert_eq!(parts("abc", &[1, 3]), Ok(2));
        assert_eq!(parts("aa", &[1, 2]), Err(StringsError::Duplicate));
        assert_eq!(parts("abc", &[2, 1]), Err(StringsError::End(1)));
        assert_eq!(parts("\u{e9}", &[1, 2]), Err(StringsError::End(0)));
        assert_eq!(parts("abc", &[1]), Err(StringsError::Rest));
        assert_eq!(parts("abc", &[u64::MAX]), Err(StringsError::End(0)));
        assert_eq!(StringTable::from_parts(vec![0xff], vec![1]), Err(StringsError::Utf8));
    }

    proptest! {
        #[test]
        fn finds_what_was_interned(strings in prop::collection::vec(".{0,5}", 0..60)) {
            let table: StringTable = strings.iter().collect();
            for string in &strings {
                let position = table.find(string).expect("interned");
                prop_assert_eq!(table.get(position), string);
            }
            prop_assert_eq!(table.find("never interned"), None);
            let bytes: Vec<u8> = table.iter().flat_map(str::bytes).collect();
            let mut end = 0;
            let ends: Vec<u64> = table.iter().map(|string| {
                end += string.len() as u64;
                end
            }).collect();
            let again = StringTable::from_parts(bytes, ends).expect("distinct");
            prop_assert_eq!(&again, &table);
            for string in &strings {
                prop_assert_eq!(again.find(string), table.find(string));
            }
        }

        #[test]
        fn any_parts_are_refused_or_read_without_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..9),
            ends in prop::collection::vec(0u64..10, 0..5),
        ) {
            if let Ok(table) = StringTable::from_parts(bytes, ends) {
                table.iter().for_each(|string| assert!(table.find(string).is_some()));
            }
        }
    }
}
