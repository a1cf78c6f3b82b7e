//! Collects what any reader finds and brings it into the normal form.
//!
//! Everything is kept in columns from the first row on: five million items as values of their own
//! would cost more than all the rest of a data set.

use std::sync::Arc;

use gannet_core::{
    CatalogueBuilder, EventKinds, FieldIndex, FieldKind, FieldTable, FieldValue, Interaction, Item,
    ItemIndex, ItemRow, KindIndex, SceneIndex, StringTable, TagPath, Timestamp, UserIndex,
};

use super::arrange::{arrange, natural_positions, ranks};
use super::field;
use crate::bad_rows::BadField;
use crate::dataset::{Dataset, Events, SCENES_MAX};
use crate::normal_form::Ties;

/// One event as it stands in a file.
pub(crate) struct EventRow<'a> {
    pub(crate) user: &'a str,
    pub(crate) item: &'a str,
    pub(crate) kind: KindIndex,
    pub(crate) value: f32,
    pub(crate) time: Option<Timestamp>,
    pub(crate) scene: Option<&'a str>,
}

/// A name that a reader looked up before, or one to be looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Name<'a> {
    Known(u32),
    New(&'a str),
}

/// One event whose names may be known by their numbers.
pub(crate) struct NamedEvent<'a> {
    pub(crate) user: Name<'a>,
    pub(crate) item: Name<'a>,
    pub(crate) kind: KindIndex,
    pub(crate) value: f32,
    pub(crate) time: Option<Timestamp>,
    pub(crate) scene: Option<Name<'a>>,
}

/// The numbers of an event's names: of use for the next event with the same ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventNumbers {
    pub(crate) user: u32,
    pub(crate) item: u32,
    pub(crate) scene: Option<u32>,
}

/// One item as it stands in a file.
pub(crate) struct ItemFacts<'a> {
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) tags: Vec<&'a str>,
    pub(crate) author: Option<&'a str>,
    pub(crate) published: Option<Timestamp>,
    pub(crate) available: bool,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) fields: Vec<(FieldIndex, FieldCell<'a>)>,
}

impl<'a> ItemFacts<'a> {
    /// An available item of which only the id is known.
    pub(crate) fn bare(id: &'a str) -> Self {
        Self {
            id,
            title: "",
            tags: Vec::new(),
            author: None,
            published: None,
            available: true,
            expires: None,
            fields: Vec::new(),
        }
    }
}

/// A field's value in a row of a file whose columns have one type each.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FieldCell<'a> {
    Text(&'a str),
    Number(f64),
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
    catalogue: CatalogueBuilder,
    users: StringTable,
    user_fields: FieldTable,
    scenes: StringTable,
    events: Events,
    test_events: Option<Events>,
    tag_numbers: Vec<u32>,
}

impl DatasetBuilder {
    /// Adds an item; the first row of an id is kept and later ones are refused.
    pub(crate) fn add_item(&mut self, field: &str, item: &Item) -> Result<(), BadField> {
        let tags = item.tags.iter().map(TagPath::as_str).collect();
        let facts = ItemFacts {
            title: &item.title,
            tags,
            author: item.author.as_deref(),
            published: item.published,
            available: item.available,
            expires: item.expires,
            ..ItemFacts::bare(item.id.as_str())
        };
        self.add_item_with(field, &facts, &item.fields)
    }

    /// Adds an item from a row of columns; the first row of an id is kept, later ones are refused.
    pub(crate) fn add_item_row(
        &mut self,
        field: &str,
        item: &ItemFacts<'_>,
    ) -> Result<ItemIndex, BadField> {
        field::check_id(field, item.id)?;
        if self.catalogue.find(item.id).is_some() {
            return Err(BadField::new(field, "an id not given before", item.id));
        }
        check_cells(self.catalogue.fields(), &item.fields)?;
        let mut new_tags = Vec::new();
        for tag in &item.tags {
            if self.catalogue.find_tag(tag).is_none() {
                new_tags.push(field::tag("tags", tag)?);
            }
        }
        for tag in &new_tags {
            self.catalogue.tag(tag);
        }
        self.tag_numbers.clear();
        for tag in &item.tags {
            // A tag may have been written with blanks around its levels.
            let number = self.catalogue.find_tag(tag).or_else(|| {
                let path = TagPath::new(tag).ok()?;
                self.catalogue.find_tag(path.as_str())
            });
            self.tag_numbers.extend(number);
        }
        let row = ItemRow {
            id: item.id,
            title: item.title,
            tags: &self.tag_numbers,
            author: item.author,
            published: item.published,
            available: item.available,
            expires: item.expires,
        };
        let index = self.catalogue.add_row(&row).expect("the id is new and was checked");
        set_cells(self.catalogue.fields_mut(), index.at(), &item.fields);
        Ok(index)
    }

