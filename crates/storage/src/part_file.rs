//! Arrays of a part as a safetensors file and back: texts are in its metadata, arrays its tensors.
//!
//! The format is that of Hugging Face (<https://github.com/huggingface/safetensors>), so any
//! tool that reads it can look into a snapshot. Values are little-endian.

use std::borrow::Cow;
use std::collections::HashMap;

use gannet_models::{Array, Arrays, ArraysError};
use safetensors::tensor::{SafeTensors, View, serialize};
use safetensors::{Dtype, SafeTensorError};

/// The key of the metadata under which the texts stand, as one JSON object.
const TEXTS: &str = "texts";

struct ArrayView<'a> {
    array: &'a Array,
    shape: [usize; 1],
}

impl<'a> ArrayView<'a> {
    fn new(array: &'a Array) -> Self {
        let length = match array {
            Array::F32(values) => values.len(),
            Array::U32(values) => values.len(),
            Array::U64(values) => values.len(),
            Array::I64(values) => values.len(),
            Array::U8(values) => values.len(),
        };
        Self { array, shape: [length] }
    }
}

impl View for ArrayView<'_> {
    fn dtype(&self) -> Dtype {
        match self.array {
            Array::F32(_) => Dtype::F32,
            Array::U32(_) => Dtype::U32,
            Array::U64(_) => Dtype::U64,
            Array::I64(_) => Dtype::I64,
            Array::U8(_) => Dtype::U8,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.array {
            Array::F32(values) => Cow::Owned(values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Array::U32(values) => Cow::Owned(values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Array::U64(values) => Cow::Owned(values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Array::I64(values) => Cow::Owned(values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Array::U8(values) => Cow::Borrowed(values),
        }
    }

    fn data_len(&self) -> usize {
        let bytes = match self.array {
            Array::U64(_) | Array::I64(_) => 8,
            Array::F32(_) | Array::U32(_) => 4,
            Array::U8(_) => 1,
        };
        self.shape[0] * bytes
    }
}

/// The bytes of a part's file. The same arrays give the same bytes.
pub(crate) fn to_bytes(arrays: &Arrays) -> Result<Vec<u8>, SafeTensorError> {
    let tensors = arrays.arrays.iter().map(|(name, array)| (name, ArrayView::new(array)));
    // One entry for all: the library writes several in the order of a hash table, and the same
    // arrays would give other bytes each time.
    let texts = serde_json::to_string(&arrays.texts).expect("strings by strings");
    serialize(tensors, Some(HashMap::from([(TEXTS.to_owned(), texts)])))
}

/// The arrays of a part's file. Lengths are checked by the format, meanings by the part.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Arrays, ArraysError> {
    let bad = |error: SafeTensorError| ArraysError::contents("header", error);
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(bad)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(bad)?;
    let mut arrays = Arrays::default();
    for (name, tensor) in tensors.iter() {
        let data = tensor.data();
        let array = match tensor.dtype() {
            Dtype::F32 => Array::F32(numbers(data, f32::from_le_bytes)),
            Dtype::U32 => Array::U32(numbers(data, u32::from_le_bytes)),
            Dtype::U64 => Array::U64(numbers(data, u64::from_le_bytes)),
            Dtype::I64 => Array::I64(numbers(data, i64::from_le_bytes)),
            Dtype::U8 => Array::U8(data.to_vec()),
            other => {
                let why = format!("holds {other:?}, expected F32, U32, U64, I64 or U8");
                return Err(ArraysError::contents(name, why));
            }
        };
        arrays.arrays.insert(name.to_owned(), array);
    }
    if let Some(texts) = header.metadata().as_ref().and_then(|metadata| metadata.get(TEXTS)) {
        let texts = serde_json::from_str(texts);
        arrays.texts = texts.map_err(|error| ArraysError::contents(TEXTS, error))?;
    }
    Ok(arrays)
}

fn numbers<const BYTES: usize, T>(data: &[u8], number: fn([u8; BYTES]) -> T) -> Vec<T> {
    let (chunks, _) = data.as_chunks::<BYTES>();
    chunks.iter().map(|chunk| number(*chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn array() -> impl Strategy<Value = Array> {
        prop_oneof![
            prop::collection::vec(-1e9f32..1e9, 0..9).prop_map(Array::F32),
            prop::collection::vec(any::<u32>(), 0..9).prop_map(Array::U32),
            prop::collection::vec(any::<u64>(), 0..9).prop_map(Array::U64),
            prop::collection::vec(any::<i64>(), 0..9).prop_map(Array::I64),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(Array::U8),
        ]
    }

    prop_compose! {
        fn arrays()(
            arrays in prop::collection::btree_map("[a-z._]{1,9}", array(), 0..6),
            texts in prop::collection::btree_map("[a-z._]{1,9}", ".{0,9}", 0..6),
        ) -> Arrays {
            Arrays { arrays, texts }
        }
    }

    proptest! {
        #[test]
        fn every_part_survives_the_file(arrays in arrays()) {
            let bytes = to_bytes(&arrays).unwrap();
            prop_assert_eq!(&bytes, &to_bytes(&arrays).unwrap(), "the same bytes every time");
            prop_assert_eq!(from_bytes(&bytes).unwrap(), arrays);
        }

        #[test]
        fn any_bytes_are_refused_or_read_without_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = from_bytes(&bytes);
        }

        #[test]
        fn damaged_files_never_panic(arrays in arrays(), at in any::<usize>(), bit in 0u8..8) {
            let mut bytes = to_bytes(&arrays).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let _ = from_bytes(&bytes);
            let _ = from_bytes(&bytes[..at]);
        }
    }
}
