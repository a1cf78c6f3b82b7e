//! Collects what any reader finds and brings it into the normal form.

use std::sync::Arc;

use gannet_core::{
    CatalogueBuilder, EventKinds, Interaction, Item, ItemIndex, KindIndex, SceneIndex, StringTable,
    Timestamp, UserIndex,
};

use super::field;
use crate::bad_rows::BadField;
use crate::dataset::{Dataset, Events};
use crate::normal_form::{Ties, natural_order};

/// One event as it stands in a file.
pub(crate) struct EventRow<'a> {
    pub(crate) user: &'a str,
    pub(crate) item: &'a str,
    pub(crate) kind: KindIndex,
    pub(crate) value: f32,
    pub(crate) time: Option<Timestamp>,
    pub(crate) scene: Option<SceneIndex>,
}

/// Which of the two sets of events a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Events,
    TestEvents,
}

/// A data set in the making. Each addition is checked as a whole before any of it is kept.
#[derive(Default)]
pub(crate) struct DatasetBuilder {
    item_ids: StringTable,
    items: Vec<Item>,
    users: StringTable,
    events: Events,
    test_events: Option<Events>,
}

impl DatasetBuilder {
    /// Adds an item; the first row of an id is kept and later ones are refused.
    pub(crate) fn add_item(&mut self, field: &str, item: Item) -> Result<(), BadField> {
        if self.item_ids.find(item.id.as_str()).is_some() {
            return Err(BadField::new(field, "an id not given before", item.id.as_str()));
        }
        self.item_ids.intern(item.id.as_str());
        self.items.push(item);
        Ok(())
    }

    /// Adds an event; an item that no item file named is added bare.
    pub(crate) fn add_event(&mut self, part: Part, row: &EventRow<'_>) -> Result<(), BadField> {
        let known_user = self.users.find(row.user);
        if known_user.is_none() {
            field::check_user_id("user", row.user)?;
        }
        let item = match self.item_ids.find(row.item) {
            Some(item) => item,
            None => {
                self.items.push(Item::bare(field::item_id("item", row.item)?));
                self.item_ids.intern(row.item)
            }
        };
        let user = known_user.unwrap_or_else(|| self.users.intern(row.user));
        let events = match part {
            Part::Events => &mut self.events,
            Part::TestEvents => self.test_events.get_or_insert_default(),
        };
        let EventRow { kind, value, time, scene, .. } = *row;
        events.users.push(UserIndex(user));
        events.interactions.push(Interaction { item: ItemIndex(item), kind, value, time, scene });
        Ok(())
    }

    /// Number of events of the main part.
    pub(crate) fn event_count(&self) -> usize {
        self.events.users.len()
    }

    /// Renumbers items and users in natural order of their ids and sorts the events.
    pub(crate) fn finish(self, name: &str, kinds: EventKinds, ties: Ties) -> Dataset {
        let item_order = natural_positions(&self.item_ids);
        let user_order = natural_positions(&self.users);
        let (items, users) = (ranks(&item_order), ranks(&user_order));
        let arrange = |events: Events| arranged(events, &users, &items, ties);
        let mut catalogue = CatalogueBuilder::new();
        for position in &item_order {
            catalogue.add(&self.items[*position as usize]).expect("ids are distinct: interned");
        }
        Dataset {
            name: name.to_owned(),
            catalogue: Arc::new(catalogue.finish()),
            users: Arc::new(user_order.iter().map(|at| self.users.get(*at)).collect()),
            user_fields: Arc::default(),
            scenes: Vec::new(),
            kinds,
            events: arrange(self.events),
            test_events: self.test_events.map(arrange),
        }
    }
}

fn natural_positions(ids: &StringTable) -> Vec<u32> {
    let mut order: Vec<u32> = (0..ids.len() as u32).collect();
    order.sort_unstable_by(|a, b| natural_order(ids.get(*a), ids.get(*b)));
    order
}

/// The place of each position in an order.
fn ranks(order: &[u32]) -> Vec<u32> {
    let mut ranks = vec![0; order.len()];
    for (rank, position) in order.iter().enumerate() {
        ranks[*position as usize] = rank as u32;
    }
    ranks
}

/// Events by user, then time, then ties. A counting sort by user keeps the file's order, so that
/// only each user's few events are compared.
fn arranged(events: Events, users: &[u32], items: &[u32], ties: Ties) -> Events {
    let mut ends = vec![0usize; users.len()];
    for user in &events.users {
        ends[users[user.at()] as usize] += 1;
    }
    let mut next = 0;
    for end in &mut ends {
        next += std::mem::replace(end, next);
    }
    let mut slots = ends;
    let Some(filler) = events.interactions.first().copied() else { return events };
    let mut interactions = vec![filler; events.interactions.len()];
    let mut sorted_users = vec![UserIndex(0); interactions.len()];
    for (user, event) in events.users.iter().zip(&events.interactions) {
        let user = users[user.at()];
        let slot = &mut slots[user as usize];
        interactions[*slot] = Interaction { item: ItemIndex(items[event.item.at()]), ..*event };
        sorted_users[*slot] = UserIndex(user);
        *slot += 1;
    }
    let mut start = 0;
    for end in slots {
        let own = &mut interactions[start..end];
        match ties {
            Ties::FileOrder => own.sort_by_key(|event| event.time),
            Ties::ItemId => own.sort_by_key(|event| (event.time, event.item)),
        }
        start = end;
    }
    Events { users: sorted_users, interactions }
}
