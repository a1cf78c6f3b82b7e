//! One order and one checksum for the same data, whatever file it came from.
//!
//! Items and users stand in natural order of their ids ([`natural_order`]), events by user, then
//! time (events without one first), then as [`Ties`] says.

use std::cmp::Ordering;

use gannet_core::{FieldIndex, FieldTable, ItemIndex};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::dataset::{Dataset, Events};

/// What orders one user's events of equal time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// Their order in the file: it may tell what the clock does not.
    #[default]
    FileOrder,
    /// The natural order of their items' ids: for data that was published in several file orders.
    ItemId,
}

/// Orders ids of digits alone by their number and before all others, the others bytewise; ids of
/// the same number (`7`, `07`) bytewise. So fixed files with ids 0 to n-1 keep their numbers as
/// indices.
pub fn natural_order(left: &str, right: &str) -> Ordering {
    match (digits(left), digits(right)) {
        (Some(a), Some(b)) => {
            a.len().cmp(&b.len()).then_with(|| a.cmp(b)).then_with(|| left.cmp(right))
        }
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(right),
    }
}

fn digits(id: &str) -> Option<&str> {
    let all = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| id.trim_start_matches('0'))
}

/// SHA-256, in lower-case hexadecimal, of everything in a data set but its name and the weights of
/// its kinds (those are settings, not data).
///
/// The bytes hashed: the line `gannet normal form 1`, then the items (id, title, tags, author,
/// published, available), the users' ids, the kinds' names, the events and the test events (user,
/// item, kind, value, time). Numbers are little-endian (u64 for counts and lengths, u32 indices, u8
/// kind, f32 value, i64 milliseconds), strings and lists carry their length, what may be absent is
/// led by a byte 0 or 1.
///
/// What the first version did not know is hashed behind that, and only where the data has any of
/// it, so that older checksums stay: the line `expires` and each item's; the line `item fields`
/// (then `user fields`), and by the order of their names each field's name and each row's value (a
/// byte 0 for none, 1 and a string, or 2 and an f64); the line `scenes`, their names in natural
/// order, and each event's and test event's position among them.
pub fn normal_form_checksum(dataset: &Dataset) -> String {
    let mut bytes = Hashed::default();
    bytes.raw(b"gannet normal form 1\n");
    let catalogue = &dataset.catalogue;
    bytes.length(catalogue.len());
    for item in catalogue.indices() {
        bytes.string(catalogue.id(item));
        bytes.string(catalogue.title(item));
        bytes.length(catalogue.tags(item).len());
        for tag in catalogue.tags(item) {
            bytes.string(catalogue.tag_name(*tag));
        }
        let author = catalogue.author(item).map(|author| catalogue.author_name(author));
        bytes.optional(author, Hashed::string);
        bytes.optional(catalogue.published(item), |bytes, time| bytes.raw(&time.0.to_le_bytes()));
        bytes.raw(&[u8::from(catalogue.available().contains(item.0))]);
    }
    bytes.length(dataset.users.len());
    for user in dataset.users.iter() {
        bytes.string(user);
    }
    bytes.length(dataset.kinds.all().len());
    for kind in dataset.kinds.all() {
        bytes.string(&kind.name);
    }
    bytes.events(&dataset.events);
    bytes.optional(dataset.test_events.as_ref(), Hashed::events);
    if catalogue.indices().any(|item| catalogue.expires(item).is_some()) {
        bytes.raw(b"expires\n");
        for item in catalogue.indices() {
            bytes.optional(catalogue.expires(item), |bytes, time| bytes.raw(&time.0.to_le_bytes()));
        }
    }
    bytes.fields("item fields\n", catalogue.fields(), catalogue.len());
    bytes.fields("user fields\n", &dataset.user_fields, dataset.users.len());
    bytes.scenes(dataset);
    bytes.finish()
}

