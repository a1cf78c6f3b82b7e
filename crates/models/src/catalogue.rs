//! The catalogue as a part of a snapshot.

use gannet_core::{Catalogue, CatalogueColumns, ItemIndex, Timestamp};

use crate::arrays::{Array, Arrays, ArraysError, Part, flag};
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
        let ids = arrays.take_table("ids")?;
        let (titles, title_ends) = arrays.take_text_column("titles")?;
        let available = arrays.take_u8("available")?;
        let available = available.into_iter().map(|byte| flag("available", byte));
        let columns = CatalogueColumns {
            fields: take_fields(&mut arrays, "fields", ids.len())?,
            ids,
            titles,
            title_ends,
            tags: arrays.take_table("tags")?,
            item_tags: arrays.take_u32("item_tags")?,
            item_tag_ends: arrays.take_u64("item_tag_ends")?,
            authors: arrays.take_table("authors")?,
            item_authors: arrays.take_u32("item_authors")?,
            published: arrays.take_times("published")?,
            available: available.collect::<Result<_, _>>()?,
            expires: arrays.take_times("expires")?,
        };
        Catalogue::from_columns(columns)
            .map_err(|error| ArraysError::contents(error.column, error.why))
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
