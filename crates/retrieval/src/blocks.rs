//! What a user blocked, until he says otherwise: by name outside, by index within a generation.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use gannet_core::{Catalogue, ItemIndex, TagPath, UserId};

use crate::request::{check_length, check_name, refuse};
use crate::{ApplyError, Engine, EngineState, KeySet, RequestError};

/// What can be blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// Items.
    Item,
    /// Authors: all of their items.
    Author,
    /// Tags, and all below them.
    Tag,
}

impl BlockKind {
    /// Every kind.
    pub const ALL: [BlockKind; 3] = [BlockKind::Item, BlockKind::Author, BlockKind::Tag];

    /// The word for one and for several of them, and that for one that nobody knows.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            BlockKind::Item => ("item", "items", "unknown_item"),
            BlockKind::Author => ("author", "authors", "unknown_author"),
            BlockKind::Tag => ("tag", "tags", "unknown_tag"),
        }
    }

    fn find(self, catalogue: &Catalogue, name: &str) -> Option<u32> {
        match self {
            BlockKind::Item => catalogue.find(name).map(|item| item.0),
            BlockKind::Author => catalogue.find_author(name),
            BlockKind::Tag => catalogue.find_tag(name),
        }
    }

    fn name(self, catalogue: &Catalogue, key: u32) -> &str {
        match self {
            BlockKind::Item => catalogue.id(ItemIndex(key)),
            BlockKind::Author => catalogue.author_name(key),
            BlockKind::Tag => catalogue.tag_name(key),
        }
    }

    /// The name as a catalogue has it.
    fn plain(self, name: &str) -> String {
        match TagPath::new(name) {
            Ok(tag) if self == BlockKind::Tag => tag.as_str().to_owned(),
            _ => name.to_owned(),
        }
    }
}

/// Items, authors and tags by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockNames {
    /// Ids of items.
    pub items: Vec<String>,
    /// Authors.
    pub authors: Vec<String>,
    /// Tags, as paths.
    pub tags: Vec<String>,
}

