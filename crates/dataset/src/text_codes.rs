//! The texts of dictionary columns as numbers, each distinct text of a dictionary looked up once.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, StringArray};
use arrow_schema::DataType;

/// The type in which columns of text are asked for.
pub(crate) fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// What the texts of one column stand for. Batches of one row group share their dictionary: what
/// was found for it stays until another dictionary comes.
pub(crate) struct TextCodes<T> {
    values: Option<ArrayRef>,
    codes: Vec<Option<T>>,
}

impl<T: Copy> TextCodes<T> {
    pub(crate) fn new() -> Self {
        Self { values: None, codes: Vec::new() }
    }

    /// Makes ready for the column of one more batch.
    pub(crate) fn begin(&mut self, column: &DictionaryArray<Int32Type>) {
        let values = column.values();
        // Ours is held, so that no other dictionary can come to lie in its place.
        let same = self.values.as_ref().is_some_and(|old| {
            let (old, new) = (old.as_string::<i32>(), values.as_string::<i32>());
            old.len() == new.len()
                && old.values().as_ptr() == new.values().as_ptr()
                && old.value_offsets().as_ptr() == new.value_offsets().as_ptr()
        });
        if !same {
            self.codes.clear();
            self.codes.resize(values.len(), None);
            self.values = Some(ArrayRef::clone(values));
        }
    }

    /// What the text of a key stands for, where that is known already.
    pub(crate) fn known(&self, key: usize) -> Option<T> {
        self.codes[key]
    }

    /// Keeps what the text of a key stands for.
    pub(crate) fn keep(&mut self, key: usize, code: T) {
        self.codes[key] = Some(code);
    }

    /// What the text of a key stands for; `resolve` is asked once for each text.
    pub(crate) fn code<E>(
        &mut self,
        key: usize,
        resolve: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(code) = self.codes[key] {
            return Ok(code);
        }
        let code = resolve(self.texts().value(key))?;
        self.codes[key] = Some(code);
        Ok(code)
    }

    fn texts(&self) -> &StringArray {
        self.values.as_ref().expect("begun with a column").as_string::<i32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_up_once_a_dictionary() {
        let column: DictionaryArray<Int32Type> = ["a", "b", "a", "b", "a"].into_iter().collect();
        let other: DictionaryArray<Int32Type> = ["b", "a"].into_iter().collect();
        let mut codes = TextCodes::new();
        let mut asked = 0;
        for (column, expected) in [(&column, "ababa"), (&column, "ababa"), (&other, "ba")] {
            codes.begin(column);
            for (key, expected) in column.keys().values().iter().zip(expected.chars()) {
                let found = codes.code(*key as usize, |text| {
                    asked += 1;
                    text.chars().next().ok_or(())
                });
                assert_eq!(found, Ok(expected));
            }
        }
        assert_eq!(asked, 4);
    }
}