    /// Adds an item with fields by name, whose types the first values decide.
    pub(crate) fn add_item_with(
        &mut self,
        field: &str,
        item: &ItemFacts<'_>,
        fields: &[(String, FieldValue)],
    ) -> Result<(), BadField> {
        check_values(self.catalogue.fields(), fields)?;
        let index = self.add_item_row(field, item)?;
        set_values(self.catalogue.fields_mut(), index.at(), fields);
        Ok(())
    }

    /// Whether an item is there already.
    pub(crate) fn knows_item(&self, id: &str) -> bool {
        self.catalogue.find(id).is_some()
    }

    /// A field of items, to be filled row by row.
    pub(crate) fn item_field(&mut self, name: &str, kind: FieldKind) -> Result<FieldIndex, String> {
        self.catalogue.fields_mut().add(name, kind).map_err(|error| error.to_string())
    }

    /// A field of users, to be filled row by row.
    pub(crate) fn user_field(&mut self, name: &str, kind: FieldKind) -> Result<FieldIndex, String> {
        self.user_fields.add(name, kind).map_err(|error| error.to_string())
    }

    /// Adds a user; the first row of an id is kept and later ones are refused.
    pub(crate) fn add_user(
        &mut self,
        field: &str,
        id: &str,
        fields: &[(FieldIndex, FieldCell<'_>)],
    ) -> Result<(), BadField> {
        self.check_new_user(field, id)?;
        check_cells(&self.user_fields, fields)?;
        let user = self.users.intern(id);
        set_cells(&mut self.user_fields, user as usize, fields);
        Ok(())
    }

    /// Adds a user with fields by name, whose types the first values decide.
    pub(crate) fn add_user_with(
        &mut self,
        field: &str,
        id: &str,
        fields: &[(String, FieldValue)],
    ) -> Result<(), BadField> {
        self.check_new_user(field, id)?;
        check_values(&self.user_fields, fields)?;
        let user = self.users.intern(id);
        set_values(&mut self.user_fields, user as usize, fields);
        Ok(())
    }

    fn check_new_user(&self, field: &str, id: &str) -> Result<(), BadField> {
        field::check_id(field, id)?;
        match self.users.find(id) {
            Some(_) => Err(BadField::new(field, "an id not given before", id)),
            None => Ok(()),
        }
    }

    /// Makes room for events that are known to come.
    pub(crate) fn reserve_events(&mut self, part: Part, count: usize) {
        let events = self.part(part);
        events.users.reserve_exact(count);
        events.interactions.reserve_exact(count);
    }

    fn part(&mut self, part: Part) -> &mut Events {
        match part {
            Part::Events => &mut self.events,
            Part::TestEvents => self.test_events.get_or_insert_default(),
        }
    }

    /// Adds an event; an item that no item file named is added bare.
    pub(crate) fn add_event(&mut self, part: Part, row: &EventRow<'_>) -> Result<(), BadField> {
        let event = NamedEvent {
            user: Name::New(row.user),
            item: Name::New(row.item),
            kind: row.kind,
            value: row.value,
            time: row.time,
            scene: row.scene.map(Name::New),
        };
        self.add_named_event(part, &event).map(|_| ())
    }

    /// Adds an event and gives back the numbers of its names.
    pub(crate) fn add_named_event(
        &mut self,
        part: Part,
        event: &NamedEvent<'_>,
    ) -> Result<EventNumbers, BadField> {
        let user = looked_up(event.user, |name| self.users.find(name));
        let item = looked_up(event.item, |name| self.catalogue.find(name).map(|item| item.0));
        let scene = event.scene.map(|name| looked_up(name, |name| self.scenes.find(name)));
        if let Name::New(user) = user {
            field::check_id("user", user)?;
        }
        if let Name::New(item) = item {
            field::check_id("item", item)?;
        }
        if let Some(Name::New(scene)) = scene {
            field::check_id("scene", scene)?;
            if self.scenes.len() >= SCENES_MAX {
                let expected = format!("at most {SCENES_MAX} scenes");
                return Err(BadField::new("scene", expected, scene));
            }
        }
        let numbers = EventNumbers {
            user: number(user, |name| self.users.intern(name)),
            item: number(item, |name| {
                let ItemFacts { id, title, author, published, available, expires, .. } =
                    ItemFacts::bare(name);
                let row = ItemRow { id, title, tags: &[], author, published, available, expires };
                self.catalogue.add_row(&row).expect("the id is new and was checked").0
            }),
            scene: scene.map(|scene| number(scene, |name| self.scenes.intern(name))),
        };
        let NamedEvent { kind, value, time, .. } = *event;
        let scene = numbers.scene.map(|scene| SceneIndex(scene as u8));
        let events = self.part(part);
        events.users.push(UserIndex(numbers.user));
        let item = ItemIndex(numbers.item);
        events.interactions.push(Interaction { item, kind, value, time, scene });
        Ok(numbers)
    }

    /// Number of events of the main part.
    pub(crate) fn event_count(&self) -> usize {
        self.events.users.len()
    }

    /// Renumbers items, users and scenes in natural order of their names and sorts the events.
    pub(crate) fn finish(self, name: &str, kinds: EventKinds, ties: Ties) -> Dataset {
        let Self { catalogue, users, user_fields, scenes, mut events, mut test_events, .. } = self;
        let item_order =
            natural_positions(catalogue.len(), |at| catalogue.id(ItemIndex(at as u32)));
        let user_order = natural_positions(users.len(), |at| users.get(at as u32));
        let scene_order = natural_positions(scenes.len(), |at| scenes.get(at as u32));
        let (item_ranks, user_ranks) = (ranks(&item_order), ranks(&user_order));
        let scene_ranks = ranks(&scene_order);
        for events in std::iter::once(&mut events).chain(&mut test_events) {
            for user in &mut events.users {
                user.0 = user_ranks[user.at()];
            }
            for event in &mut events.interactions {
                event.item.0 = item_ranks[event.item.at()];
                let rank = |scene: SceneIndex| scene_ranks[usize::from(scene.0)] as u8;
                event.scene = event.scene.map(|scene| SceneIndex(rank(scene)));
            }
        }
        drop((item_ranks, user_ranks));
        let in_order = |order: &[u32]| order.is_sorted();
        let catalogue = match in_order(&item_order) {
            true => catalogue.finish(),
            false => catalogue.finish_in_order(&item_order),
        };
        drop(item_order);
        let (users, user_fields) = match in_order(&user_order) {
            true => (users, user_fields),
            false => {
                let sorted = user_order.iter().map(|at| users.get(*at)).collect();
                (sorted, user_fields.in_order(&user_order))
            }
        };
        let events = arrange(events, users.len(), ties);
        Dataset {
            name: name.to_owned(),
            catalogue: Arc::new(catalogue),
            users: Arc::new(users),
            user_fields: Arc::new(user_fields),
            scenes: scene_order.iter().map(|at| scenes.get(*at).to_owned()).collect(),
            kinds,
            test_events: test_events.map(|test| arrange(test, user_order.len(), ties)),
            events,
        }
    }
}

fn looked_up<'a>(name: Name<'a>, find: impl FnOnce(&str) -> Option<u32>) -> Name<'a> {
    match name {
        Name::New(text) => find(text).map_or(name, Name::Known),
        known => known,
    }
}