impl BlockNames {
    fn of(&self, kind: BlockKind) -> &[String] {
        match kind {
            BlockKind::Item => &self.items,
            BlockKind::Author => &self.authors,
            BlockKind::Tag => &self.tags,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Blocked {
    keys: Arc<KeySet>,
    /// Names that this generation does not know: a later one may.
    absent: BTreeSet<String>,
}

impl Default for Blocked {
    fn default() -> Self {
        Self { keys: shared(Vec::new()), absent: BTreeSet::new() }
    }
}

impl Blocked {
    fn len(&self) -> usize {
        self.keys.len() + self.absent.len()
    }
}

/// What a user with blocks takes beside them, in names.
const USER_COST: usize = 10;

/// Most users block nothing of some kind: all of them share one empty set.
fn shared(keys: Vec<u32>) -> Arc<KeySet> {
    static NONE: LazyLock<Arc<KeySet>> = LazyLock::new(Arc::default);
    match keys.is_empty() {
        true => NONE.clone(),
        false => Arc::new(KeySet::new(keys)),
    }
}

/// What a user blocked, in the indices of one generation. Immutable.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserBlocks([Blocked; 3]);

impl UserBlocks {
    /// These names in this catalogue; those that it does not have are kept for a later one.
    pub fn of_names(names: &BlockNames, catalogue: &Catalogue) -> Self {
        Self(BlockKind::ALL.map(|kind| {
            let (mut keys, mut absent) = (Vec::new(), BTreeSet::new());
            for name in names.of(kind).iter().map(|name| kind.plain(name)) {
                match kind.find(catalogue, &name) {
                    Some(key) => keys.push(key),
                    None => drop(absent.insert(name)),
                }
            }
            Blocked { keys: shared(keys), absent }
        }))
    }

    /// Authors and tags by their positions in the catalogue.
    pub fn of_keys(authors: &[u32], tags: &[u32]) -> Self {
        Self([&[], authors, tags].map(|keys| {
            let keys = shared(keys.to_vec());
            Blocked { keys, absent: BTreeSet::new() }
        }))
    }

    /// Their names, in order.
    pub fn names(&self, catalogue: &Catalogue) -> BlockNames {
        let [items, authors, tags] = BlockKind::ALL.map(|kind| {
            let blocked = &self.0[kind as usize];
            let known = blocked.keys.iter().map(|key| kind.name(catalogue, key).to_owned());
            let mut names: Vec<String> = known.chain(blocked.absent.iter().cloned()).collect();
            names.sort_unstable();
            names
        });
        BlockNames { items, authors, tags }
    }

    /// The same in another catalogue.
    pub(crate) fn moved(&self, before: &Catalogue, now: &Catalogue) -> Self {
        Self::of_names(&self.names(before), now)
    }

    /// Positions in the catalogue.
    pub fn keys(&self, kind: BlockKind) -> &Arc<KeySet> {
        &self.0[kind as usize].keys
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(Blocked::len).sum()
    }

    /// What keeping them takes, in names of about 30 bytes: a user who blocked one thing takes as
    /// much as ten more would.
    pub(crate) fn cost(&self) -> usize {
        match self.len() {
            0 => 0,
            names => names + USER_COST,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// These and more.
    pub fn with(&self, more: &Self) -> Self {
        self.combined(more, |mine, more| {
            let keys = mine.keys.iter().chain(more.keys.iter()).collect();
            let absent = mine.absent.union(&more.absent).cloned().collect();
            Blocked { keys: shared(keys), absent }
        })
    }

    /// These but some.
    pub fn without(&self, less: &Self) -> Self {
        self.combined(less, |mine, less| {
            let keys = mine.keys.iter().filter(|key| !less.keys.contains(*key)).collect();
            let absent = mine.absent.difference(&less.absent).cloned().collect();
            Blocked { keys: shared(keys), absent }
        })
    }

    fn combined(&self, other: &Self, combine: impl Fn(&Blocked, &Blocked) -> Blocked) -> Self {
        Self(BlockKind::ALL.map(|kind| combine(&self.0[kind as usize], &other.0[kind as usize])))
    }
}

impl Engine {
    /// What a user blocked, by name.
    pub fn blocks(&self, user: &UserId) -> BlockNames {
        let state = self.state();
        state.users.blocks(user).names(&state.snapshot.catalogue)
    }

    /// Blocks items, authors and tags for a user until they are unblocked, over reloads and other
    /// snapshots; returns what he has blocked then. A name that this generation does not know is
    /// refused, and nothing has changed.
    pub fn block(&self, user: &UserId, names: &BlockNames) -> Result<BlockNames, RequestError> {
        let state = self.state();
        check(names, &state, &UserBlocks::default())?;
        change(user, names, &state, true)
    }

    /// The opposite; what was not blocked stays so. Names that an earlier generation knew can be
    /// unblocked too. A dislike that was told as an event is no block and stays.
    pub fn unblock(&self, user: &UserId, names: &BlockNames) -> Result<BlockNames, RequestError> {
        let state = self.state();
        check(names, &state, &state.users.blocks(user))?;
        change(user, names, &state, false)
    }
}

/// Every name is known to the catalogue, or was when it was blocked.
fn check(names: &BlockNames, state: &EngineState, had: &UserBlocks) -> Result<(), RequestError> {
    let catalogue = &state.snapshot.catalogue;
    for kind in BlockKind::ALL {
        let names = names.of(kind);
        let (one, several, unknown) = kind.words();
        check_length(several, names.len())?;
        for (at, name) in names.iter().enumerate() {
            let field = format!("{several}[{at}]");
            check_name(&field, Some(name))?;
            let plain = kind.plain(name);
            if kind.find(catalogue, &plain).is_none()
                && !had.0[kind as usize].absent.contains(&plain)
            {
                let why = format!("snapshot {} has no such {one}", state.snapshot.version);
                return Err(refuse(field, unknown, why));
            }
        }
    }
    Ok(())
}

fn change(
    user: &UserId,
    names: &BlockNames,
    state: &EngineState,
    is_blocked: bool,
) -> Result<BlockNames, RequestError> {
    let catalogue = &state.snapshot.catalogue;
    let change = UserBlocks::of_names(names, catalogue);
    let changed = state.users.change_blocks(user, &change, is_blocked);
    let now = changed.map_err(|error| {
        let code = match error {
            ApplyError::TooManyBlocks(_) | ApplyError::BlocksFull(_) => "too_many",
            _ => "not_applied",
        };
        refuse("", code, error.to_string())
    })?;
    Ok(now.names(catalogue))
}
