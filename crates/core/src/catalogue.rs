//! All items of one generation, in columns: an item is its [`ItemIndex`], the row in each of them.

mod columns;

pub use columns::{CatalogueColumns, ColumnsError};

use crate::bitmap::Bitmap;
use crate::clock::Timestamp;
use crate::field::{Column, FieldError, FieldIndex, FieldTable};
use crate::id::{IdError, ItemId, ItemIndex};
use crate::item::{Item, TagPath};
use crate::strings::{Renumbering, StringTable};

/// Why an item was not taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CatalogueError {
    /// The id is there already.
    #[error("item {0} is given twice")]
    Duplicate(ItemId),
    /// A string that is no id.
    #[error(transparent)]
    Id(#[from] IdError),
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

/// An item as a reader of millions sees it: borrowed, its tags known to the builder already.
#[derive(Debug, Clone, Copy)]
pub struct ItemRow<'a> {
    /// Its outside id.
    pub id: &'a str,
    /// What a person calls it; empty where unknown.
    pub title: &'a str,
    /// Its tags, as [`CatalogueBuilder::tag`] numbers them; doubles are dropped.
    pub tags: &'a [u32],
    /// Who made it.
    pub author: Option<&'a str>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// Whether it may be shown at all.
    pub available: bool,
    /// From when on it may no longer be shown.
    pub expires: Option<Timestamp>,
}

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
        let tags: Vec<u32> = item.tags.iter().map(|tag| self.tag(tag)).collect();
        let index = self.add_row(&ItemRow {
            id: item.id.as_str(),
            title: &item.title,
            tags: &tags,
            author: item.author.as_deref(),
            published: item.published,
            available: item.available,
            expires: item.expires,
        })?;
        for (name, value) in &item.fields {
            self.fields.set(index.at(), name, value)?;
        }
        Ok(index)
    }

    /// Adds an item without an allocation of its own; its fields are set through
    /// [`CatalogueBuilder::fields_mut`]. Panics where a tag is not one of this builder's.
    pub fn add_row(&mut self, row: &ItemRow<'_>) -> Result<ItemIndex, CatalogueError> {
        if row.id.is_empty() || row.id.len() > 256 || self.ids.find(row.id).is_some() {
            return Err(CatalogueError::Duplicate(ItemId::new(row.id)?));
        }
        let index = self.ids.intern(row.id);
        self.titles.push(row.title);
        let first = self.item_tags.len();
        for tag in row.tags {
            assert!((*tag as usize) < self.tags.len(), "a tag of another builder");
            if !self.item_tags[first..].contains(tag) {
                self.item_tags.push(*tag);
            }
        }
        self.item_tag_ends.push(self.item_tags.len() as u64);
        let author = row.author.map_or(NONE, |author| self.authors.intern(author));
        self.item_authors.push(author);
        self.published.push(row.published);
        self.available.push(row.available);
        self.expires.push(row.expires);
        Ok(ItemIndex(index))
    }

    /// The fields of the items added so far, by their index.
    pub fn fields_mut(&mut self) -> &mut FieldTable {
        &mut self.fields
    }

    /// The fields of the items added so far.
    pub fn fields(&self) -> &FieldTable {
        &self.fields
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The id of an item that is there. Panics for another index.
    pub fn id(&self, item: ItemIndex) -> &str {
        self.ids.get(item.0)
    }

    /// The index of an item that is there already.
    pub fn find(&self, id: &str) -> Option<ItemIndex> {
        self.ids.find(id).map(ItemIndex)
    }

    /// The number of a tag that is there already, by its whole path.
    pub fn find_tag(&self, path: &str) -> Option<u32> {
        self.tags.find(path)
    }

    /// The number of a tag; it and its ancestors are added where they are not there yet.
    pub fn tag(&mut self, tag: &TagPath) -> u32 {
        if let Some(known) = self.tags.find(tag.as_str()) {
            return known;
        }
        let parent = tag.parent().map_or(NONE, |parent| self.tag(&parent));
        self.tag_parents.push(parent);
        self.tags.intern(tag.as_str())
    }

    /// The finished catalogue with its items in another order: item `i` is the one that was added
    /// as `order[i]`. Tags, authors and texts are numbered as if the items had come in that order;
    /// those that no item has are dropped. Column by column: no two catalogues are held at once.
    pub fn finish_in_order(mut self, order: &[u32]) -> Catalogue {
        self.ids = order.iter().map(|at| self.ids.get(*at)).collect();
        let mut titles = Titles::default();
        for at in order {
            titles.push(self.titles.get(*at as usize));
        }
        self.titles = titles;
        self.reorder_tags(order);
        let mut authors = Renumbering::of(&self.authors);
        let author = |at: &u32| match self.item_authors[*at as usize] {
            NONE => NONE,
            author => authors.number(author),
        };
        self.item_authors = order.iter().map(author).collect();
        self.authors = authors.finish();
        self.published = order.iter().map(|at| self.published[*at as usize]).collect();
        self.available = order.iter().map(|at| self.available[*at as usize]).collect();
        self.expires = order.iter().map(|at| self.expires[*at as usize]).collect();
        self.fields = self.fields.in_order(order);
        self.finish()
    }

    fn reorder_tags(&mut self, order: &[u32]) {
        let mut tags = Renumbering::of(&self.tags);
        let (mut parents, mut item_tags) = (Vec::new(), Vec::with_capacity(self.item_tags.len()));
        let mut ends = Vec::with_capacity(order.len());
        let mut lineage = Vec::new();
        for at in order {
            let at = *at as usize;
            let start = if at == 0 { 0 } else { self.item_tag_ends[at - 1] };
            for tag in &self.item_tags[start as usize..self.item_tag_ends[at] as usize] {
                // Ancestors first, as `tag` adds them.
                let mut next = *tag;
                while next != NONE && !tags.knows(next) {
                    lineage.push(next);
                    next = self.tag_parents[next as usize];
                }
                while let Some(new) = lineage.pop() {
                    let parent = self.tag_parents[new as usize];
                    parents.push(if parent == NONE { NONE } else { tags.number(parent) });
                    tags.number(new);
                }
                item_tags.push(tags.number(*tag));
            }
            ends.push(item_tags.len() as u64);
        }
        self.tags = tags.finish();
        (self.tag_parents, self.item_tags, self.item_tag_ends) = (parents, item_tags, ends);
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
    #[inline]
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
    #[inline]
    pub fn tag_parent(&self, tag: u32) -> Option<u32> {
        Some(self.tag_parents[tag as usize]).filter(|parent| *parent != NONE)
    }

    /// A tag and its ancestors, from the leaf to the root.
    pub fn tag_lineage(&self, tag: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(Some(tag), |tag| self.tag_parent(*tag))
    }

    /// The author, as a position for [`Catalogue::author_name`].
    #[inline]
    pub fn author(&self, item: ItemIndex) -> Option<u32> {
        Some(self.item_authors[item.at()]).filter(|author| *author != NONE)
    }

    /// The position of every item's author; `u32::MAX` where it has none.
    pub fn authors(&self) -> &[u32] {
        &self.item_authors
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
    #[inline]
    pub fn published(&self, item: ItemIndex) -> Option<Timestamp> {
        self.published[item.at()]
    }

    /// From when on the item may no longer be shown.
    #[inline]
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
    fn another_order_gives_what_adding_in_that_order_gives() {
        let author = |name: &str| Some(name.to_owned());
        let music = |name: &str| vec![("music".to_owned(), FieldValue::Text(name.into()))];
        let items = [
            Item { author: author("x"), fields: music("m"), ..item("c", &["a/b/c", "z"]) },
            Item { expires: Some(Timestamp(7)), title: "t".into(), ..item("a", &["z", "a"]) },
            Item { author: author("y"), fields: music("n"), ..item("b", &["a/b", "q/r"]) },
            Item { author: author("x"), fields: music("n"), ..item("d", &[]) },
        ];
        let mut builder = CatalogueBuilder::new();
        for item in &items {
            builder.add(item).unwrap();
        }
        let order = [2, 3, 1, 0];
        let turned = builder.finish_in_order(&order);
        let expected = Catalogue::from_items(order.map(|at| &items[at as usize])).unwrap();
        assert_eq!(turned, expected);
    }

    #[test]
    fn a_row_needs_an_id_of_its_own() {
        let mut builder = CatalogueBuilder::new();
        let row = ItemRow {
            id: "a",
            title: "",
            tags: &[],
            author: None,
            published: None,
            available: true,
            expires: None,
        };
        assert!(builder.add_row(&row).is_ok());
        assert!(matches!(builder.add_row(&row), Err(CatalogueError::Duplicate(_))));
        assert!(matches!(builder.add_row(&ItemRow { id: "", ..row }), Err(CatalogueError::Id(_))));
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
