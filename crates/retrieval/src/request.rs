//! A request as it was written, and as it is meant.

use std::sync::Arc;

use gannet_core::{ItemId, ItemIndex, ModelName, SceneName, Timestamp, UserId};

use crate::{EngineState, Filter, HistoryEntry};

/// One event that the caller sends along.
#[derive(Debug, Clone, PartialEq)]
pub struct RawHistoryEntry {
    /// The item; one that this generation does not know is ignored and counted.
    pub item: ItemId,
    /// The kind of event; absent: the first kind.
    pub kind: Option<String>,
    /// Its value; absent: one that counts as positive.
    pub value: Option<f32>,
    /// When; absent: now.
    pub time: Option<Timestamp>,
}

/// A user vector of the caller's own tower.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryVector {
    /// The model whose item vectors it is to meet.
    pub model: ModelName,
    /// The version of that model; refused when it is not the snapshot's.
    pub version: String,
    /// Its values.
    pub values: Vec<f32>,
}

/// A request as it was written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawRequest {
    /// The user, whose history and sets come from user state.
    pub user: Option<UserId>,
    /// The place; absent: the first scene configured.
    pub scene: Option<SceneName>,
    /// Events newer than user state knows, oldest first.
    pub history: Vec<RawHistoryEntry>,
    /// Items never to be shown to this user.
    pub blocked: Vec<ItemId>,
    /// Vectors of the caller's own towers.
    pub vectors: Vec<QueryVector>,
    /// What else the items must satisfy.
    pub filter: Option<Filter>,
    /// Candidates wanted; absent: the plan's handover size.
    pub size: Option<usize>,
    /// The moment that the request is made for; absent: the clock's.
    pub now: Option<Timestamp>,
    /// Whether every channel's whole list is wanted in the answer.
    pub keep_lists: bool,
}

/// Why a request was refused before any work was done.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct RequestError {
    /// The field at fault, as a path such as `vectors[0].values`.
    pub field: String,
    /// A word for machines, such as `unknown_scene`.
    pub code: &'static str,
    /// What was expected.
    pub why: String,
}

/// A checked request, bound to the generation that its indices belong to.
#[derive(Clone)]
pub struct Request {
    pub(crate) state: Arc<EngineState>,
    pub(crate) user: Option<UserId>,
    pub(crate) scene: SceneName,
    pub(crate) history: Vec<HistoryEntry>,
    pub(crate) blocked: Vec<ItemIndex>,
    pub(crate) vectors: Vec<QueryVector>,
    pub(crate) filter: Option<Filter>,
    pub(crate) size: Option<usize>,
    pub(crate) now: Timestamp,
    pub(crate) keep_lists: bool,
    /// History entries whose item this generation does not know.
    pub(crate) unknown_items: usize,
}

impl Request {
    /// Checks every field against one generation; `now` stands in where the request names none.
    pub fn check(
        raw: RawRequest,
        state: Arc<EngineState>,
        now: Timestamp,
    ) -> Result<Self, RequestError> {
        let _ = (raw, state, now);
        todo!()
    }
}
