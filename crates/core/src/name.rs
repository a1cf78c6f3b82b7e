//! Names of configured things: channels, scenes, plans and models.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a string is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 64 of the characters a-z, 0-9, '_' and '-', this is {0:?}")]
pub struct NameError(pub String);

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks that the name has 1 to 64 of `a-z`, `0-9`, `_` and `-`.
            pub fn new(name: &str) -> Result<Self, NameError> {
                let known = |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
                if name.is_empty() || name.len() > 64 || !name.bytes().all(known) {
                    return Err(NameError(name.chars().take(80).collect()));
                }
                Ok(Self(name.into()))
            }

            /// The name as it was given.
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
            type Err = NameError;
            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(&name)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }
    };
}

name! {
    /// A configured channel, such as `item_cf`.
    ChannelName
}
name! {
    /// The place where candidates are asked for, such as `home`.
    SceneName
}
name! {
    /// What one request runs.
    PlanName
}
name! {
    /// A group of users, such as `new`.
    SegmentName
}
name! {
    /// A comparison of plans on live traffic.
    ExperimentName
}
name! {
    /// One side of an experiment, such as `b`.
    ArmName
}
name! {
    /// A model inside a snapshot, such as `ials`.
    ModelName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_refuse_paths_and_blanks() {
        for bad in ["", "a/b", "..", "Item", "a b", &"x".repeat(65)] {
            assert!(ChannelName::new(bad).is_err(), "{bad:?} was taken");
        }
        assert!(ChannelName::new("item_cf-2").is_ok());
    }
}
