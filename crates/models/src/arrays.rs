//! The form in which a model leaves for disk and comes back: named arrays and named texts.
//!
//! Models know what their arrays mean and check them; `storage` knows files and bytes.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use gannet_core::{SparseRows, StringTable, Timestamp, strings_from_parts};
use gannet_vectors::Matrix;

/// One array with its values in row-major order.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Array {
    F32(Vec<f32>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    U8(Vec<u8>),
}

impl Array {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Array::F32(values) => values.len(),
            Array::U32(values) => values.len(),
            Array::U64(values) => values.len(),
            Array::I64(values) => values.len(),
            Array::U8(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The word for the type of its values.
    pub fn type_name(&self) -> &'static str {
        match self {
            Array::F32(_) => "f32",
            Array::U32(_) => "u32",
            Array::U64(_) => "u64",
            Array::I64(_) => "i64",
            Array::U8(_) => "u8",
        }
    }
}

/// Why arrays are not the part that they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArraysError {
    /// An array or text that the part needs is not there.
    #[error("array {0:?} is missing")]
    Missing(String),
    /// It is there with another type of values.
    #[error("array {name:?} holds {got}, expected {expected}")]
    Type {
        /// The array.
        name: String,
        /// What it holds.
        got: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// Its contents contradict one another.
    #[error("array {name:?}: {why}")]
    Contents {
        /// The array.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// No part of this kind is known.
    #[error("unknown kind of part {0:?}")]
    Kind(String),
}

impl ArraysError {
    /// An array or text whose contents are wrong.
    pub fn contents(name: &str, why: impl Display) -> Self {
        Self::Contents { name: name.to_owned(), why: why.to_string() }
    }
}

/// Named arrays and texts of one part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arrays {
    /// The arrays by name.
    pub arrays: BTreeMap<String, Array>,
    /// Small facts by name: parameters, dimensions.
    pub texts: BTreeMap<String, String>,
}

