//! What snapshots of format 1 did not have yet, filled in with what it meant to be without.

use crate::arrays::{Array, Arrays, ArraysError, Part};
use crate::{Histories, KeyIndex, Popularity};

/// The word by which format 1 called the index of tags.
const TAG_INDEX: &str = "tag_index";

impl Arrays {
    /// Arrays of a part of format 1 as this version would write them, and the word for their kind:
    /// items without expiry and fields, events and popularity without scenes, and `tag_index` as
    /// the index of the field `tags`.
    pub fn upgrade_from_format_1(mut self, kind: &str) -> Result<(String, Self), ArraysError> {
        let mut kind = kind;
        match kind {
            TAG_INDEX => {
                kind = KeyIndex::KIND;
                self.put_text("field", "tags");
            }
            Popularity::KIND => {
                self.put_strings("scenes", []);
                self.put("scene_items", Array::U32(Vec::new()));
                self.put("scene_scores", Array::F32(Vec::new()));
                self.put("scene_lengths", Array::U64(Vec::new()));
            }
            Histories::KIND => {
                let events = self.length("items")?;
                self.put("event_scenes", Array::U8(vec![u8::MAX; events]));
                self.put_strings("scenes", []);
                self.put_strings("user_fields.names", []);
            }
            <gannet_core::Catalogue as Part>::KIND => {
                let items = self.length("available")?;
                self.put("expires", Array::I64(vec![0; items]));
                self.put("expires_known", Array::U8(vec![0; items]));
                self.put_strings("fields.names", []);
            }
            _ => {}
        }
        Ok((kind.to_owned(), self))
    }

    fn length(&self, name: &str) -> Result<usize, ArraysError> {
        let array = self.arrays.get(name).ok_or_else(|| ArraysError::Missing(name.to_owned()))?;
        Ok(array.len())
    }
}
