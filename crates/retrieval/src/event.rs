//! Events as they come in from outside: checked as a whole batch, then applied.

use gannet_core::{ItemId, SceneName, Timestamp, UserId};

use crate::request::{check_event, refuse};
use crate::{Engine, EngineState, RawHistoryEntry, RequestError, UserEvent};

/// The most events of a batch.
pub const EVENTS_MAX: usize = 10_000;

/// One event as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct RawEvent {
    /// The user; one never heard of is legal.
    pub user: UserId,
    /// The item; one that this generation does not know is refused.
    pub item: ItemId,
    /// The kind of event; absent: the first kind.
    pub kind: Option<String>,
    /// Its value; absent: one that counts as positive.
    pub value: Option<f32>,
    /// When; absent: now.
    pub time: Option<Timestamp>,
    /// Where it happened, as configured; absent: not said.
    pub scene: Option<SceneName>,
}

impl Engine {
    /// Checks all events against the current generation, then applies all of them to user state:
    /// the users' next requests see them. An error names the first event at fault, and nothing has
    /// been applied.
    pub fn apply(&self, events: Vec<RawEvent>) -> Result<usize, RequestError> {
        let state = self.state();
        let events = check(events, &state, self.now())?;
        for (at, event) in events.iter().enumerate() {
            let applied = state.users.apply(event);
            applied.map_err(|error| {
                refuse(format!("events[{at}]"), "not_applied", error.to_string())
            })?;
        }
        Ok(events.len())
    }
}

fn check(
    events: Vec<RawEvent>,
    state: &EngineState,
    now: Timestamp,
) -> Result<Vec<UserEvent>, RequestError> {
    if events.len() > EVENTS_MAX {
        let why = format!("expected at most {EVENTS_MAX} entries, these are {}", events.len());
        return Err(refuse("events", "too_many", why));
    }
    let mut checked = Vec::with_capacity(events.len());
    for (at, event) in events.into_iter().enumerate() {
        let path = format!("events[{at}]");
        if let Some(scene) = &event.scene
            && !state.plans.scenes().any(|known| known == scene)
        {
            let known: Vec<&str> = state.plans.scenes().map(SceneName::as_str).collect();
            let why = format!("unknown scene {scene}; known are {}", known.join(", "));
            return Err(refuse(format!("{path}.scene"), "unknown_scene", why));
        }
        let RawEvent { user, item, kind, value, time, .. } = event;
        let entry = RawHistoryEntry { item, kind, value, time };
        let Some(found) = check_event(&path, &entry, state, now)? else {
            let why = format!("snapshot {} has no such item", state.snapshot.version);
            return Err(refuse(format!("{path}.item"), "unknown_item", why));
        };
        let time = found.time.unwrap_or(now);
        let (item, kind, value) = (found.item, found.kind, found.value);
        checked.push(UserEvent { user, item, kind, value, time });
    }
    Ok(checked)
}
