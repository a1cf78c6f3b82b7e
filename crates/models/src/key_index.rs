//! Inverted lists from the keys of one field (tags, author, music ...) to items.

use gannet_core::{Catalogue, ItemIndex, KeyField, SparseRows};

use crate::arrays::{Array, Arrays, ArraysError, Part, require_finite, require_length};

/// Key (a tag's ancestors included) -> items, with the weights that make the score of an item a
/// sum over the keys that it shares with the user.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyIndex {
    /// The field: `tags`, `author`, or a text field of the catalogue.
    pub field: String,
    /// Row: key of the field; column: item; value: the key's share in the item's unit-length
    /// tf-idf vector, ancestors discounted by level.
    pub postings: SparseRows,
    /// Inverse document frequency of each key.
    pub idf: Vec<f32>,
    /// What a tag one level up counts beside the tag itself, 0 to 1.
    pub ancestor_discount: f32,
}

impl KeyIndex {
    /// An item's unit-length tf-idf vector as `(key, weight)`, keys ascending: what the item puts
    /// into a user's interests. The inner product of two such vectors is their cosine.
    pub fn item_vector(&self, catalogue: &Catalogue, item: ItemIndex) -> Vec<(u32, f32)> {
        match catalogue.key_field(&self.field) {
            Some(field) => item_vector(catalogue, field, item, &self.idf, self.ancestor_discount),
            None => Vec::new(),
        }
    }

    /// Builds the lists of a catalogue's field; `None` where it has no such field of keys.
    /// `ancestor_discount` is 0 to 1. The idf of a key is `ln(1 + items / items with it)`,
    /// ancestors counted.
    pub fn of_catalogue(
        catalogue: &Catalogue,
        field_name: &str,
        ancestor_discount: f32,
    ) -> Option<Self> {
        let field = catalogue.key_field(field_name)?;
        let keys = catalogue.key_count(field);
        let mut counts = vec![0u32; keys];
        for item in catalogue.indices() {
            for (key, _) in key_weights(catalogue, field, item, 1.0) {
                counts[key as usize] += 1;
            }
        }
        let items = catalogue.len() as f32;
        let idf: Vec<f32> = counts.iter().map(|n| (items / (*n).max(1) as f32).ln_1p()).collect();
        let vectors = catalogue
            .indices()
            .map(|item| item_vector(catalogue, field, item, &idf, ancestor_discount));
        let by_item = SparseRows::from_rows(keys as u32, vectors);
        let field = field_name.to_owned();
        Some(Self { field, postings: by_item.transpose(), idf, ancestor_discount })
    }
}

fn item_vector(
    catalogue: &Catalogue,
    field: KeyField,
    item: ItemIndex,
    idf: &[f32],
    ancestor_discount: f32,
) -> Vec<(u32, f32)> {
    let mut vector = key_weights(catalogue, field, item, ancestor_discount);
    vector.iter_mut().for_each(|(key, weight)| *weight *= idf[*key as usize]);
    let length = vector.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|(_, weight)| *weight /= length);
    }
    vector
}

/// The item's keys and their ancestors, each with the discount of its nearest level.
fn key_weights(
    catalogue: &Catalogue,
    field: KeyField,
    item: ItemIndex,
    ancestor_discount: f32,
) -> Vec<(u32, f32)> {
    let mut weights: Vec<(u32, f32)> = Vec::new();
    for key in catalogue.keys(field, item) {
        let mut weight = 1.0;
        for key in catalogue.key_lineage(field, key) {
            if weight > 0.0 {
                weights.push((key, weight));
            }
            weight *= ancestor_discount;
        }
    }
    weights.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    weights.dedup_by_key(|(key, _)| *key);
    weights
}

impl Part for KeyIndex {
    const KIND: &'static str = "key_index";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put_text("field", &self.field);
        arrays.put_rows("postings", &self.postings);
        arrays.put("idf", Array::F32(self.idf.clone()));
        arrays.put_text("ancestor_discount", self.ancestor_discount);
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let field = arrays.text("field")?.to_owned();
        let postings = arrays.take_rows("postings")?;
        let idf = arrays.take_f32("idf")?;
        require_length("idf", idf.len(), postings.height())?;
        require_finite("idf", &idf)?;
        let unit = |value| (0.0..=1.0).contains(&value);
        let ancestor_discount = arrays.number("ancestor_discount", unit)?;
        Ok(Self { field, postings, idf, ancestor_discount })
    }
}
