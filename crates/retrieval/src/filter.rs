//! The request's own conditions on items, and the masks that they come to.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use gannet_core::{Bitmap, Catalogue, ItemIndex, TagPath};

/// The most names in each list of a filter.
const NAMES_MAX: usize = 1_000;

/// The longest name in bytes.
const NAME_BYTES_MAX: usize = 256;

/// How many masks are kept: 40 MB at 5 million items.
const MASKS_MAX: usize = 64;

/// Why a filter was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct FilterError {
    /// The field at fault.
    pub field: String,
    /// What was expected.
    pub why: String,
}

/// All conditions must hold; an empty filter takes every item. A tag or author that the
/// catalogue does not know is legal and matches no item. An item without a known time is left
/// out where a time is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// At least one of these tags, or of their descendants; empty: any.
    pub tags_any: Vec<String>,
    /// None of these tags, nor of their descendants.
    pub tags_none: Vec<String>,
    /// One of these authors; empty: any.
    pub authors: Vec<String>,
    /// Published at or after this time (milliseconds since 1970).
    pub published_from: Option<i64>,
    /// Published before this time (milliseconds since 1970).
    pub published_before: Option<i64>,
}

impl Filter {
    /// Whether it takes every item.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses lists and names that are too long, and a span of time that is empty.
    pub fn check(&self) -> Result<(), FilterError> {
        let lists = [
            ("tags_any", &self.tags_any),
            ("tags_none", &self.tags_none),
            ("authors", &self.authors),
        ];
        for (field, names) in lists {
            if names.len() > NAMES_MAX {
                let why = format!("expected at most {NAMES_MAX} names, these are {}", names.len());
                return Err(FilterError { field: field.to_owned(), why });
            }
            if let Some(at) = names.iter().position(|name| name.len() > NAME_BYTES_MAX) {
                let why = format!("expected at most {NAME_BYTES_MAX} bytes");
                return Err(FilterError { field: format!("{field}[{at}]"), why });
            }
        }
        match (self.published_from, self.published_before) {
            (Some(from), Some(before)) if from >= before => Err(FilterError {
                field: "published_before".to_owned(),
                why: "expected a time after published_from".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The same conditions in one form: tags trimmed, names sorted and without duplicates.
    pub fn canonical(&self) -> Self {
        let trimmed = |tag: &String| {
            TagPath::new(tag).map_or_else(|_| tag.clone(), |path| path.as_str().to_owned())
        };
        let sorted = |mut names: Vec<String>| {
            names.sort_unstable();
            names.dedup();
            names
        };
        Self {
            tags_any: sorted(self.tags_any.iter().map(trimmed).collect()),
            tags_none: sorted(self.tags_none.iter().map(trimmed).collect()),
            authors: sorted(self.authors.clone()),
            ..*self
        }
    }

    /// The items of `base` that satisfy every condition: one pass over the catalogue.
    fn mask(&self, catalogue: &Catalogue, base: &Bitmap) -> Bitmap {
        let wanted = tag_set(catalogue, &self.tags_any);
        let unwanted = tag_set(catalogue, &self.tags_none);
        let mut authors: Vec<u32> =
            self.authors.iter().filter_map(|name| catalogue.find_author(name)).collect();
        authors.sort_unstable();
        Bitmap::from_fn(catalogue.len(), |row| {
            let item = ItemIndex(row);
            let tags = catalogue.tags(item);
            let any = |set: &Bitmap| tags.iter().any(|tag| set.contains(*tag));
            let author = |author: u32| authors.binary_search(&author).is_ok();
            base.contains(row)
                && (self.tags_any.is_empty() || any(&wanted))
                && !any(&unwanted)
                && (self.authors.is_empty() || catalogue.author(item).is_some_and(author))
                && self.takes_time(catalogue.published(item).map(|time| time.0))
        })
    }

    fn takes_time(&self, published: Option<i64>) -> bool {
        let Some(published) = published else {
            return self.published_from.is_none() && self.published_before.is_none();
        };
        self.published_from.is_none_or(|from| published >= from)
            && self.published_before.is_none_or(|before| published < before)
    }
}

/// The named tags and all their descendants.
fn tag_set(catalogue: &Catalogue, names: &[String]) -> Bitmap {
    let mut named = Bitmap::empty(catalogue.tag_count());
    for tag in names.iter().filter_map(|name| catalogue.find_tag(name)) {
        named.set(tag);
    }
    Bitmap::from_fn(catalogue.tag_count(), |tag| {
        catalogue.tag_lineage(tag).any(|ancestor| named.contains(ancestor))
    })
}

/// A filter as a set of rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FilterMask {
    pub(crate) rows: Bitmap,
    pub(crate) count: usize,
}

/// The masks of the filters asked for lately: a scene has few filters, and each costs one pass
/// over the catalogue. The oldest leaves when there are too many.
#[derive(Default)]
pub(crate) struct FilterCache {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    masks: HashMap<Filter, Arc<FilterMask>>,
    order: VecDeque<Filter>,
}

impl FilterCache {
    /// The mask of a filter. Made outside the lock: two requests at once may both make it.
    pub(crate) fn mask(
        &self,
        filter: &Filter,
        catalogue: &Catalogue,
        base: &Bitmap,
    ) -> Arc<FilterMask> {
        let filter = filter.canonical();
        if let Some(mask) = self.lock().masks.get(&filter) {
            return mask.clone();
        }
        let rows = filter.mask(catalogue, base);
        let mask = Arc::new(FilterMask { count: rows.count(), rows });
        let mut kept = self.lock();
        if kept.masks.insert(filter.clone(), mask.clone()).is_none() {
            kept.order.push_back(filter);
        }
        while kept.order.len() > MASKS_MAX {
            if let Some(oldest) = kept.order.pop_front() {
                kept.masks.remove(&oldest);
            }
        }
        mask
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use gannet_core::{Item, ItemId, Timestamp};

    use super::*;

    fn catalogue() -> Catalogue {
        let item = |id: &str, tags: &[&str], author: &str, published: Option<i64>| Item {
            tags: tags.iter().map(|tag| TagPath::new(tag).unwrap()).collect(),
            author: Some(author.to_owned()),
            published: published.map(Timestamp),
            ..Item::bare(ItemId::new(id).unwrap())
        };
        Catalogue::from_items(&[
            item("0", &["film/horror", "space"], "a", Some(10)),
            item("1", &["film"], "b", Some(20)),
            item("2", &["music"], "a", None),
            Item { available: false, ..item("3", &["film"], "a", Some(10)) },
        ])
        .unwrap()
    }

    fn rows(filter: &Filter) -> Vec<u32> {
        let catalogue = catalogue();
        let mask = FilterCache::default().mask(filter, &catalogue, catalogue.available());
        let rows: Vec<u32> = (0..4).filter(|row| mask.rows.contains(*row)).collect();
        assert_eq!(rows.len(), mask.count);
        rows
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn every_condition_must_hold_and_a_tag_takes_its_descendants() {
        let any = |tags: &[&str]| Filter { tags_any: names(tags), ..Filter::default() };
        assert_eq!(rows(&Filter::default()), [0, 1, 2]);
        assert_eq!(rows(&any(&["film"])), [0, 1]);
        assert_eq!(rows(&any(&[" film / horror "])), [0]);
        assert_eq!(rows(&Filter { tags_none: names(&["film"]), ..Filter::default() }), [2]);
        assert_eq!(rows(&Filter { authors: names(&["a"]), ..any(&["film"]) }), [0]);
        assert_eq!(rows(&Filter { published_from: Some(20), ..Filter::default() }), [1]);
        assert_eq!(rows(&Filter { published_before: Some(20), ..Filter::default() }), [0]);
    }

    #[test]
    fn an_unknown_tag_or_author_is_legal_and_matches_nothing() {
        let filter = Filter { tags_any: names(&["nowhere", "a//b"]), ..Filter::default() };
        assert_eq!(filter.check(), Ok(()));
        assert!(rows(&filter).is_empty());
        assert!(rows(&Filter { authors: names(&["nobody"]), ..Filter::default() }).is_empty());
        assert_eq!(rows(&Filter { tags_none: names(&["nowhere"]), ..Filter::default() }).len(), 3);
    }

    #[test]
    fn the_cache_is_bounded_and_knows_a_filter_in_any_order() {
        let (catalogue, cache) = (catalogue(), FilterCache::default());
        let mask = |tags: &[&str]| {
            let filter = Filter { tags_any: names(tags), ..Filter::default() };
            cache.mask(&filter, &catalogue, catalogue.available())
        };
        assert!(Arc::ptr_eq(&mask(&["film", "music"]), &mask(&["music", "film", "film"])));
        for at in 0..3 * MASKS_MAX {
            mask(&[&format!("tag{at}")]);
        }
        assert_eq!(cache.lock().masks.len(), MASKS_MAX);
        assert_eq!(cache.lock().order.len(), MASKS_MAX);
    }

    #[test]
    fn long_lists_and_empty_spans_are_refused_by_field() {
        let long = Filter { authors: vec![String::new(); NAMES_MAX + 1], ..Filter::default() };
        assert_eq!(long.check().unwrap_err().field, "authors");
        let name = Filter { tags_any: vec!["x".repeat(257)], ..Filter::default() };
        assert_eq!(name.check().unwrap_err().field, "tags_any[0]");
        let span =
            Filter { published_from: Some(5), published_before: Some(5), ..Filter::default() };
        assert_eq!(span.check().unwrap_err().field, "published_before");
    }
}
