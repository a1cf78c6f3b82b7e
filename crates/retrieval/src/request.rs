//! A request as it was written, and as it is meant.

use std::sync::Arc;

use gannet_core::{
    ArmName, Interaction, ItemId, KindIndex, ModelName, SceneName, SegmentName, TagPath, Timestamp,
    UserId,
};
use gannet_models::Model;

use crate::config::COUNT_MAX;
use crate::user_state::entries_of;
use crate::{
    EngineState, FilterExpression, HistoryEntry, ItemSet, KeySet, Plan, Resolved, SetEntry,
    SetKind, UserProfile,
};

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
    /// The segment of users that he belongs to, as plans name it.
    pub segment: Option<String>,
    /// The arm of an experiment that he is in, as plans name it.
    pub arm: Option<String>,
    /// Items never to be shown to this user.
    pub blocked: Vec<ItemId>,
    /// Authors of whom nothing may be shown; unknown ones are ignored and counted.
    pub blocked_authors: Vec<String>,
    /// Tags of which nothing may be shown, nor of tags below them; unknown ones are ignored and
    /// counted.
    pub blocked_tags: Vec<String>,
    /// Items that were on the user's screen and of which user state does not know yet; they are
    /// within every window.
    pub exposed: Vec<ItemId>,
    /// Items that were answered to the user by somebody else; within every window.
    pub delivered: Vec<ItemId>,
    /// Vectors of the caller's own towers.
    pub vectors: Vec<QueryVector>,
    /// What else the items must satisfy, in the language of [`FilterExpression`].
    pub filter: Option<String>,
    /// Candidates wanted; absent: the plan's handover size.
    pub size: Option<usize>,
    /// The moment that the request is made for; absent: the clock's.
    pub now: Option<Timestamp>,
    /// Whether every channel's whole list is wanted in the answer.
    pub keep_lists: bool,
    /// Whether user state must not learn of this answer: evaluation, benchmarks, a look by hand.
    pub dry_run: bool,
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
    pub(crate) segment: Option<SegmentName>,
    pub(crate) arm: Option<ArmName>,
    pub(crate) history: Vec<HistoryEntry>,
    pub(crate) own: OwnSets,
    pub(crate) vectors: Vec<QueryVector>,
    pub(crate) filter: Option<Arc<FilterExpression>>,
    pub(crate) size: Option<usize>,
    pub(crate) now: Timestamp,
    /// What the clock said when it was admitted; `now` where it names no other moment.
    pub(crate) admitted: Timestamp,
    pub(crate) keep_lists: bool,
    pub(crate) dry_run: bool,
    /// History entries whose item this generation does not know.
    pub(crate) unknown_items: usize,
}

/// What the request itself says that the user may not see, beside user state.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OwnSets {
    pub(crate) items: Arc<ItemSet>,
    pub(crate) authors: Arc<KeySet>,
    pub(crate) tags: Arc<KeySet>,
    /// Names that this generation does not know.
    pub(crate) unknown_names: usize,
}

impl Request {
    /// Checks every field against one generation; `now` stands in where the request names none.
    pub fn check(
        raw: RawRequest,
        state: Arc<EngineState>,
        now: Timestamp,
    ) -> Result<Self, RequestError> {
        let admitted = now;
        let now = match raw.now {
            Some(asked) => check_time("now".to_owned(), asked)?,
            None => now,
        };
        let scene = check_scene(raw.scene.clone(), &state)?;
        let segment = check_segment(raw.segment.as_deref(), &state)?;
        let arm = check_arm(raw.arm.as_deref(), &scene, &state)?;
        let known = check_history(&raw.history, &state, now)?;
        let (history, own) = own_sets(&raw, &known, &state)?;
        check_vectors(&raw.vectors, &state)?;
        let filter = raw.filter.as_deref().map(|text| check_filter(text, &state)).transpose()?;
        if let Some(size) = raw.size.filter(|size| !(1..=COUNT_MAX).contains(size)) {
            let why = format!("expected 1 to {COUNT_MAX}, this is {size}");
            return Err(refuse("size", "out_of_range", why));
        }
        Ok(Self {
            user: raw.user,
            scene,
            segment,
            arm,
            unknown_items: raw.history.len() - known.len(),
            history,
            own,
            vectors: raw.vectors,
            filter,
            size: raw.size,
            now,
            admitted,
            keep_lists: raw.keep_lists,
            dry_run: raw.dry_run,
            state,
        })
    }