fn number(name: Name<'_>, intern: impl FnOnce(&str) -> u32) -> u32 {
    match name {
        Name::Known(number) => number,
        Name::New(text) => intern(text),
    }
}

fn check_cells(fields: &FieldTable, cells: &[(FieldIndex, FieldCell<'_>)]) -> Result<(), BadField> {
    for (field, cell) in cells {
        match cell {
            FieldCell::Text(text) if !(1..=256).contains(&text.len()) => {
                return Err(BadField::new(fields.name(*field), "text of 1 to 256 bytes", text));
            }
            FieldCell::Number(number) if !number.is_finite() => {
                let found = number.to_string();
                return Err(BadField::new(fields.name(*field), "a finite number", &found));
            }
            _ => {}
        }
    }
    Ok(())
}

fn set_cells(fields: &mut FieldTable, row: usize, cells: &[(FieldIndex, FieldCell<'_>)]) {
    for (field, cell) in cells {
        let set = match cell {
            FieldCell::Text(text) => fields.set_text(*field, row, text),
            FieldCell::Number(number) => fields.set_number(*field, row, *number),
        };
        set.expect("checked, and of the type that its reader gave the field");
    }
}

fn check_values(fields: &FieldTable, values: &[(String, FieldValue)]) -> Result<(), BadField> {
    fields.check(values).map_err(|error| BadField::new("", error.to_string(), ""))
}

fn set_values(fields: &mut FieldTable, row: usize, values: &[(String, FieldValue)]) {
    for (name, value) in values {
        fields.set(row, name, value).expect("checked before any was set");
    }
}
