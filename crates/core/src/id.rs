//! Outside ids (UTF-8 strings) and the dense indices that stand for them within one generation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest id in bytes.
const ID_BYTES_MAX: usize = 256;

/// Why a string is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The string has no bytes.
    #[error("an id must have 1 to 256 bytes, this one is empty")]
    Empty,
    /// The string has more than 256 bytes.
    #[error("an id must have 1 to 256 bytes, this one has {0}")]
    TooLong(usize),
}

/// Checks that a string could be an id, without making one.
pub(crate) fn check_id(id: &str) -> Result<(), IdError> {
    match id.len() {
        0 => Err(IdError::Empty),
        bytes if bytes > ID_BYTES_MAX => Err(IdError::TooLong(bytes)),
        _ => Ok(()),
    }
}

macro_rules! outside_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks that the string has 1 to 256 bytes.
            pub fn new(id: impl Into<String>) -> Result<Self, IdError> {
                let id = id.into();
                check_id(&id)?;
                Ok(Self(id.into_boxed_str()))
            }

            /// Whether a string could be an id, without making one.
            pub fn check(id: &str) -> Result<(), IdError> {
                check_id(id)
            }

            /// The id as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(id: &str) -> Result<Self, IdError> {
                Self::new(id)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(id: String) -> Result<Self, IdError> {
                Self::new(id)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into_string()
            }
        }
    };
}

outside_id! {
    /// An item's id outside the process: 1 to 256 bytes of UTF-8, compared bytewise.
    ItemId
}
outside_id! {
    /// A user's id outside the process: 1 to 256 bytes of UTF-8, compared bytewise.
    UserId
}

macro_rules! dense_index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The index as a position in a slice.
            #[inline]
            pub fn at(self) -> usize {
                self.0 as usize
            }
        }

        impl From<u32> for $name {
            fn from(index: u32) -> Self {
                Self(index)
            }
        }
    };
}

dense_index! {
    /// An item within one generation; also its row in every matrix of that generation.
    ItemIndex
}
dense_index! {
    /// A user within one generation.
    UserIndex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_1_to_256_bytes() {
        assert_eq!(ItemId::new(""), Err(IdError::Empty));
        assert_eq!(ItemId::new("é".repeat(129)), Err(IdError::TooLong(258)));
        assert_eq!(ItemId::new("é".repeat(128)).map(|id| id.as_str().len()), Ok(256));
    }
}