    /// What evaluation asks: the first scene, for one user at one moment, with every channel's
    /// list kept and user state left as it is.
    pub fn for_user(
        state: Arc<EngineState>,
        user: UserId,
        now: Timestamp,
    ) -> Result<Self, RequestError> {
        let user = Some(user);
        let raw = RawRequest { user, keep_lists: true, dry_run: true, ..RawRequest::default() };
        Self::check(raw, state, now)
    }

    /// The generation that its indices belong to.
    pub fn state(&self) -> &Arc<EngineState> {
        &self.state
    }

    /// The user.
    pub fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// The place.
    pub fn scene(&self) -> &SceneName {
        &self.scene
    }

    /// The request's own events on items that this generation knows, oldest first.
    pub fn history(&self) -> &[HistoryEntry] {
        &self.history
    }

    /// The segment that the request names, whatever is known of the user.
    pub fn segment(&self) -> Option<&SegmentName> {
        self.segment.as_ref()
    }

    /// The arm that the request names, whatever the experiment would give to the user.
    pub fn arm(&self) -> Option<&ArmName> {
        self.arm.as_ref()
    }

    /// Whether user state must not learn of the answer.
    pub fn dry_run(&self) -> bool {
        self.dry_run
    }

    /// Blocked, exposed and delivered items, authors and tags that were ignored because this
    /// generation does not know them.
    pub fn unknown_names(&self) -> usize {
        self.own.unknown_names
    }

    /// Vectors of the caller's own towers.
    pub fn vectors(&self) -> &[QueryVector] {
        &self.vectors
    }

    /// What else the items must satisfy.
    pub fn filter(&self) -> Option<&FilterExpression> {
        self.filter.as_deref()
    }

    /// Candidates wanted; `None`: the plan's handover size.
    pub fn size(&self) -> Option<usize> {
        self.size
    }

    /// The moment that the request is made for.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether every channel's whole list is wanted in the answer.
    pub fn keep_lists(&self) -> bool {
        self.keep_lists
    }

    /// History entries that were ignored because this generation does not know their item.
    pub fn unknown_items(&self) -> usize {
        self.unknown_items
    }

    /// What it runs: the plan of its scene, segment and arm, with the size that it asks for. The
    /// segment is the one that the request names, else the first configured whose conditions
    /// hold for the user; the arm the one that it names, else the one that the scene's experiment
    /// gives to the user.
    pub fn resolve(&self, profile: &UserProfile) -> Resolved {
        let state = &*self.state;
        let events = profile.history().len();
        let found = || state.segment_of(events, profile.index).cloned();
        let segment = self.segment.clone().or_else(found);
        let given = || state.plans.arm_of(&self.scene, self.user.as_ref()?).cloned();
        let arm = self.arm.clone().or_else(given);
        let plan = state.plans.resolve(&self.scene, segment.as_ref(), arm.as_ref());
        let plan = plan.expect("the scene was checked");
        let plan = match self.size {
            Some(handover) if handover != plan.handover => {
                Arc::new(Plan { handover, ..Plan::clone(plan) })
            }
            _ => plan.clone(),
        };
        Resolved { plan, segment, arm }
    }
}

/// The most entries of a list in a request.
const ENTRIES_MAX: usize = 10_000;

/// The year 10000: what is later is a mistaken unit.
const TIME_MAX: Timestamp = Timestamp(253_402_300_800_000);

pub(crate) fn refuse(
    field: impl Into<String>,
    code: &'static str,
    why: impl Into<String>,
) -> RequestError {
    RequestError { field: field.into(), code, why: why.into() }
}

pub(crate) fn check_length(field: &str, length: usize) -> Result<(), RequestError> {
    if length <= ENTRIES_MAX {
        return Ok(());
    }
    let why = format!("expected at most {ENTRIES_MAX} entries, these are {length}");
    Err(refuse(field, "too_many", why))
}

