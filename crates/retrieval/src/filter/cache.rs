//! The masks of the filters asked for lately: a scene has few filters, and each costs one pass
//! over the catalogue.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gannet_core::{Bitmap, Catalogue, Timestamp};

use super::{FilterExpression, bucket};

/// How many masks are kept: 40 MB at 5 million items.
const MASKS_MAX: usize = 64;

/// A filter as a set of rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FilterMask {
    pub(crate) rows: Bitmap,
    pub(crate) count: usize,
}

/// Keeps masks by the filter's canonical text, the base mask, and the hour where the filter reads
/// the time. The one that was not asked for longest leaves when there are too many.
#[derive(Default)]
pub(crate) struct FilterCache {
    /// Used last at the end.
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    text: String,
    hour: i64,
    base: Arc<Bitmap>,
    /// Made outside the lock, once: whoever comes meanwhile waits for this mask only.
    mask: Arc<OnceLock<Arc<FilterMask>>>,
}

impl FilterCache {
    /// The items of `base` that satisfy a filter, which was checked against this catalogue; one
    /// that does not suit it takes nothing.
    pub(crate) fn mask(
        &self,
        filter: &FilterExpression,
        catalogue: &Catalogue,
        base: &Arc<Bitmap>,
        now: Timestamp,
    ) -> Arc<FilterMask> {
        let hour = if filter.reads_now() { bucket(now) } else { 0 };
        let make = || {
            let rows = filter.mask_of(catalogue, now, base);
            let rows = rows.unwrap_or_else(|_| Bitmap::empty(catalogue.len()));
            Arc::new(FilterMask { count: rows.count(), rows })
        };
        self.slot(filter.canonical(), hour, base).get_or_init(make).clone()
    }

    fn slot(&self, text: String, hour: i64, base: &Arc<Bitmap>) -> Arc<OnceLock<Arc<FilterMask>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |one: &Kept| one.hour == hour && one.text == text && Arc::ptr_eq(&one.base, base);
        let used = match kept.iter().position(same) {
            Some(at) => kept.remove(at),
            None => {
                if kept.len() == MASKS_MAX {
                    kept.remove(0);
                }
                Kept { text, hour, base: base.clone(), mask: Arc::default() }
            }
        };
        let mask = used.mask.clone();
        kept.push(used);
        mask
    }
}

#[cfg(test)]
mod tests {
    use gannet_core::{Item, ItemId};

    use super::*;

    fn catalogue() -> Catalogue {
        let item = |at: u32| Item {
            author: Some(format!("a{at}")),
            published: Some(Timestamp(0)),
            ..Item::bare(ItemId::new(at.to_string()).expect("an id"))
        };
        let items: Vec<Item> = (0..100).map(item).collect();
        Catalogue::from_items(&items).expect("distinct ids")
    }

    #[test]
    fn is_bounded_and_knows_a_filter_in_any_order() {
        let (catalogue, cache) = (catalogue(), FilterCache::default());
        let base = Arc::new(Bitmap::full(100));
        let mask = |text: &str, base: &Arc<Bitmap>, now| {
            let filter = FilterExpression::parse(text).unwrap();
            cache.mask(&filter, &catalogue, base, Timestamp(now))
        };
        let first = mask(r#"author in ["a1", "a2"] and (author = "a1" or age_days > 9)"#, &base, 5);
        let same = r#"(age_days > 9 OR author in ["a1"]) and author in ["a2", "a1", "a2"]"#;
        assert!(Arc::ptr_eq(&first, &mask(same, &base, BUCKET - 1)));
        assert!(!Arc::ptr_eq(&first, &mask(same, &base, BUCKET)), "another hour");
        let other = Arc::new(Bitmap::empty(100));
        assert_eq!((first.count, mask(same, &other, 5).count), (1, 0), "another base");
        for at in 0..3 * MASKS_MAX {
            mask(&format!("author = \"a{at}\""), &base, 0);
            mask(same, &base, 5);
        }
        assert_eq!(cache.kept.lock().unwrap().len(), MASKS_MAX);
        assert!(Arc::ptr_eq(&first, &mask(same, &base, 5)), "what is asked for stays");
    }

    const BUCKET: i64 = 3_600_000;
}
