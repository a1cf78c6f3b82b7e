//! All items of one generation, in columns: an item is its [`ItemIndex`], the row in each of them.

use crate::bitmap::Bitmap;
use crate::clock::Timestamp;
use crate::field::{Column, FieldError, FieldIndex, FieldTable};
use crate::id::{ItemId, ItemIndex};
use crate::item::{Item, TagPath};
use crate::strings::StringTable;

/// Why an item was not taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CatalogueError {
    /// The id is there already.
    #[error("item {0} is given twice")]
    Duplicate(ItemId),
    /// A field's value cannot be kept.
    #[error(transparent)]
    Field(#[from] FieldError),
}

/// A field whose values are keys: what inverted lists are kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyField {
    /// The item's tags; each has its ancestors as keys too.
    Tags,
    /// The author.
    Author,
    /// A text field of [`Catalogue::fields`].
    Field(FieldIndex),
}

const NONE: u32 = u32::MAX;

/// Collects items; [`CatalogueBuilder::finish`] makes the catalogue.
#[derive(Debug, Default)]
pub struct CatalogueBuilder {
    ids: StringTable,
    titles: Titles,
    tags: StringTable,
    tag_parents: Vec<u32>,
    item_tag_ends: Vec<u64>,
    item_tags: Vec<u32>,
    authors: StringTable,
    item_authors: Vec<u32>,
    published: Vec<Option<Timestamp>>,
    available: Vec<bool>,
    expires: Vec<Option<Timestamp>>,
    fields: FieldTable,
}

/// One buffer for all titles: a string each would cost 24 bytes more and an allocation.
#[derive(Debug, Clone, Default, PartialEq)]
struct Titles {
    text: String,
    ends: Vec<usize>,
}

impl Titles {
    fn push(&mut self, title: &str) {
        self.text.push_str(title);
        self.ends.push(self.text.len());
    }

    fn get(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }
}

impl CatalogueBuilder {
    /// No items yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an item; its index is the number of items before it.
    pub fn add(&mut self, item: &Item) -> Result<ItemIndex, CatalogueError> {
        if self.ids.find(item.id.as_str()).is_some() {
            return Err(CatalogueError::Duplicate(item.id.clone()));
        }
        self.fields.check(&item.fields)?;
        let index = self.ids.intern(item.id.as_str());
        self.titles.push(&item.title);
        let first = self.item_tags.len();
        for tag in &item.tags {
            let tag = self.intern_tag(tag);
            if !self.item_tags[first..].contains(&tag) {
                self.item_tags.push(tag);
            }
        }
        self.item_tag_ends.push(self.item_tags.len() as u64);
        let author = item.author.as_deref().map_or(NONE, |author| self.authors.intern(author));
        self.item_authors.push(author);
        self.published.push(item.published);
        self.available.push(item.available);
        self.expires.push(item.expires);
        for (name, value) in &item.fields {
            self.fields.set(index as usize, name, value)?;
        }
        Ok(ItemIndex(index))
    }

    /// The index of an item that is there already.
    pub fn find(&self, id: &str) -> Option<ItemIndex> {
        self.ids.find(id).map(ItemIndex)
    }

    fn intern_tag(&mut self, tag: &TagPath) -> u32 {
        if let Some(known) = self.tags.find(tag.as_str()) {
            return known;
        }
        let parent = tag.parent().map_or(NONE, |parent| self.intern_tag(&parent));
        self.tag_parents.push(parent);
        self.tags.intern(tag.as_str())
    }

    /// The finished catalogue.
    pub fn finish(self) -> Catalogue {
        let available = Bitmap::from_fn(self.available.len(), |row| self.available[row as usize]);
        Catalogue {
            ids: self.ids,
            titles: self.titles,
            tags: self.tags,
            tag_parents: self.tag_parents,
            item_tag_ends: self.item_tag_ends,
            item_tags: self.item_tags,
            authors: self.authors,
            item_authors: self.item_authors,
            published: self.published,
            available,
            expires: self.expires,
            fields: self.fields,
        }
    }
}

