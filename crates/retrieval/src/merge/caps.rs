//! Diversity while merging: how many items of one author, tag or other key are in the answer.

use gannet_core::{Catalogue, ItemIndex, KeyField};
use rustc_hash::FxHashMap;

use crate::{Cap, Plan};

/// The plan's caps with what has been placed so far. A cap of a field that the catalogue does
/// not have says nothing: a configuration with one is refused before.
#[derive(Default)]
pub(crate) struct Caps<'a> {
    catalogue: Option<&'a Catalogue>,
    caps: Vec<Counted<'a>>,
    are_soft_relaxed: bool,
}

struct Counted<'a> {
    cap: &'a Cap,
    field: KeyField,
    /// Placed items by key.
    counts: FxHashMap<u32, usize>,
}

impl<'a> Caps<'a> {
    pub(crate) fn new(plan: &'a Plan, catalogue: &'a Catalogue) -> Self {
        let counted = |cap: &'a Cap| {
            let field = catalogue.key_field(&cap.field)?;
            Some(Counted { cap, field, counts: FxHashMap::default() })
        };
        let caps = plan.caps.iter().filter_map(counted).collect();
        Self { catalogue: Some(catalogue), caps, are_soft_relaxed: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.caps.is_empty()
    }

    /// From here on soft caps let everything in; false where that changes nothing.
    pub(crate) fn relax_soft(&mut self) -> bool {
        let changes = !self.are_soft_relaxed && self.caps.iter().any(|counted| !counted.cap.hard);
        self.are_soft_relaxed = true;
        changes
    }

    /// Whether one more such item is within every cap.
    pub(crate) fn fits(&self, item: ItemIndex) -> bool {
        let Some(catalogue) = self.catalogue else { return true };
        self.caps.iter().all(|counted| {
            let Counted { cap, field, counts } = counted;
            (self.are_soft_relaxed && !cap.hard)
                || keys(catalogue, *field, cap.level, item)
                    .all(|key| counts.get(&key).is_none_or(|count| *count < cap.max))
        })
    }

    /// Counts a placed item for each of its keys once.
    pub(crate) fn add(&mut self, item: ItemIndex) {
        let Some(catalogue) = self.catalogue else { return };
        for Counted { cap, field, counts } in &mut self.caps {
            let mut own: Vec<u32> = keys(catalogue, *field, cap.level, item).collect();
            own.sort_unstable();
            own.dedup();
            own.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
        }
    }
}

/// The keys by which an item counts; one may come twice.
fn keys(
    catalogue: &Catalogue,
    field: KeyField,
    level: Option<usize>,
    item: ItemIndex,
) -> impl Iterator<Item = u32> + '_ {
    let at_level = move |key: u32| {
        let Some(level) = level else { return key };
        let depth = catalogue.key_lineage(field, key).count();
        let above = catalogue.key_lineage(field, key).nth(depth.saturating_sub(level));
        above.filter(|_| depth >= level).unwrap_or(key)
    };
    catalogue.keys(field, item).map(at_level)
}
