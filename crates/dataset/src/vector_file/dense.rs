//! A block of little-endian numbers as rows of f32, read in pieces.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use arrow_array::types::{ArrowPrimitiveType, Float16Type};

use super::{DIM_MAX, VectorFileError, contents, disk};

const PIECE_BYTES: usize = 1 << 20;

type Half = <Float16Type as ArrowPrimitiveType>::Native;

/// How a number lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    F16,
    F32,
    F64,
}

impl Number {
    fn bytes(self) -> usize {
        match self {
            Number::F16 => 2,
            Number::F32 => 4,
            Number::F64 => 8,
        }
    }

    /// Doubles are rounded to the nearest f32; one beyond its range becomes infinite and is
    /// refused as that.
    fn decode(self, bytes: &[u8], values: &mut Vec<f32>) {
        match self {
            Number::F16 => values.extend(
                bytes.chunks_exact(2).map(|two| Half::from_le_bytes([two[0], two[1]]).to_f32()),
            ),
            Number::F32 => values.extend(
                bytes
                    .chunks_exact(4)
                    .map(|four| f32::from_le_bytes(four.try_into().expect("chunks of four"))),
            ),
            Number::F64 => values.extend(bytes.chunks_exact(8).map(|eight| {
                f64::from_le_bytes(eight.try_into().expect("chunks of eight")) as f32
            })),
        }
    }
}

/// The dimension of a shape that must be two-dimensional.
pub(super) fn rows_and_dim(
    path: &Path,
    shape: &[usize],
) -> Result<(usize, usize), VectorFileError> {
    match *shape {
        [rows, dim] if (1..=DIM_MAX).contains(&dim) => Ok((rows, dim)),
        _ => {
            let why = format!("shape is {shape:?}, expected rows and 1 to {DIM_MAX} columns");
            Err(contents(path, &why))
        }
    }
}

/// Reads `rows * dim` numbers. `available` are the bytes that the file has for them: fewer or more
/// than the shape needs is an error, before any memory is asked for.
pub(super) fn read(
    path: &Path,
    file: &mut File,
    available: u64,
    (rows, dim): (usize, usize),
    number: Number,
) -> Result<Vec<f32>, VectorFileError> {
    let count = rows.checked_mul(dim);
    let bytes = count.and_then(|count| count.checked_mul(number.bytes()));
    let (Some(count), Some(bytes)) = (count, bytes) else {
        return Err(contents(path, &format!("shape {rows} x {dim} is larger than any file")));
    };
    if bytes as u64 != available {
        let why = format!(
            "holds {available} bytes of numbers where {rows} x {dim} of {} bytes need {bytes}: cut \
             off or damaged",
            number.bytes()
        );
        return Err(contents(path, &why));
    }
    let mut values = Vec::with_capacity(count);
    let mut piece = vec![0; PIECE_BYTES.min(bytes)];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(piece.len());
        file.read_exact(&mut piece[..now]).map_err(disk(path))?;
        number.decode(&piece[..now], &mut values);
        left -= now;
    }
    Ok(values)
}
