//! The catalogue as a part of a snapshot.

use gannet_core::{
    Catalogue, CatalogueBuilder, FieldTable, Item, ItemId, ItemIndex, TagPath, Timestamp,
};

use crate::arrays::{Array, Arrays, ArraysError, Part, require_length};
use crate::fields::{put_fields, take_fields};

const NO_AUTHOR: u32 = u32::MAX;

impl Part for Catalogue {
    const KIND: &'static str = "catalogue";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put_strings("ids", self.indices().map(|item| self.id(item)));
        arrays.put_strings("titles", self.indices().map(|item| self.title(item)));
        arrays.put_strings("tags", (0..self.tag_count() as u32).map(|tag| self.tag_name(tag)));
        let authors = (0..self.author_count() as u32).map(|author| self.author_name(author));
        arrays.put_strings("authors", authors);
        let (mut item_tags, mut item_tag_ends) = (Vec::new(), Vec::new());
        for item in self.indices() {
            item_tags.extend_from_slice(self.tags(item));
            item_tag_ends.push(item_tags.len() as u64);
        }
        arrays.put("item_tags", Array::U32(item_tags));
        arrays.put("item_tag_ends", Array::U64(item_tag_ends));
        let authors = self.indices().map(|item| self.author(item).unwrap_or(NO_AUTHOR));
        arrays.put("item_authors", Array::U32(authors.collect()));
        put_times(&mut arrays, "published", self, Catalogue::published);
        put_times(&mut arrays, "expires", self, Catalogue::expires);
        let available = self.indices().map(|item| u8::from(self.available().contains(item.0)));
        arrays.put("available", Array::U8(available.collect()));
        put_fields(&mut arrays, "fields", self.fields(), self.len());
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let columns = Columns::take(&mut arrays)?;
        let mut builder = CatalogueBuilder::new();
        for at in 0..columns.ids.len() {
            let item = columns.item(at)?;
            builder.add(&item).map_err(|error| ArraysError::contents("ids", error))?;
        }
        let catalogue = builder.finish();
        // Other parts name tags by position: a catalogue that numbers them anew would mislead.
        let same_tags = catalogue.tag_count() == columns.tags.len()
            && (0u32..).zip(&columns.tags).all(|(tag, name)| catalogue.tag_name(tag) == name);
        let same_authors = catalogue.author_count() == columns.authors.len()
            && (0u32..).zip(&columns.authors).all(|(at, name)| catalogue.author_name(at) == name);
        match (same_tags, same_authors) {
            (true, true) => Ok(catalogue),
            (false, _) => Err(ArraysError::contents("tags", "not in the order of the items")),
            _ => Err(ArraysError::contents("authors", "not in the order of the items")),
        }
    }
}

fn put_times(
    arrays: &mut Arrays,
    name: &str,
    catalogue: &Catalogue,
    of: fn(&Catalogue, ItemIndex) -> Option<Timestamp>,
) {
    let all = || catalogue.indices().map(|item| of(catalogue, item));
    let times = all().map(|time| time.map_or(0, |time| time.0)).collect();
    arrays.put(name, Array::I64(times));
    let known = all().map(|time| u8::from(time.is_some())).collect();
    arrays.put(&format!("{name}_known"), Array::U8(known));
}

struct Columns {
    ids: Vec<String>,
    titles: Vec<String>,
    tags: Vec<String>,
    authors: Vec<String>,
    item_tags: Vec<u32>,
    item_tag_ends: Vec<u64>,
    item_authors: Vec<u32>,
    published: Vec<i64>,
    published_known: Vec<u8>,
    available: Vec<u8>,
    expires: Vec<i64>,
    expires_known: Vec<u8>,
    fields: FieldTable,
}

impl Columns {
    fn take(arrays: &mut Arrays) -> Result<Self, ArraysError> {
        let ids = arrays.take_strings("ids")?;
        let columns = Self {
            fields: take_fields(arrays, "fields", ids.len())?,
            ids,
            titles: arrays.take_strings("titles")?,
            tags: arrays.take_strings("tags")?,
            authors: arrays.take_strings("authors")?,
            item_tags: arrays.take_u32("item_tags")?,
            item_tag_ends: arrays.take_u64("item_tag_ends")?,
            item_authors: arrays.take_u32("item_authors")?,
            published: arrays.take_i64("published")?,
            published_known: arrays.take_u8("published_known")?,
            available: arrays.take_u8("available")?,
            expires: arrays.take_i64("expires")?,
            expires_known: arrays.take_u8("expires_known")?,
        };
        let items = columns.ids.len();
        require_length("titles", columns.titles.len(), items)?;
        require_length("item_tag_ends", columns.item_tag_ends.len(), items)?;
        require_length("item_authors", columns.item_authors.len(), items)?;
        require_length("published", columns.published.len(), items)?;
        require_length("published_known", columns.published_known.len(), items)?;
        require_length("available", columns.available.len(), items)?;
        require_length("expires", columns.expires.len(), items)?;
        require_length("expires_known", columns.expires_known.len(), items)?;
        let last = columns.item_tag_ends.last().copied().unwrap_or(0);
        if last != columns.item_tags.len() as u64 {
            return Err(ArraysError::contents("item_tag_ends", "do not end with the tags"));
        }
        Ok(columns)
    }

    fn item(&self, at: usize) -> Result<Item, ArraysError> {
        let bad = |name, why: String| ArraysError::contents(name, format!("item {at}: {why}"));
        let id =
            ItemId::new(self.ids[at].as_str()).map_err(|error| bad("ids", error.to_string()))?;
        let start = if at == 0 { 0 } else { self.item_tag_ends[at - 1] };
        let span = start as usize..self.item_tag_ends[at] as usize;
        let tags = self.item_tags.get(span);
        let tags = tags.ok_or_else(|| bad("item_tag_ends", "ends before it begins".into()))?;
        let tag = |tag: &u32| {
            let name = self.tags.get(*tag as usize);
            let name = name.ok_or_else(|| bad("item_tags", format!("no tag {tag}")))?;
            TagPath::new(name).map_err(|error| bad("tags", error.to_string()))
        };
        let author = match self.item_authors[at] {
            NO_AUTHOR => None,
            author => {
                let name = self.authors.get(author as usize);
                Some(name.ok_or_else(|| bad("item_authors", format!("no author {author}")))?)
            }
        };
        Ok(Item {
            id,
            title: self.titles[at].clone(),
            tags: tags.iter().map(tag).collect::<Result<_, _>>()?,
            author: author.cloned(),
            published: flag("published_known", self.published_known[at])?
                .then_some(Timestamp(self.published[at])),
            available: flag("available", self.available[at])?,
            expires: flag("expires_known", self.expires_known[at])?
                .then_some(Timestamp(self.expires[at])),
            fields: self.fields.row(at),
        })
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