/// All items of one generation. Immutable; shared by every request of the generation.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    ids: StringTable,
    titles: Titles,
    tags: StringTable,
    tag_parents: Vec<u32>,
    item_tag_ends: Vec<u64>,
    item_tags: Vec<u32>,
    authors: StringTable,
    item_authors: Vec<u32>,
    published: Vec<Option<Timestamp>>,
    available: Bitmap,
    expires: Vec<Option<Timestamp>>,
    fields: FieldTable,
}

impl Catalogue {
    /// From items with distinct ids; item `i` gets index `i`.
    pub fn from_items<'a>(
        items: impl IntoIterator<Item = &'a Item>,
    ) -> Result<Self, CatalogueError> {
        let mut builder = CatalogueBuilder::new();
        for item in items {
            builder.add(item)?;
        }
        Ok(builder.finish())
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The index of an id.
    pub fn find(&self, id: &str) -> Option<ItemIndex> {
        self.ids.find(id).map(ItemIndex)
    }

    /// The id of an item. Panics for an index of another generation, as all that follow.
    pub fn id(&self, item: ItemIndex) -> &str {
        self.ids.get(item.0)
    }

    /// The title; empty where unknown.
    pub fn title(&self, item: ItemIndex) -> &str {
        self.titles.get(item.at())
    }

    /// The tags, as positions for [`Catalogue::tag_name`]; ancestors are not listed.
    pub fn tags(&self, item: ItemIndex) -> &[u32] {
        let start = if item.0 == 0 { 0 } else { self.item_tag_ends[item.at() - 1] };
        &self.item_tags[start as usize..self.item_tag_ends[item.at()] as usize]
    }

    /// Number of distinct tags, ancestors included.
    pub fn tag_count(&self) -> usize {
        self.tags.len()
    }

    /// The whole path of a tag.
    pub fn tag_name(&self, tag: u32) -> &str {
        self.tags.get(tag)
    }

    /// The position of a tag by its whole path.
    pub fn find_tag(&self, path: &str) -> Option<u32> {
        self.tags.find(path)
    }

    /// The tag one level up.
    pub fn tag_parent(&self, tag: u32) -> Option<u32> {
        Some(self.tag_parents[tag as usize]).filter(|parent| *parent != NONE)
    }

    /// A tag and its ancestors, from the leaf to the root.
    pub fn tag_lineage(&self, tag: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(Some(tag), |tag| self.tag_parent(*tag))
    }

    /// The author, as a position for [`Catalogue::author_name`].
    pub fn author(&self, item: ItemIndex) -> Option<u32> {
        Some(self.item_authors[item.at()]).filter(|author| *author != NONE)
    }

    /// Number of distinct authors.
    pub fn author_count(&self) -> usize {
        self.authors.len()
    }

    /// An author's name or id.
    pub fn author_name(&self, author: u32) -> &str {
        self.authors.get(author)
    }

    /// The position of an author.
    pub fn find_author(&self, name: &str) -> Option<u32> {
        self.authors.find(name)
    }

    /// When the item was published.
    pub fn published(&self, item: ItemIndex) -> Option<Timestamp> {
        self.published[item.at()]
    }

    /// From when on the item may no longer be shown.
    pub fn expires(&self, item: ItemIndex) -> Option<Timestamp> {
        self.expires[item.at()]
    }

    /// Everything else that is known of items: row `i` is the item of index `i`.
    pub fn fields(&self) -> &FieldTable {
        &self.fields
    }

    /// The field of keys of a name: `tags`, `author`, or a text field.
    pub fn key_field(&self, name: &str) -> Option<KeyField> {
        match name {
            "tags" => Some(KeyField::Tags),
            "author" => Some(KeyField::Author),
            name => {
                let field = self.fields.find(name)?;
                let is_text = matches!(self.fields.column(field), Column::Text { .. });
                is_text.then_some(KeyField::Field(field))
            }
        }
    }

    /// Number of distinct keys of a field, a tag's ancestors included.
    pub fn key_count(&self, field: KeyField) -> usize {
        match field {
            KeyField::Tags => self.tag_count(),
            KeyField::Author => self.author_count(),
            KeyField::Field(field) => match self.fields.column(field) {
                Column::Text { values, .. } => values.len(),
                Column::Number(_) => 0,
            },
        }
    }

    /// An item's own keys of a field; the ancestors of tags are not among them.
    pub fn keys(&self, field: KeyField, item: ItemIndex) -> impl Iterator<Item = u32> + '_ {
        let (tags, one): (&[u32], Option<u32>) = match field {
            KeyField::Tags => (self.tags(item), None),
            KeyField::Author => (&[], self.author(item)),
            KeyField::Field(field) => (&[], self.fields.key(field, item.at())),
        };
        tags.iter().copied().chain(one)
    }

    /// A key and, for a tag, its ancestors, from the leaf to the root.
    pub fn key_lineage(&self, field: KeyField, key: u32) -> impl Iterator<Item = u32> + '_ {
        let parent = move |key: &u32| match field {
            KeyField::Tags => self.tag_parent(*key),
            _ => None,
        };
        std::iter::successors(Some(key), parent)
    }

    /// The text of a key.
    pub fn key_name(&self, field: KeyField, key: u32) -> &str {
        match field {
            KeyField::Tags => self.tag_name(key),
            KeyField::Author => self.author_name(key),
            KeyField::Field(field) => match self.fields.column(field) {
                Column::Text { values, .. } => values.get(key),
                Column::Number(_) => "",
            },
        }
    }

    /// The items that may be shown at all.
    pub fn available(&self) -> &Bitmap {
        &self.available
    }

    /// All indices in order.
    pub fn indices(&self) -> impl ExactSizeIterator<Item = ItemIndex> + use<> {
        (0..self.len() as u32).map(ItemIndex)
    }

    /// The item as it came in.
    pub fn item(&self, item: ItemIndex) -> Item {
        let tag = |tag: &u32| TagPath::new(self.tag_name(*tag)).expect("checked when it came in");
        Item {
            id: ItemId::new(self.id(item)).expect("checked when it came in"),
            title: self.title(item).to_owned(),
            tags: self.tags(item).iter().map(tag).collect(),
            author: self.author(item).map(|author| self.author_name(author).to_owned()),
            published: self.published(item),
            available: self.available.contains(item.0),
            expires: self.expires(item),
            fields: self.fields.row(item.at()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldValue;

    fn item(id: &str, tags: &[&str]) -> Item {
        let tags = tags.iter().map(|tag| TagPath::new(tag).unwrap()).collect();
        Item { tags, ..Item::bare(ItemId::new(id).unwrap()) }
    }

    #[test]
    fn keeps_items_as_they_came() {
        let items = [
            Item {
                title: "Alien".into(),
                author: Some("Scott".into()),
                published: Some(Timestamp(5)),
                expires: Some(Timestamp(9)),
                fields: vec![("city".into(), FieldValue::Text("Oslo".into()))],
                ..item("a", &["film/horror", "space"])
            },
            Item { available: false, ..item("b", &["film"]) },
        ];
        let catalogue = Catalogue::from_items(&items).unwrap();
        for (at, item) in items.iter().enumerate() {
            assert_eq!(&catalogue.item(ItemIndex(at as u32)), item);
        }
        assert_eq!(catalogue.available().count(), 1);
        let city = catalogue.key_field("city").unwrap();
        assert_eq!(catalogue.keys(city, ItemIndex(0)).collect::<Vec<_>>(), [0]);
        assert_eq!(catalogue.keys(city, ItemIndex(1)).count(), 0);
        assert_eq!(catalogue.key_name(city, 0), "Oslo");
        let horror = catalogue.find_tag("film/horror").unwrap();
        let lineage: Vec<&str> =
            catalogue.tag_lineage(horror).map(|tag| catalogue.tag_name(tag)).collect();
        assert_eq!(lineage, ["film/horror", "film"]);
    }

    #[test]
    fn refuses_a_duplicate_id_and_keeps_nothing_of_it() {
        let mut builder = CatalogueBuilder::new();
        builder.add(&item("a", &[])).unwrap();
        assert!(builder.add(&item("a", &["new"])).is_err());
        let catalogue = builder.finish();
        assert_eq!((catalogue.len(), catalogue.tag_count()), (1, 0));
    }
}