/// Gathers small writes: one call of the hash for each would cost more than the hashing.
#[derive(Default)]
struct Hashed {
    hash: Sha256,
    pending: Vec<u8>,
}

const PENDING_BYTES_MAX: usize = 1 << 16;

impl Hashed {
    fn raw(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PENDING_BYTES_MAX {
            self.hash.update(&self.pending);
            self.pending.clear();
        }
    }

    fn length(&mut self, length: usize) {
        self.raw(&(length as u64).to_le_bytes());
    }

    fn string(&mut self, string: &str) {
        self.length(string.len());
        self.raw(string.as_bytes());
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.raw(&[u8::from(value.is_some())]);
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn events(&mut self, events: &Events) {
        self.length(events.users.len());
        for (user, event) in events.users.iter().zip(&events.interactions) {
            let ItemIndex(item) = event.item;
            self.raw(&user.0.to_le_bytes());
            self.raw(&item.to_le_bytes());
            self.raw(&[event.kind.0]);
            self.raw(&event.value.to_le_bytes());
            self.optional(event.time, |bytes, time| bytes.raw(&time.0.to_le_bytes()));
        }
    }

    fn fields(&mut self, heading: &str, fields: &FieldTable, rows: usize) {
        let mut order: Vec<FieldIndex> = fields.indices().collect();
        order.sort_by_key(|field| fields.name(*field));
        if !order.is_empty() {
            self.raw(heading.as_bytes());
            self.length(order.len());
        }
        for field in order {
            self.string(fields.name(field));
            for row in 0..rows {
                if let Some(text) = fields.text(field, row) {
                    self.raw(&[1]);
                    self.string(text);
                } else if let Some(number) = fields.number(field, row) {
                    self.raw(&[2]);
                    self.raw(&number.to_le_bytes());
                } else {
                    self.raw(&[0]);
                }
            }
        }
    }

    fn scenes(&mut self, dataset: &Dataset) {
        let scenes = &dataset.scenes;
        if scenes.is_empty() {
            return;
        }
        let mut order: Vec<usize> = (0..scenes.len()).collect();
        order.sort_by(|a, b| natural_order(&scenes[*a], &scenes[*b]));
        self.raw(b"scenes\n");
        self.length(order.len());
        let mut ranks = vec![0u8; order.len()];
        for (rank, at) in order.into_iter().enumerate() {
            self.string(&scenes[at]);
            ranks[at] = rank as u8;
        }
        let test = dataset.test_events.iter().flat_map(|test| &test.interactions);
        for event in dataset.events.interactions.iter().chain(test) {
            let rank = event.scene.map(|scene| ranks[usize::from(scene.0)]);
            self.optional(rank, |bytes, rank| bytes.raw(&[rank]));
        }
    }

    fn finish(mut self) -> String {
        self.hash.update(&self.pending);
        hexadecimal(&self.hash.finalize())
    }
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_come_by_value_and_before_names() {
        let mut ids = ["b", "10", "9", "", "007", "7", "a1", "0"];
        ids.sort_by(|a, b| natural_order(a, b));
        assert_eq!(ids, ["0", "007", "7", "9", "10", "", "a1", "b"]);
    }

    #[test]
    fn hexadecimal_has_two_digits_a_byte() {
        assert_eq!(hexadecimal(&[0, 15, 160, 255]), "000fa0ff");
    }

    proptest! {
        #[test]
        fn natural_order_is_total(mut ids in prop::collection::vec("[0-2a]{0,4}", 3)) {
            ids.sort_by(|a, b| natural_order(a, b));
            prop_assert!(natural_order(&ids[0], &ids[2]).is_le());
            prop_assert_eq!(natural_order(&ids[0], &ids[1]).is_eq(), ids[0] == ids[1]);
            let swapped = natural_order(&ids[1], &ids[0]).reverse();
            prop_assert_eq!(natural_order(&ids[0], &ids[1]), swapped);
        }
    }
}
