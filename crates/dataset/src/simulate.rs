//! A catalogue and users made up from known interests: small for a demo, or of full size.
//!
//! A user likes a few leaves of the tag tree, moves from one mixture of them to another over the
//! span (drift), and has a taste in style that only an item's music hints at. Every event is a
//! place of a list that was shown to him in some scene. Whoever made the list knew him well, not
//! fully. He looks at the first places more than at the last; about half of the rows are
//! `exposure`s that he passed over, and of those that he looked at, two thirds are positive. What
//! is liked is met more often from then on, within bounds. Items are published all the time, and
//! some expire. What he truly prefers is known ([`TruePreference`]) and foretells him better than
//! anything that can be counted: a judge of recommendations that does not find so is at fault.
//!
//! Every item, user and session has random numbers of its own ([`chance`]), so that any of them
//! can be made alone, in any order, on any number of threads.

mod chance;
mod error;
mod events;
mod item;
mod market;
mod session;
mod shelf;
mod table;
mod tree;
mod truth;
mod user;
mod words;
mod write;

use std::convert::Infallible;
use std::sync::Arc;

use gannet_core::{
    CatalogueBuilder, EventKind, EventKinds, FieldTable, Interaction, ItemIndex, KindIndex, Marks,
    Progress, SceneIndex, StringTable, Timestamp, UserIndex,
};
use serde::{Deserialize, Serialize};

use crate::dataset::{Dataset, Events};
use events::Event;
use item::Items;
use session::SCENES;
use user::{Taste, user_id};

pub use error::{SimulationError, TruthMismatch};
pub use truth::{TasteAt, TruePreference};
pub use write::{SimulatedFiles, read_truth, write_simulation};
pub(crate) use write::{TRUTH, truth_of_text, truth_text};

const DAY_MS: i64 = 86_400_000;
/// A video is judged against at most so much of its length.
const LONG_MS: f64 = 18_000.0;
const POSITIVE_FROM: f32 = 0.5;
const NEGATIVE_BELOW: f32 = 0.2;
/// The kinds of events, by `KindIndex`.
const EXPOSURE: u8 = 0;
const WATCH: u8 = 1;
const LIKE: u8 = 2;
const DISLIKE: u8 = 3;

/// What to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulationOptions {
    /// Number of users, from 1.
    pub user_count: u32,
    /// Number of items, from 1.
    pub item_count: u32,
    /// Number of events (places of lists) in all; a user never meets more than a third of the
    /// items.
    pub event_count: u32,
    /// Length of the span in days, from 1 to 3,650.
    pub days: u32,
    /// Its beginning.
    pub start: Timestamp,
    /// Seed: the same options give the same data.
    pub seed: u64,
}

impl Default for SimulationOptions {
    /// A year of 2,000 users, 3,000 items and 240,000 events.
    fn default() -> Self {
        Self {
            user_count: 2_000,
            item_count: 3_000,
            event_count: 240_000,
            days: 365,
            start: Timestamp(1_704_067_200_000),
            seed: 1,
        }
    }
}

impl SimulationOptions {
    /// The most events that a user can have: a third of the items.
    pub fn events_a_user_max(&self) -> u32 {
        (self.item_count / 3).max(1)
    }

    /// Errors for what cannot be made.
    pub fn check(&self) -> Result<(), SimulationError> {
        let within = |field, found: u64, least: u64, most: u64| {
            let expected = format!("{least} to {most}");
            let option = SimulationError::Option { field, expected, found };
            if (least..=most).contains(&found) { Ok(()) } else { Err(option) }
        };
        within("items", u64::from(self.item_count), 1, 1 << 30)?;
        within("users", u64::from(self.user_count), 1, 1 << 30)?;
        within("days", u64::from(self.days), 1, 3_650)?;
        let possible = u64::from(self.user_count) * u64::from(self.events_a_user_max());
        within("events", u64::from(self.event_count), 1, possible)
    }
}

/// A simulated data set and the truth behind it.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// What an observer sees.
    pub dataset: Dataset,
    /// What he does not.
    pub truth: TruePreference,
}

/// The kinds of simulated events: `exposure` (shown and passed over), `watch` (value as
/// [`gannet_core::watch_share`] of 18 seconds has it: positive from 0.5, negative below 0.2: a
/// skip), `like` and `dislike`.
pub fn simulated_kinds() -> EventKinds {
    let kinds = vec![
        EventKind { marks: Marks::Exposed, ..EventKind::new("exposure", 0.0, None) },
        EventKind {
            negative_below: Some(NEGATIVE_BELOW),
            ..EventKind::new("watch", 1.0, Some(POSITIVE_FROM))
        },
        EventKind::new("like", 2.0, None),
        EventKind::new("dislike", -1.0, None),
    ];
    EventKinds::new(kinds).expect("four kinds of different names")
}

/// Makes a data set in memory, with events in order of user and time: the same items, users and
/// events as [`write_simulation`] writes, for small sizes (some 60 bytes an event).
///
/// Errors for options out of range.
pub fn simulate(
    options: &SimulationOptions,
    progress: &dyn Progress,
) -> Result<Simulation, SimulationError> {
    let truth = TruePreference::of(options)?;
    let items = truth.items();
    let mut catalogue = CatalogueBuilder::new();
    for item in 0..options.item_count {
        catalogue.add(&items.item(item)).expect("ids are numbered");
    }
    let mut made: Vec<Event> = Vec::new();
    let taken: Result<(), Infallible> = events::make(options, items, progress, |events| {
        made.extend(events);
        Ok(())
    });
    let Ok(()) = taken;
    made.sort_by_key(|event| event.user);
    let users = 0..options.user_count;
    let dataset = Dataset {
        name: "simulated".to_owned(),
        catalogue: Arc::new(catalogue.finish()),
        users: Arc::new(users.map(user_id).collect::<StringTable>()),
        user_fields: Arc::new(user_fields(options, items)),
        scenes: SCENES.map(str::to_owned).to_vec(),
        kinds: simulated_kinds(),
        events: Events {
            users: made.iter().map(|event| UserIndex(event.user)).collect(),
            interactions: made.iter().map(|event| interaction(event, options.start)).collect(),
        },
        test_events: None,
    };
    Ok(Simulation { dataset, truth })
}

fn interaction(event: &Event, start: Timestamp) -> Interaction {
    Interaction {
        item: ItemIndex(event.item),
        kind: KindIndex(event.kind),
        value: event.value,
        time: Some(Timestamp(start.0.saturating_add(event.time_ms))),
        scene: Some(SceneIndex(event.scene)),
    }
}

fn user_fields(options: &SimulationOptions, items: &Items) -> FieldTable {
    let mut fields = FieldTable::new();
    for user in 0..options.user_count {
        for (name, value) in Taste::new(items, options.seed, user).fields() {
            fields.set(user as usize, name, &value).expect("short texts");
        }
    }
    fields
}
