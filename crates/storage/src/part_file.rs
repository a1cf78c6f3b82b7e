//! Arrays of a part as a safetensors file and back: texts are in its metadata, arrays its tensors.
//!
//! The format is that of Hugging Face (<https://github.com/huggingface/safetensors>), so any
//! tool that reads it can look into a snapshot. Values are little-endian.

use std::io::{self, Write};

use gannet_models::{Array, Arrays, ArraysError};
use safetensors::tensor::SafeTensors;
use safetensors::{Dtype, SafeTensorError};
use serde_json::{Map, Value, json};

/// The key of the metadata under which the texts stand, as one JSON object.
const TEXTS: &str = "texts";
/// Values that are turned into bytes at once.
const CHUNK: usize = 8_192;

/// Writes a part's file; each array is dropped once it is written. The same arrays give the same
/// bytes. Arrays of wide values come first, as the format asks, so that each is aligned.
///
/// Our own writer, for the library's wants every tensor's bytes at once: a copy of 2 GB.
pub(crate) fn write(arrays: Arrays, file: &mut dyn Write) -> io::Result<()> {
    let mut ordered: Vec<(String, Array)> = arrays.arrays.into_iter().collect();
    ordered.sort_by(|a, b| width(&b.1).cmp(&width(&a.1)).then(a.0.cmp(&b.0)));
    let mut header = Map::new();
    // One entry for all texts: their order is then ours.
    let texts = serde_json::to_string(&arrays.texts).expect("strings by strings");
    header.insert("__metadata__".to_owned(), json!({ TEXTS: texts }));
    let mut start = 0;
    for (name, array) in &ordered {
        let end = start + array.len() * width(array);
        let (dtype, shape, span) = (type_of(array), [array.len()], [start, end]);
        let facts = json!({ "dtype": dtype, "shape": shape, "data_offsets": span });
        header.insert(name.clone(), facts);
        start = end;
    }
    let mut header = serde_json::to_vec(&Value::Object(header)).expect("strings and numbers");
    header.resize(header.len().next_multiple_of(8), b' ');
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    for (_, array) in ordered {
        match array {
            Array::F32(values) => write_numbers(file, &values, f32::to_le_bytes)?,
            Array::U32(values) => write_numbers(file, &values, u32::to_le_bytes)?,
            Array::U64(values) => write_numbers(file, &values, u64::to_le_bytes)?,
            Array::I64(values) => write_numbers(file, &values, i64::to_le_bytes)?,
            Array::U8(values) => file.write_all(&values)?,
        }
    }
    Ok(())
}

fn write_numbers<const BYTES: usize, T: Copy>(
    file: &mut dyn Write,
    values: &[T],
    bytes: fn(T) -> [u8; BYTES],
) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(CHUNK * BYTES);
    for chunk in values.chunks(CHUNK) {
        buffer.clear();
        chunk.iter().for_each(|value| buffer.extend_from_slice(&bytes(*value)));
        file.write_all(&buffer)?;
    }
    Ok(())
}

/// Bytes of one value.
fn width(array: &Array) -> usize {
    match array {
        Array::U64(_) | Array::I64(_) => 8,
        Array::F32(_) | Array::U32(_) => 4,
        Array::U8(_) => 1,
    }
}

fn type_of(array: &Array) -> &'static str {
    match array {
        Array::F32(_) => "F32",
        Array::U32(_) => "U32",
        Array::U64(_) => "U64",
        Array::I64(_) => "I64",
        Array::U8(_) => "U8",
    }
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

    fn to_bytes(arrays: &Arrays) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        write(arrays.clone(), &mut bytes)?;
        Ok(bytes)
    }

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