macro_rules! take_array {
    ($(#[$doc:meta])* $take:ident, $kind:ident, $value:ty) => {
        $(#[$doc])*
        pub(crate) fn $take(&mut self, name: &str) -> Result<Vec<$value>, ArraysError> {
            match self.arrays.remove(name) {
                Some(Array::$kind(values)) => Ok(values),
                Some(other) => Err(ArraysError::Type {
                    name: name.to_owned(),
                    got: other.type_name(),
                    expected: stringify!($value),
                }),
                None => Err(ArraysError::Missing(name.to_owned())),
            }
        }
    };
}

impl Arrays {
    take_array!(take_f32, F32, f32);
    take_array!(take_u32, U32, u32);
    take_array!(take_u64, U64, u64);
    take_array!(take_i64, I64, i64);
    take_array!(take_u8, U8, u8);

    pub(crate) fn put(&mut self, name: &str, array: Array) {
        self.arrays.insert(name.to_owned(), array);
    }

    pub(crate) fn put_text(&mut self, name: &str, text: impl Display) {
        self.texts.insert(name.to_owned(), text.to_string());
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, ArraysError> {
        self.texts
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| ArraysError::Missing(name.to_owned()))
    }

    pub(crate) fn parsed<T: FromStr>(&self, name: &str) -> Result<T, ArraysError> {
        let text = self.text(name)?;
        text.parse().map_err(|_| ArraysError::contents(name, format!("{text:?} is not a number")))
    }

    /// A finite number for which `holds`.
    pub(crate) fn number(
        &self,
        name: &str,
        holds: impl Fn(f32) -> bool,
    ) -> Result<f32, ArraysError> {
        let number: f32 = self.parsed(name)?;
        if number.is_finite() && holds(number) {
            Ok(number)
        } else {
            Err(ArraysError::contents(name, format!("{number} is out of range")))
        }
    }

    pub(crate) fn put_rows(&mut self, name: &str, rows: &SparseRows) {
        let (offsets, columns, values) = rows.parts();
        self.put(&format!("{name}.offsets"), Array::U64(offsets.to_vec()));
        self.put(&format!("{name}.columns"), Array::U32(columns.to_vec()));
        self.put(&format!("{name}.values"), Array::F32(values.to_vec()));
        self.put_text(&format!("{name}.width"), rows.width());
    }

    pub(crate) fn take_rows(&mut self, name: &str) -> Result<SparseRows, ArraysError> {
        let offsets = self.take_u64(&format!("{name}.offsets"))?;
        let columns = self.take_u32(&format!("{name}.columns"))?;
        let values = self.take_f32(&format!("{name}.values"))?;
        let width = self.parsed(&format!("{name}.width"))?;
        SparseRows::from_parts(offsets, columns, values, width)
            .map_err(|error| ArraysError::contents(name, error))
    }

    pub(crate) fn put_matrix(&mut self, name: &str, matrix: &Matrix) {
        self.put(name, Array::F32(matrix.values().to_vec()));
        self.put_text(&format!("{name}.dim"), matrix.dim());
    }

    pub(crate) fn take_matrix(&mut self, name: &str) -> Result<Matrix, ArraysError> {
        let values = self.take_f32(name)?;
        let dim = self.parsed(&format!("{name}.dim"))?;
        Matrix::from_values(values, dim).map_err(|error| ArraysError::contents(name, error))
    }

    /// Strings end to end, with where each ends.
    pub(crate) fn put_strings<'a>(
        &mut self,
        name: &str,
        strings: impl IntoIterator<Item = &'a str>,
    ) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for string in strings {
            bytes.extend_from_slice(string.as_bytes());
            ends.push(bytes.len() as u64);
        }
        self.put(&format!("{name}.bytes"), Array::U8(bytes));
        self.put(&format!("{name}.ends"), Array::U64(ends));
    }

    /// Strings end to end, with where each ends: checked, not taken apart.
    pub(crate) fn take_text_column(
        &mut self,
        name: &str,
    ) -> Result<(String, Vec<usize>), ArraysError> {
        let bytes = self.take_u8(&format!("{name}.bytes"))?;
        let ends = self.take_u64(&format!("{name}.ends"))?;
        strings_from_parts(bytes, ends).map_err(|error| ArraysError::contents(name, error))
    }

    pub(crate) fn take_strings(&mut self, name: &str) -> Result<Vec<String>, ArraysError> {
        let (text, ends) = self.take_text_column(name)?;
        let mut start = 0;
        let string = |end: usize| text[std::mem::replace(&mut start, end)..end].to_owned();
        Ok(ends.into_iter().map(string).collect())
    }

    /// Strings that must be distinct.
    pub(crate) fn take_table(&mut self, name: &str) -> Result<StringTable, ArraysError> {
        let bytes = self.take_u8(&format!("{name}.bytes"))?;
        let ends = self.take_u64(&format!("{name}.ends"))?;
        StringTable::from_parts(bytes, ends).map_err(|error| ArraysError::contents(name, error))
    }

    /// Times with a flag each that says whether there is one.
    pub(crate) fn take_times(&mut self, name: &str) -> Result<Vec<Option<Timestamp>>, ArraysError> {
        let known_name = format!("{name}_known");
        let (times, known) = (self.take_i64(name)?, self.take_u8(&known_name)?);
        require_length(&known_name, known.len(), times.len())?;
        let time = |(time, known)| Ok(flag(&known_name, known)?.then_some(Timestamp(time)));
        times.into_iter().zip(known).map(time).collect()
    }
}

/// A byte that must be 0 or 1.
pub(crate) fn flag(name: &str, byte: u8) -> Result<bool, ArraysError> {
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(ArraysError::contents(name, format!("{other} is neither 0 nor 1"))),
    }
}

/// Refuses an array of another length than its neighbours need.
pub(crate) fn require_length(name: &str, got: usize, expected: usize) -> Result<(), ArraysError> {
    if got == expected {
        return Ok(());
    }
    Err(ArraysError::contents(name, format!("{got} values, expected {expected}")))
}

/// Refuses NaN and infinities.
pub(crate) fn require_finite(name: &str, values: &[f32]) -> Result<(), ArraysError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(ArraysError::contents(name, format!("value {at} is not finite"))),
        None => Ok(()),
    }
}

/// A part of a snapshot: something that can leave as arrays and come back checked.
pub trait Part: Sized {
    /// The word that names this kind of part in a manifest.
    const KIND: &'static str;

    /// The arrays of this part.
    fn to_arrays(&self) -> Arrays;

    /// Checks every array; a part is never half right.
    fn from_arrays(arrays: Arrays) -> Result<Self, ArraysError>;
}