fn check_time(field: String, time: Timestamp) -> Result<Timestamp, RequestError> {
    if (Timestamp(0)..TIME_MAX).contains(&time) {
        return Ok(time);
    }
    let why = format!("expected milliseconds since 1970 before the year 10000, this is {}", time.0);
    Err(refuse(field, "out_of_range", why))
}

fn check_scene(scene: Option<SceneName>, state: &EngineState) -> Result<SceneName, RequestError> {
    let Some(scene) = scene else {
        let first = state.plans.scenes().next().expect("a checked configuration has a scene");
        return Ok(first.clone());
    };
    if state.plans.resolve(&scene, None, None).is_some() {
        return Ok(scene);
    }
    let known: Vec<&str> = state.plans.scenes().map(SceneName::as_str).collect();
    let why = format!("unknown scene {scene}; known are {}", known.join(", "));
    Err(refuse("scene", "unknown_scene", why))
}

fn check_segment(
    segment: Option<&str>,
    state: &EngineState,
) -> Result<Option<SegmentName>, RequestError> {
    let Some(name) = segment else { return Ok(None) };
    let known = || state.plans.segments();
    match known().find(|segment| segment.as_str() == name) {
        Some(segment) => Ok(Some(segment.clone())),
        None => {
            let known: Vec<&str> = known().map(SegmentName::as_str).collect();
            Err(unknown_name("segment", "unknown_segment", name, &known))
        }
    }
}

fn check_arm(
    arm: Option<&str>,
    scene: &SceneName,
    state: &EngineState,
) -> Result<Option<ArmName>, RequestError> {
    let Some(name) = arm else { return Ok(None) };
    match state.plans.arms(scene).find(|arm| arm.as_str() == name) {
        Some(arm) => Ok(Some(arm.clone())),
        None => {
            let known: Vec<&str> = state.plans.arms(scene).map(ArmName::as_str).collect();
            Err(unknown_name("arm", "unknown_arm", name, &known))
        }
    }
}

fn unknown_name(
    field: &'static str,
    code: &'static str,
    name: &str,
    known: &[&str],
) -> RequestError {
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let shown: String = name.chars().take(64).collect();
    refuse(field, code, format!("unknown {field} {shown:?}; known are {known}"))
}

/// The longest name of an author or a tag, in bytes.
const NAME_BYTES_MAX: usize = 256;

pub(crate) fn check_name(field: &str, name: Option<&str>) -> Result<(), RequestError> {
    match name {
        Some(name) if !(1..=NAME_BYTES_MAX).contains(&name.len()) => {
            let why = format!("expected 1 to {NAME_BYTES_MAX} bytes, these are {}", name.len());
            Err(refuse(field, "bad_name", why))
        }
        _ => Ok(()),
    }
}

/// The request's history, and the sets that it and the request's lists make.
fn own_sets(
    raw: &RawRequest,
    events: &[Interaction],
    state: &EngineState,
) -> Result<(Vec<HistoryEntry>, OwnSets), RequestError> {
    let catalogue = &state.snapshot.catalogue;
    let (mut history, mut entries) = (Vec::with_capacity(events.len()), Vec::new());
    for event in events {
        let (speaks, marks) = entries_of(&state.snapshot.kinds, event);
        history.extend(speaks);
        entries.extend(marks.into_iter().flatten());
    }
    let mut unknown_names = 0;
    let lists = [
        ("blocked", &raw.blocked, SetKind::Blocked),
        ("exposed", &raw.exposed, SetKind::Exposed),
        ("delivered", &raw.delivered, SetKind::Delivered),
    ];
    for (field, items, kind) in lists {
        check_length(field, items.len())?;
        for item in items {
            match catalogue.find(item.as_str()) {
                Some(item) => entries.push(SetEntry { item, kind, time: None }),
                None => unknown_names += 1,
            }
        }
    }
    let mut keys = |field: &str, names: &[String], find: &dyn Fn(&str) -> Option<u32>| {
        check_length(field, names.len())?;
        let mut keys = Vec::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            check_name(&format!("{field}[{at}]"), Some(name))?;
            match find(name) {
                Some(key) => keys.push(key),
                None => unknown_names += 1,
            }
        }
        Ok(Arc::new(KeySet::new(keys)))
    };
    let authors =
        keys("blocked_authors", &raw.blocked_authors, &|name| catalogue.find_author(name))?;
    let tags = keys("blocked_tags", &raw.blocked_tags, &|name| {
        TagPath::new(name).ok().and_then(|tag| catalogue.find_tag(tag.as_str()))
    })?;
    let items = Arc::new(ItemSet::new(entries));
    Ok((history, OwnSets { items, authors, tags, unknown_names }))
}

