//! Inverted lists from the keys of one field (tags, author, music ...) to items.

use gannet_core::{Catalogue, ItemIndex, KeyField, SparseRows};

use crate::Popularity;
use crate::arrays::{Array, Arrays, ArraysError, Part, require_finite, require_length};

/// Key (a tag's ancestors included) -> items, with the weights that make the score of an item a
/// sum over the keys that it shares with the user.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyIndex {
    /// The field: `tags`, `author`, or a text field of the catalogue.
    pub field: String,
    /// Row: key of the field; column: item; value: the key's share in the item's unit-length
    /// tf-idf vector, ancestors discounted by level. Within a row items stand by static worth,
    /// the best first, so that whoever reads only a prefix reads the right one.
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

    /// [`KeyIndex::by_worth`] where nothing is known of any item's worth: lists stand by index.
    pub fn of_catalogue(
        catalogue: &Catalogue,
        field_name: &str,
        ancestor_discount: f32,
    ) -> Option<Self> {
        Self::in_order(catalogue, field_name, ancestor_discount, catalogue.indices())
    }

    /// Builds the lists of a catalogue's field, each the most popular first, equals by index;
    /// `None` where it has no such field of keys. `ancestor_discount` is 0 to 1. The idf of a key
    /// is `ln(1 + items / items with it)`, ancestors counted. Panics where `popularity` is of
    /// another number of items.
    pub fn by_worth(
        catalogue: &Catalogue,
        field_name: &str,
        ancestor_discount: f32,
        popularity: &Popularity,
    ) -> Option<Self> {
        assert_eq!(popularity.order().len(), catalogue.len(), "of one catalogue");
        let order = popularity.order().iter().copied();
        Self::in_order(catalogue, field_name, ancestor_discount, order)
    }

    fn in_order(
        catalogue: &Catalogue,
        field_name: &str,
        ancestor_discount: f32,
        order: impl Iterator<Item = ItemIndex>,
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
        // Every list is as long as its count where ancestors count at all, shorter where not.
        let mut lists = RowsInPlaces::new(&counts, catalogue.len() as u32);
        for item in order {
            for (key, weight) in item_vector(catalogue, field, item, &idf, ancestor_discount) {
                lists.push(key, item.0, weight);
            }
        }
        let field = field_name.to_owned();
        Some(Self { field, postings: lists.finish(), idf, ancestor_discount })
    }
}

/// Rows whose entries come in any order of rows: each goes straight to its place, so that five
/// million items need no second copy of the matrix, as a transpose would.
struct RowsInPlaces {
    starts: Vec<u64>,
    next: Vec<u64>,
    columns: Vec<u32>,
    values: Vec<f32>,
    width: u32,
}

impl RowsInPlaces {
    /// Room for `lengths` entries of each row.
    fn new(lengths: &[u32], width: u32) -> Self {
        let mut starts = Vec::with_capacity(lengths.len() + 1);
        starts.push(0);
        let mut end = 0u64;
        starts.extend(lengths.iter().map(|length| {
            end += u64::from(*length);
            end
        }));
        let (columns, values) = (vec![0; end as usize], vec![0.0; end as usize]);
        Self { next: starts[..lengths.len()].to_vec(), starts, columns, values, width }
    }

    fn push(&mut self, row: u32, column: u32, value: f32) {
        let next = &mut self.next[row as usize];
        self.columns[*next as usize] = column;
        self.values[*next as usize] = value;
        *next += 1;
    }

    /// The rows; room that was not used is closed up.
    fn finish(mut self) -> SparseRows {
        let (mut offsets, mut end) = (Vec::with_capacity(self.starts.len()), 0usize);
        offsets.push(0);
        for (row, next) in self.next.iter().enumerate() {
            let span = self.starts[row] as usize..*next as usize;
            self.columns.copy_within(span.clone(), end);
            self.values.copy_within(span.clone(), end);
            end += span.len();
            offsets.push(end as u64);
        }
        self.columns.truncate(end);
        self.values.truncate(end);
        SparseRows::from_parts(offsets, self.columns, self.values, self.width)
            .expect("offsets rise and every column is an item")
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
