//! The users that ask: some of the snapshot's, made as heavy as is wanted before the clock starts.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use gannet_core::{ItemIndex, ModelName, Timestamp, UserId, UserIndex};
use gannet_models::{Model, Snapshot};
use gannet_retrieval::{
    ItemSet, KeySet, RawRequest, SET_MAX, SetEntry, SetKind, SnapshotUsers, UserRecord, UserSets,
    UserState,
};

use super::draw::Draw;

/// How much each asking user has; 0: what the snapshot knows of him.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weight {
    pub(super) consumed: usize,
    pub(super) blocked_authors: usize,
}

/// Stands between the engine and the snapshot's users: a record is made once and shared, as a
/// server does for a user whom it has met before.
pub(super) struct AskingUsers {
    records: HashMap<UserId, Arc<UserRecord>>,
    asking: Vec<UserId>,
    /// The last moment of the data: that of all requests, as when a service has just taken it over.
    pub(super) now: Timestamp,
}

/// The span over which made-up consumption lies, so that windows cut into it.
const CONSUMED_DAYS: usize = 365;
const DAY_MS: i64 = 86_400_000;

impl AskingUsers {
    /// Makes the records of at most `count` users, spread over all of them.
    pub(super) fn new(
        snapshot: &Arc<Snapshot>,
        count: usize,
        weight: Weight,
        seed: u64,
    ) -> Result<Self> {
        let users = snapshot.histories.len();
        if users == 0 {
            bail!("the snapshot has no users to ask for");
        }
        if count == 0 {
            bail!("--users: expected at least 1");
        }
        check(snapshot, weight)?;
        let last = |user| snapshot.histories.events(user).last().and_then(|event| event.time);
        let now = (0..users as u32).filter_map(|user| last(UserIndex(user))).max();
        let now = now.unwrap_or(Timestamp(0));
        let known = SnapshotUsers::new(snapshot.clone());
        let popular = popular(snapshot);
        let mut random = Draw::new(seed);
        let (count, mut records) = (count.min(users), HashMap::new());
        let mut asking = Vec::with_capacity(count);
        for at in 0..count {
            let user = UserIndex((at as u64 * users as u64 / count as u64) as u32);
            let id = UserId::new(snapshot.histories.id(user))?;
            let record = known.user(&id, now).context("a user of the snapshot is known")?;
            let heavy = heavier(&record, snapshot, &popular, weight, now, &mut random);
            records.insert(id.clone(), Arc::new(heavy));
            asking.push(id);
        }
        Ok(Self { records, asking, now })
    }

    pub(super) fn len(&self) -> usize {
        self.asking.len()
    }

    /// The request of a number; user state must not learn of it, or sets would grow as it is run.
    pub(super) fn request(&self, at: usize) -> RawRequest {
        // A prime stride: neighbours in the snapshot do not ask one after the other.
        let user = &self.asking[at.wrapping_mul(7_919) % self.asking.len()];
        RawRequest { user: Some(user.clone()), dry_run: true, ..RawRequest::default() }
    }
}

impl UserState for AskingUsers {
    fn user(&self, user: &UserId, _now: Timestamp) -> Option<Arc<UserRecord>> {
        self.records.get(user).cloned()
    }
}

fn check(snapshot: &Snapshot, weight: Weight) -> Result<()> {
    let (items, authors) = (snapshot.catalogue.len(), snapshot.catalogue.author_count());
    if weight.consumed > SET_MAX {
        bail!("--consumed: user state keeps at most {SET_MAX} items, not {}", weight.consumed);
    }
    if weight.consumed > items / 2 {
        bail!("--consumed: expected at most half of the {items} items, not {}", weight.consumed);
    }
    if weight.blocked_authors > authors / 2 {
        bail!(
            "--blocked-authors: expected at most half of the {authors} authors, not {}",
            weight.blocked_authors
        );
    }
    Ok(())
}

/// The items in order of popularity; as they come where the snapshot has no such model.
fn popular(snapshot: &Snapshot) -> Vec<ItemIndex> {
    let usual = ModelName::new("popularity").ok();
    match usual.and_then(|name| snapshot.models.get(&name)) {
        Some(Model::Popularity(model)) => model.order().to_vec(),
        _ => snapshot.catalogue.indices().collect(),
    }
}

/// The record with more consumed items and blocked authors. Half of the items are of the ten times
/// as many most popular ones: people consume what channels propose, and what is at the head of
/// every list costs the longest walks. The other half is from anywhere.
fn heavier(
    record: &UserRecord,
    snapshot: &Snapshot,
    popular: &[ItemIndex],
    weight: Weight,
    now: Timestamp,
    random: &mut Draw,
) -> UserRecord {
    let settled = &record.sets.settled;
    let items = snapshot.catalogue.len();
    let mut entries: Vec<SetEntry> = settled.iter().collect();
    let mut seen: std::collections::HashSet<ItemIndex> = settled.of(SetKind::Consumed).collect();
    let head = (weight.consumed * 10).clamp(1, items);
    while seen.len() < weight.consumed {
        let item = match random.coin() {
            true => popular[random.below(head)],
            false => ItemIndex(random.below(items) as u32),
        };
        if seen.insert(item) {
            let days = random.below(CONSUMED_DAYS) as i64;
            let time = Some(Timestamp((now.0 - days * DAY_MS).max(0)));
            entries.push(SetEntry { item, kind: SetKind::Consumed, time });
        }
    }
    let mut authors: std::collections::BTreeSet<u32> = record.sets.blocked_authors.iter().collect();
    while authors.len() < weight.blocked_authors {
        authors.insert(random.below(snapshot.catalogue.author_count()) as u32);
    }
    let sets = UserSets {
        settled: Arc::new(ItemSet::new(entries)),
        blocked_authors: Arc::new(KeySet::new(authors.into_iter().collect())),
        ..record.sets.clone()
    };
    UserRecord::new(record.index, record.history.clone(), sets)
}
