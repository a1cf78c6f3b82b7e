//! Vectors that were trained elsewhere and brought along: of items, and perhaps of users.

use std::sync::Arc;

use gannet_core::Bitmap;
use gannet_vectors::{ExactSearch, Matrix, VectorSearch};

use crate::arrays::{Array, Arrays, ArraysError, Part, flag, require_length};

/// How a query is held against an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The inner product as it is.
    InnerProduct,
    /// The inner product of vectors of length 1. Stored vectors are normalised already; a query
    /// has to be.
    Cosine,
}

/// Imported vectors. A row without a vector is all zeros and not in `known`: it is never found.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    /// Version of this model: query vectors of another one are refused.
    pub version: String,
    /// How vectors are compared.
    pub metric: Metric,
    /// One row an item of the catalogue.
    pub items: Arc<Matrix>,
    /// The items that have a vector.
    pub known_items: Arc<Bitmap>,
    /// One row a user of the snapshot's histories, in the same space; absent where only items
    /// came with vectors.
    pub users: Option<UserVectors>,
}

/// Imported vectors of users.
#[derive(Debug, Clone, PartialEq)]
pub struct UserVectors {
    /// One row a user.
    pub rows: Arc<Matrix>,
    /// The users that have a vector.
    pub known: Arc<Bitmap>,
}

impl Vectors {
    /// The search over the item vectors. Rows without a vector are its caller's to leave out.
    pub fn search(&self) -> Arc<dyn VectorSearch> {
        Arc::new(ExactSearch::new(self.items.clone()))
    }
}

impl Part for Vectors {
    const KIND: &'static str = "vectors";

    fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.put_text("version", &self.version);
        let metric = match self.metric {
            Metric::InnerProduct => "inner_product",
            Metric::Cosine => "cosine",
        };
        arrays.put_text("metric", metric);
        arrays.put_matrix("items", &self.items);
        put_bitmap(&mut arrays, "known_items", &self.known_items);
        if let Some(users) = &self.users {
            arrays.put_matrix("users", &users.rows);
            put_bitmap(&mut arrays, "known_users", &users.known);
        }
        arrays
    }

    fn from_arrays(mut arrays: Arrays) -> Result<Self, ArraysError> {
        let version = arrays.text("version")?.to_owned();
        let metric = match arrays.text("metric")? {
            "inner_product" => Metric::InnerProduct,
            "cosine" => Metric::Cosine,
            other => return Err(ArraysError::contents("metric", format!("unknown: {other:?}"))),
        };
        let items = arrays.take_matrix("items")?;
        let known_items = take_bitmap(&mut arrays, "known_items", items.height())?;
        let users = match arrays.arrays.contains_key("users") {
            false => None,
            true => {
                let rows = arrays.take_matrix("users")?;
                require_length("users.dim", rows.dim(), items.dim())?;
                let known = take_bitmap(&mut arrays, "known_users", rows.height())?;
                Some(UserVectors { rows: Arc::new(rows), known: Arc::new(known) })
            }
        };
        let (items, known_items) = (Arc::new(items), Arc::new(known_items));
        Ok(Self { version, metric, items, known_items, users })
    }
}

fn put_bitmap(arrays: &mut Arrays, name: &str, bitmap: &Bitmap) {
    let bytes = (0..bitmap.len() as u32).map(|row| u8::from(bitmap.contains(row)));
    arrays.put(name, Array::U8(bytes.collect()));
}

fn take_bitmap(arrays: &mut Arrays, name: &str, rows: usize) -> Result<Bitmap, ArraysError> {
    let bytes = arrays.take_u8(name)?;
    require_length(name, bytes.len(), rows)?;
    let bits = bytes.iter().map(|byte| flag(name, *byte)).collect::<Result<Vec<bool>, _>>()?;
    Ok(Bitmap::from_fn(rows, |row| bits[row as usize]))
}
