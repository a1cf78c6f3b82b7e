//! An item as it comes in, before the catalogue gives it an index.

use std::fmt;

use crate::clock::Timestamp;
use crate::field::FieldValue;
use crate::id::ItemId;

/// What separates the levels of a tag: `sports/ball/football`.
pub const TAG_SEPARATOR: char = '/';

/// Why a string is not a tag path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tag has 1 to 256 bytes and no empty level between '/', this is {0:?}")]
pub struct TagError(pub String);

/// A tag with its ancestors, such as `sports/ball/football`; a tag without `/` has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TagPath(Box<str>);

impl TagPath {
    /// Trims each level and refuses empty ones.
    pub fn new(path: &str) -> Result<Self, TagError> {
        let levels: Vec<&str> = path.split(TAG_SEPARATOR).map(str::trim).collect();
        if levels.iter().any(|level| level.is_empty()) || path.len() > 256 {
            return Err(TagError(path.chars().take(80).collect()));
        }
        Ok(Self(levels.join("/").into_boxed_str()))
    }

    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path one level up.
    pub fn parent(&self) -> Option<TagPath> {
        self.0.rfind(TAG_SEPARATOR).map(|end| Self(self.0[..end].into()))
    }
}

impl fmt::Display for TagPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything known of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its outside id.
    pub id: ItemId,
    /// What a person calls it; empty where unknown.
    pub title: String,
    /// Its tags, without duplicates, in the order given.
    pub tags: Vec<TagPath>,
    /// Who made it.
    pub author: Option<String>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// Whether it may be shown at all.
    pub available: bool,
    /// From when on it may no longer be shown.
    pub expires: Option<Timestamp>,
    /// Everything else that is known of it, each field once.
    pub fields: Vec<(String, FieldValue)>,
}

impl Item {
    /// An available item of which only the id is known.
    pub fn bare(id: ItemId) -> Self {
        Self {
            id,
            title: String::new(),
            tags: Vec::new(),
            author: None,
            published: None,
            available: true,
            expires: None,
            fields: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_levels_are_trimmed_and_never_empty() {
        assert_eq!(TagPath::new(" sports / ball ").unwrap().as_str(), "sports/ball");
        assert_eq!(TagPath::new("sports/ball").unwrap().parent().unwrap().as_str(), "sports");
        assert_eq!(TagPath::new("sports").unwrap().parent(), None);
        for bad in ["", "/", "a//b", "a/", " "] {
            assert!(TagPath::new(bad).is_err(), "{bad:?} was taken");
        }
    }
}
