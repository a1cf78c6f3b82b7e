//! The one normal form of every data set: a catalogue, users, kinds and events in columns.

use std::sync::Arc;

use gannet_core::{Catalogue, EventKinds, FieldTable, Interaction, StringTable, UserIndex};

/// As many scenes as a [`gannet_core::SceneIndex`] can name.
pub(crate) const SCENES_MAX: usize = 255;

/// Events in columns, in file order (the order that breaks ties of time).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Events {
    /// Who.
    pub users: Vec<UserIndex>,
    /// What.
    pub interactions: Vec<Interaction>,
}

/// A checked data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The name by which reports call it.
    pub name: String,
    /// The items.
    pub catalogue: Arc<Catalogue>,
    /// The users' ids, by [`UserIndex`].
    pub users: Arc<StringTable>,
    /// What is known of the users: row `i` is the user of index `i`.
    pub user_fields: Arc<FieldTable>,
    /// The scenes that events name, by `SceneIndex`.
    pub scenes: Vec<String>,
    /// The kinds of its events.
    pub kinds: EventKinds,
    /// The events.
    pub events: Events,
    /// Events that were published as a test file of their own: what `SplitKind::Fixed` holds out.
    pub test_events: Option<Events>,
}
