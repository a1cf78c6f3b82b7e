//! What training may see.

use std::sync::Arc;

use gannet_core::{
    Catalogue, EventKinds, FieldTable, Interaction, SparseRows, StringTable, UserIndex,
};

use crate::dataset::{Dataset, Events};

/// What training may see: each user's events, oldest first (file order among equal times, events
/// without a time before all others).
#[derive(Debug, Clone)]
pub struct TrainSet {
    catalogue: Arc<Catalogue>,
    users: Arc<StringTable>,
    user_fields: Arc<FieldTable>,
    scenes: Arc<[String]>,
    kinds: EventKinds,
    offsets: Vec<u64>,
    events: Vec<Interaction>,
}

impl TrainSet {
    /// All events of a data set, for the model that serves; a test file's are left out.
    pub fn whole(dataset: &Dataset) -> Self {
        let (offsets, events) = by_user(dataset.users.len(), &dataset.events);
        Self {
            catalogue: Arc::clone(&dataset.catalogue),
            users: Arc::clone(&dataset.users),
            user_fields: Arc::clone(&dataset.user_fields),
            scenes: dataset.scenes.clone().into(),
            kinds: dataset.kinds.clone(),
            offsets,
            events,
        }
    }

    /// The items.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The users' ids, by index; some may have no events here.
    pub fn users(&self) -> &Arc<StringTable> {
        &self.users
    }

    /// What is known of the users: row `i` is the user of index `i`.
    pub fn user_fields(&self) -> &Arc<FieldTable> {
        &self.user_fields
    }

    /// The scenes that events name, by `SceneIndex`.
    pub fn scenes(&self) -> &[String] {
        &self.scenes
    }

    /// The kinds of events.
    pub fn kinds(&self) -> &EventKinds {
        &self.kinds
    }

    /// Number of users, those without events included.
    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    /// Number of items of the catalogue, those without events included.
    pub fn item_count(&self) -> usize {
        self.catalogue.len()
    }

    /// Number of events.
    pub fn event_count(&self) -> usize {
        self.events.len()
    }

    /// A user's events, oldest first. Panics for an index of another generation.
    pub fn events(&self, user: UserIndex) -> &[Interaction] {
        &self.events[self.offsets[user.at()] as usize..self.offsets[user.at() + 1] as usize]
    }

    /// All events, user by user.
    pub fn all_events(&self) -> &[Interaction] {
        &self.events
    }

    /// Where each user's events begin in [`TrainSet::all_events`], and the end of the last.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// Users by items, the value the strongest positive strength of any of the pair's events;
    /// columns ascending. Pairs without a positive event are left out.
    pub fn positives(&self) -> SparseRows {
        let rows = (0..self.users.len() as u32).map(|user| {
            let mut row: Vec<(u32, f32)> = self
                .events(UserIndex(user))
                .iter()
                .map(|event| (event.item.0, self.kinds.strength(event.kind, event.value)))
                .filter(|(_, strength)| *strength > 0.0)
                .collect();
            row.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
            row.dedup_by_key(|entry| entry.0);
            row
        });
        SparseRows::from_rows(self.catalogue.len() as u32, rows)
    }

    /// Other events of the same users and items.
    pub(super) fn sibling(&self, events: &Events) -> Self {
        let (offsets, events) = by_user(self.users.len(), events);
        Self { offsets, events, ..self.without_events() }
    }

    /// The events at the positions that `keep` takes, in the same order.
    pub(super) fn part(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut part = self.without_events();
        for ends in self.offsets.windows(2) {
            let kept = (ends[0] as usize..ends[1] as usize).filter(|at| keep(*at));
            part.events.extend(kept.map(|at| self.events[at]));
            part.offsets.push(part.events.len() as u64);
        }
        part
    }

    fn without_events(&self) -> Self {
        Self {
            catalogue: Arc::clone(&self.catalogue),
            users: Arc::clone(&self.users),
            user_fields: Arc::clone(&self.user_fields),
            scenes: Arc::clone(&self.scenes),
            kinds: self.kinds.clone(),
            offsets: vec![0],
            events: Vec::new(),
        }
    }
}

/// Events by user, each user's by time; both sorts keep the file's order.
fn by_user(user_count: usize, events: &Events) -> (Vec<u64>, Vec<Interaction>) {
    let mut offsets = vec![0u64; user_count + 1];
    for user in &events.users {
        offsets[user.at() + 1] += 1;
    }
    for at in 0..user_count {
        offsets[at + 1] += offsets[at];
    }
    let Some(any) = events.interactions.first() else { return (offsets, Vec::new()) };
    let mut next = offsets.clone();
    let mut sorted = vec![*any; events.interactions.len()];
    for (user, event) in events.users.iter().zip(&events.interactions) {
        sorted[next[user.at()] as usize] = *event;
        next[user.at()] += 1;
    }
    for ends in offsets.windows(2) {
        let own = &mut sorted[ends[0] as usize..ends[1] as usize];
        if !own.is_sorted_by_key(|event| event.time) {
            own.sort_by_key(|event| event.time);
        }
    }
    (offsets, sorted)
}
