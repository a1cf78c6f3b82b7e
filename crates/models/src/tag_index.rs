//! Inverted lists from tags to items.

use gannet_core::{Catalogue, ItemIndex, SparseRows};

use crate::arrays::{Array, Arrays, ArraysError, Part, require_finite, require_length};

/// Tag (ancestors included) -> items, with the weights that make the score of an item a sum over
/// the tags that it shares with the user.
#[derive(Debug, Clone, PartialEq)]
pub struct TagIndex {
    /// Row: tag of the catalogue; column: item; value: the tag's share in the item's
    /// unit-length tf-idf vector, ancestors discounted by level.
    pub postings: SparseRows,
    /// Inverse document frequency of each tag.
    pub idf: Vec<f32>,
    /// What a tag one level up counts beside the tag itself, 0 to 1.
    pub ancestor_discount: f32,
}

impl TagIndex {
    /// An item's unit-length tf-idf vector as `(tag, weight)`, tags ascending: what the item puts
    /// into a user's interests. The inner product of two such vectors is their cosine.
    pub fn item_vector(&self, catalogue: &Catalogue, item: ItemIndex) -> Vec<(u32, f32)> {
        item_vector(catalogue, item, &self.idf, self.ancestor_discount)
    }

    /// Builds the lists of a catalogue; `ancestor_discount` is 0 to 1. The idf of a tag is
    /// `ln(1 + items / items with it)`, ancestors counted.
    pub fn of_catalogue(catalogue: &Catalogue, ancestor_discount: f32) -> Self {
        let mut counts = vec![0u32; catalogue.tag_count()];
        for item in catalogue.indices() {
            for (tag, _) in tag_weights(catalogue, item, 1.0) {
                counts[tag as usize] += 1;
            }
        }
        let items = catalogue.len() as f32;
        let idf: Vec<f32> = counts.iter().map(|n| (items / (*n).max(1) as f32).ln_1p()).collect();
        let vectors =
            catalogue.indices().map(|item| item_vector(catalogue, item, &idf, ancestor_discount));
        let by_item = SparseRows::from_rows(catalogue.tag_count() as u32, vectors);
        Self { postings: by_item.transpose(), idf, ancestor_discount }
    }
}

fn item_vector(
    catalogue: &Catalogue,
    item: ItemIndex,
    idf: &[f32],
    ancestor_discount: f32,
) -> Vec<(u32, f32)> {
    let mut vector = tag_weights(catalogue, item, ancestor_discount);
    vector.iter_mut().for_each(|(tag, weight)| *weight *= idf[*tag as usize]);
    let length = vector.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|(_, weight)| *weight /= length);
    }
    vector
}

/// The item's tags and their ancestors, each with the discount of its nearest level.
fn tag_weights(catalogue: &Catalogue, item: ItemIndex, ancestor_discount: f32) -> Vec<(u32, f32)> {
    let mut weights: Vec<(u32, f32)> = Vec::new();
    for tag in catalogue.tags(item) {
        let mut weight = 1.0;
        for tag in catalogue.tag_lineage(*tag) {
            if weight > 0.0 {
                weights.push((tag, weight));
            }
            weight *= ancestor_discount;
        }
    }
    weights.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    weights.dedup_by_key(|(tag, _)| *tag);
    weights
}

impl Part for TagIndex {
    const KIND: &'static str = "tag_index";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put_rows("postings", &self.postings);
        arrays.put("idf", Array::F32(self.idf.clone()));
        arrays.put_text("ancestor_discount", self.ancestor_discount);
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let postings = arrays.take_rows("postings")?;
        let idf = arrays.take_f32("idf")?;
        require_length("idf", idf.len(), postings.height())?;
        require_finite("idf", &idf)?;
        let unit = |value| (0.0..=1.0).contains(&value);
        let ancestor_discount = arrays.number("ancestor_discount", unit)?;
        Ok(Self { postings, idf, ancestor_discount })
    }
}