/// The events whose item is known. Every entry is checked, known or not.
fn check_history(
    history: &[RawHistoryEntry],
    state: &EngineState,
    now: Timestamp,
) -> Result<Vec<Interaction>, RequestError> {
    check_length("history", history.len())?;
    let mut known = Vec::with_capacity(history.len());
    for (at, entry) in history.iter().enumerate() {
        known.extend(check_event(&format!("history[{at}]"), entry, state, now)?);
    }
    Ok(known)
}

/// One event whose fields are at `path`; `None` where this generation does not know its item.
pub(crate) fn check_event(
    path: &str,
    entry: &RawHistoryEntry,
    state: &EngineState,
    now: Timestamp,
) -> Result<Option<Interaction>, RequestError> {
    let kinds = &state.snapshot.kinds;
    let kind = match &entry.kind {
        None => KindIndex(0),
        Some(name) => kinds.index(name).ok_or_else(|| {
            let names: Vec<&str> = kinds.all().iter().map(|kind| kind.name.as_str()).collect();
            let why = format!("unknown kind of event; known are {}", names.join(", "));
            refuse(format!("{path}.kind"), "unknown_kind", why)
        })?,
    };
    let value = entry.value.unwrap_or(kinds.kind(kind).positive_from.unwrap_or(1.0));
    if !value.is_finite() {
        return Err(refuse(format!("{path}.value"), "not_finite", "expected a finite number"));
    }
    let time = match entry.time {
        Some(time) => check_time(format!("{path}.time"), time)?,
        None => now,
    };
    let item = state.snapshot.catalogue.find(entry.item.as_str());
    Ok(item.map(|item| Interaction { item, kind, value, time: Some(time), scene: None }))
}

fn check_filter(text: &str, state: &EngineState) -> Result<Arc<FilterExpression>, RequestError> {
    let checked = FilterExpression::parse(text)
        .and_then(|filter| filter.check(&state.snapshot.catalogue).map(|()| filter));
    checked.map(Arc::new).map_err(|error| refuse("filter", "bad_filter", error.to_string()))
}

fn check_vectors(vectors: &[QueryVector], state: &EngineState) -> Result<(), RequestError> {
    for (at, vector) in vectors.iter().enumerate() {
        let field = |key: &str| format!("vectors[{at}].{key}");
        if vectors[..at].iter().any(|earlier| earlier.model == vector.model) {
            return Err(refuse(field("model"), "duplicate_model", "given twice"));
        }
        let (version, dim) = match state.snapshot.models.get(&vector.model) {
            None => {
                let why = format!("the snapshot has no model {}", vector.model);
                return Err(refuse(field("model"), "unknown_model", why));
            }
            Some(Model::Factors(factors)) => (&factors.version, factors.items.dim()),
            Some(Model::Vectors(vectors)) => (&vectors.version, vectors.items.dim()),
            Some(other) => {
                let why = format!("{} is a {}: it has no vectors", vector.model, other.kind());
                return Err(refuse(field("model"), "wrong_model_kind", why));
            }
        };
        if vector.version != *version {
            let why = format!("expected version {version}");
            return Err(refuse(field("version"), "wrong_version", why));
        }
        let values = &vector.values;
        if values.len() != dim {
            let why = format!("expected {dim} values, these are {}", values.len());
            return Err(refuse(field("values"), "wrong_dimension", why));
        }
        if let Some(bad) = values.iter().position(|value| !value.is_finite()) {
            let field = field(&format!("values[{bad}]"));
            return Err(refuse(field, "not_finite", "expected a finite number"));
        }
        if values.iter().all(|value| *value == 0.0) {
            let why = "a vector of length zero points nowhere";
            return Err(refuse(field("values"), "zero_vector", why));
        }
    }
    Ok(())
}
