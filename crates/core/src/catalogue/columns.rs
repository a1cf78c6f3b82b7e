//! A catalogue from whole columns, checked: what a file of five million items comes back by,
//! without an item, a tag path and an id made of each row first.

use super::{Catalogue, NONE, Titles};
use crate::bitmap::Bitmap;
use crate::clock::Timestamp;
use crate::field::FieldTable;
use crate::id::check_id;
use crate::item::TagPath;
use crate::strings::StringTable;

/// The columns of a catalogue as they came. All but `tags` and `authors` have a row an item.
#[derive(Debug, Clone, Default)]
pub struct CatalogueColumns {
    /// Distinct ids.
    pub ids: StringTable,
    /// The titles end to end.
    pub titles: String,
    /// Where each title ends.
    pub title_ends: Vec<usize>,
    /// Every tag and ancestor of a tag.
    pub tags: StringTable,
    /// The items' tags, as positions in `tags`.
    pub item_tags: Vec<u32>,
    /// Where each item's tags end.
    pub item_tag_ends: Vec<u64>,
    /// Every author.
    pub authors: StringTable,
    /// Positions in `authors`; `u32::MAX` for none.
    pub item_authors: Vec<u32>,
    /// When items were published.
    pub published: Vec<Option<Timestamp>>,
    /// Whether items may be shown at all.
    pub available: Vec<bool>,
    /// When items expire.
    pub expires: Vec<Option<Timestamp>>,
    /// Everything else; columns may be shorter.
    pub fields: FieldTable,
}

/// Why columns are not a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{column}: {why}")]
pub struct ColumnsError {
    /// The column at fault.
    pub column: &'static str,
    /// What is wrong with it.
    pub why: String,
}

fn refuse<T>(column: &'static str, why: String) -> Result<T, ColumnsError> {
    Err(ColumnsError { column, why })
}

impl Catalogue {
    /// The catalogue of these columns, or the first thing that is wrong with them.
    pub fn from_columns(columns: CatalogueColumns) -> Result<Self, ColumnsError> {
        columns.check_lengths()?;
        for (at, id) in columns.ids.iter().enumerate() {
            if let Err(error) = check_id(id) {
                return refuse("ids", format!("item {at}: {error}"));
            }
        }
        columns.check_titles()?;
        columns.check_item_tags()?;
        let authors = columns.authors.len();
        let is_known = |author: &u32| *author == NONE || (*author as usize) < authors;
        if let Some(at) = columns.item_authors.iter().position(|author| !is_known(author)) {
            return refuse("item_authors", format!("item {at}: no such author"));
        }
        let tag_parents = tag_parents(&columns.tags)?;
        let available = &columns.available;
        Ok(Catalogue {
            available: Bitmap::from_fn(available.len(), |row| available[row as usize]),
            ids: columns.ids,
            titles: Titles { text: columns.titles, ends: columns.title_ends },
            tags: columns.tags,
            tag_parents,
            item_tag_ends: columns.item_tag_ends,
            item_tags: columns.item_tags,
            authors: columns.authors,
            item_authors: columns.item_authors,
            published: columns.published,
            expires: columns.expires,
            fields: columns.fields,
        })
    }
}

impl CatalogueColumns {
    fn check_lengths(&self) -> Result<(), ColumnsError> {
        let items = self.ids.len();
        for (column, length) in [
            ("titles", self.title_ends.len()),
            ("item_tag_ends", self.item_tag_ends.len()),
            ("item_authors", self.item_authors.len()),
            ("published", self.published.len()),
            ("available", self.available.len()),
            ("expires", self.expires.len()),
        ] {
            if length != items {
                return refuse(column, format!("{length} values, expected {items}"));
            }
        }
        Ok(())
    }

    fn check_titles(&self) -> Result<(), ColumnsError> {
        let mut start = 0;
        for (at, end) in self.title_ends.iter().enumerate() {
            if *end < start || !self.titles.is_char_boundary(*end) {
                return refuse("titles", format!("title {at} ends before it begins"));
            }
            start = *end;
        }
        match start == self.titles.len() {
            true => Ok(()),
            false => refuse("titles", "the last title does not end with the text".into()),
        }
    }

    fn check_item_tags(&self) -> Result<(), ColumnsError> {
        let mut start = 0;
        for (at, end) in self.item_tag_ends.iter().enumerate() {
            let own = usize::try_from(*end).ok().and_then(|end| self.item_tags.get(start..end));
            let Some(own) = own else {
                return refuse("item_tag_ends", format!("item {at} ends before it begins"));
            };
            for (position, tag) in own.iter().enumerate() {
                if *tag as usize >= self.tags.len() {
                    return refuse("item_tags", format!("item {at}: no tag {tag}"));
                }
                if own[..position].contains(tag) {
                    return refuse("item_tags", format!("item {at}: tag {tag} is there twice"));
                }
            }
            start = *end as usize;
        }
        match start == self.item_tags.len() {
            true => Ok(()),
            false => refuse("item_tag_ends", "do not end with the tags".into()),
        }
    }
}

/// Each tag's parent; every level of a tag must be a tag itself.
fn tag_parents(tags: &StringTable) -> Result<Vec<u32>, ColumnsError> {
    let parent = |name: &str| {
        let tag = match TagPath::new(name) {
            Ok(tag) if tag.as_str() == name => tag,
            _ => return refuse("tags", format!("{name:?} is not a tag")),
        };
        match tag.parent().map(|parent| tags.find(parent.as_str())) {
            None => Ok(NONE),
            Some(Some(parent)) => Ok(parent),
            Some(None) => refuse("tags", format!("the tag above {name:?} is missing")),
        }
    };
    tags.iter().map(parent).collect()
}
