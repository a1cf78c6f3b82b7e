//! What training may see.

use std::sync::Arc;

use gannet_core::{
    Catalogue, EventKinds, FieldTable, Interaction, SparseRows, SparseRowsBuilder, StringTable,
    UserIndex,
};
use rayon::prelude::*;

use crate::dataset::{Dataset, Events};

/// Users whose rows are made before they join the matrix.
const BLOCK: usize = 1 << 16;

/// What training may see: each user's events, oldest first (file order among equal times, events
/// without a time before all others).
#[derive(Debug, Clone)]
pub struct TrainSet {
    catalogue: Arc<Catalogue>,
    users: Arc<StringTable>,
    user_fields: Arc<FieldTable>,
    scenes: Arc<[String]>,
    kinds: EventKinds,
    offsets: Arc<Vec<u64>>,
    events: Arc<Vec<Interaction>>,
}

impl TrainSet {
    /// All events of a data set, for the model that serves; a test file's are left out.
    pub fn whole(dataset: &Dataset) -> Self {
        Self::of(dataset, by_user(dataset.users.len(), &dataset.events))
    }

    /// [`TrainSet::whole`] of a data set that nobody needs any more: events that are in order
    /// already, as those of a stored data set are, are not copied.
    pub fn whole_of(mut dataset: Dataset) -> Self {
        let Events { users, interactions } = std::mem::take(&mut dataset.events);
        let sorted = (1..users.len()).all(|at| {
            let (earlier, later) = (at - 1, at);
            let times = (interactions[earlier].time, interactions[later].time);
            users[earlier] < users[later] || users[earlier] == users[later] && times.0 <= times.1
        });
        let ordered = match sorted {
            true => (user_offsets(dataset.users.len(), &users), interactions),
            false => by_user(dataset.users.len(), &Events { users, interactions }),
        };
        Self::of(&dataset, ordered)
    }

    fn of(dataset: &Dataset, (offsets, events): (Vec<u64>, Vec<Interaction>)) -> Self {
        Self {
            catalogue: Arc::clone(&dataset.catalogue),
            users: Arc::clone(&dataset.users),
            user_fields: Arc::clone(&dataset.user_fields),
            scenes: dataset.scenes.clone().into(),
            kinds: dataset.kinds.clone(),
            offsets: Arc::new(offsets),
            events: Arc::new(events),
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

    /// The events and the offsets for somebody who keeps them: shared, not copied.
    pub fn shared_events(&self) -> (Arc<Vec<u64>>, Arc<Vec<Interaction>>) {
        (Arc::clone(&self.offsets), Arc::clone(&self.events))
    }

    /// Where each user's events begin in [`TrainSet::all_events`], and the end of the last.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// Users by items, the value the strongest positive strength of any of the pair's events;
    /// columns ascending. Pairs without a positive event are left out.
    pub fn positives(&self) -> SparseRows {
        self.newest_positives(usize::MAX)
    }

    /// [`TrainSet::positives`] of each user's newest `items_max` positive items, by their last
    /// positive event: what compares everything that a user liked with everything else he liked
    /// costs the square of it, and one user of a million events would cost more than all others.
    pub fn newest_positives(&self, items_max: usize) -> SparseRows {
        let users = self.users.len();
        let (width, events) = (self.catalogue.len() as u32, self.events.len());
        let mut rows = SparseRowsBuilder::with_capacity(width, users, events);
        // Blocks, so that what is held twice stays small.
        for block in (0..users as u32).step_by(BLOCK) {
            let end = (block + BLOCK as u32).min(users as u32);
            let liked: Vec<Vec<(u32, f32)>> = (block..end)
                .into_par_iter()
                .with_min_len(256)
                .map(|user| self.newest_positives_of(UserIndex(user), items_max))
                .collect();
            liked.into_iter().for_each(|row| rows.push_row(row));
        }
        rows.finish()
    }

    fn newest_positives_of(&self, user: UserIndex, items_max: usize) -> Vec<(u32, f32)> {
        let events = self.events(user).iter().enumerate();
        let strength = |event: &Interaction| self.kinds.strength(event.kind, event.value);
        let mut liked: Vec<(u32, f32, usize)> = events
            .map(|(at, event)| (event.item.0, strength(event), at))
            .filter(|(_, strength, _)| *strength > 0.0)
            .collect();
        // By item, the newest event first; the strongest of an item's is then put into it.
        liked.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.2.cmp(&a.2)));
        liked.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 = kept.1.max(later.1);
            }
            same
        });
        if liked.len() > items_max {
            liked.select_nth_unstable_by(items_max, |a, b| b.2.cmp(&a.2));
            liked.truncate(items_max);
            liked.sort_unstable_by_key(|(item, _, _)| *item);
        }
        liked.into_iter().map(|(item, strength, _)| (item, strength)).collect()
    }

    /// Other events of the same users and items.
    pub(super) fn sibling(&self, events: &Events) -> Self {
        let (offsets, events) = by_user(self.users.len(), events);
        self.with_events(offsets, events)
    }

    /// The events at the positions that `keep` takes, in the same order.
    pub(super) fn part(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut offsets = Vec::with_capacity(self.offsets.len());
        let mut events = Vec::with_capacity((0..self.events.len()).filter(|at| keep(*at)).count());
        offsets.push(0);
        for ends in self.offsets.windows(2) {
            let kept = (ends[0] as usize..ends[1] as usize).filter(|at| keep(*at));
            events.extend(kept.map(|at| self.events[at]));
            offsets.push(events.len() as u64);
        }
        self.with_events(offsets, events)
    }

    fn with_events(&self, offsets: Vec<u64>, events: Vec<Interaction>) -> Self {
        Self {
            catalogue: Arc::clone(&self.catalogue),
            users: Arc::clone(&self.users),
            user_fields: Arc::clone(&self.user_fields),
            scenes: Arc::clone(&self.scenes),
            kinds: self.kinds.clone(),
            offsets: Arc::new(offsets),
            events: Arc::new(events),
        }
    }
}

/// Where each user's events begin among events by user, and the end of the last.
fn user_offsets(user_count: usize, users: &[UserIndex]) -> Vec<u64> {
    let mut offsets = vec![0u64; user_count + 1];
    for user in users {
        offsets[user.at() + 1] += 1;
    }
    for at in 0..user_count {
        offsets[at + 1] += offsets[at];
    }
    offsets
}

/// Events by user, each user's by time; both sorts keep the file's order.
fn by_user(user_count: usize, events: &Events) -> (Vec<u64>, Vec<Interaction>) {
    let offsets = user_offsets(user_count, &events.users);
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
