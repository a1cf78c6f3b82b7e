//! The form in which a model leaves for disk and comes back: named arrays and named texts.
//!
//! Models know what their arrays mean and check them; `storage` knows files and bytes.

use std::collections::BTreeMap;

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
}

/// Named arrays and texts of one part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arrays {
    /// The arrays by name.
    pub arrays: BTreeMap<String, Array>,
    /// Small facts by name: parameters, dimensions.
    pub texts: BTreeMap<String, String>,
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
