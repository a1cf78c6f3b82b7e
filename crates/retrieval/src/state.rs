//! One generation of everything that the request path reads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gannet_core::{
    Bitmap, Catalogue, ChannelName, ItemIndex, ModelName, SceneName, SegmentName, Timestamp,
    UserIndex,
};
use gannet_models::{Model, Popularity, Snapshot};

use crate::expiry::Expiries;
use crate::filter::FilterCache;
use crate::overdue::Overdue;
use crate::segment::SegmentTests;
use crate::{
    Channel, ChannelKinds, ChannelSpec, ChannelSpecError, ConfigError, FilterExpression, Plans,
    RetrievalConfig, SnapshotUsers, UserState,
};

/// The longest fallback list: it is walked past the user's refusals.
const FALLBACK_MAX: usize = 50_000;

/// Why a snapshot and a configuration do not go together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PublishError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A channel cannot be built on this snapshot.
    #[error(transparent)]
    Channel(#[from] ChannelSpecError),
}

/// A snapshot, the channels built on it, the plans and the user state. Nothing of it changes but
/// the cache of filter masks, each channel's overdue calls and its switch.
pub struct EngineState {
    /// Catalogue, histories and models.
    pub snapshot: Arc<Snapshot>,
    /// What each scene runs.
    pub plans: Plans,
    pub(crate) channels: BTreeMap<ChannelName, Arc<ChannelSlot>>,
    pub(crate) users: Arc<dyn UserState>,
    /// The items that may be shown at all.
    pub(crate) open: Base,
    pub(crate) expiries: Arc<Expiries>,
    /// What each scene may show, by the order of the scenes.
    pub(crate) bases: Vec<Base>,
    pub(crate) segments: SegmentTests,
    pub(crate) popularity: Arc<Popularity>,
    /// The most popular of the items that may be shown: what fills an answer when channels fail.
    pub(crate) fallback: Arc<[ItemIndex]>,
    pub(crate) filters: FilterCache,
}

/// The items that a scene may show: kept with the generation and shared by all its requests.
#[derive(Debug, Clone)]
pub struct Base {
    /// A bit an item.
    pub rows: Arc<Bitmap>,
    /// How many are set.
    pub count: usize,
}

impl Base {
    fn new(rows: Bitmap) -> Self {
        Self { count: rows.count(), rows: Arc::new(rows) }
    }
}

/// A channel with its switch, and its calls that were left behind and have not returned.
pub(crate) struct ChannelSlot {
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) overdue: Arc<Overdue>,
    /// Whether the channel is of this crate.
    pub(crate) is_own: bool,
    enabled: AtomicBool,
    spec: ChannelSpec,
}

impl ChannelSlot {
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    pub(crate) fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
    }
}

impl EngineState {
    /// Builds every configured channel on the snapshot.
    pub fn new(
        snapshot: Arc<Snapshot>,
        config: &RetrievalConfig,
        kinds: &ChannelKinds,
        users: Option<Arc<dyn UserState>>,
    ) -> Result<Self, PublishError> {
        let users = users.unwrap_or_else(|| Arc::new(SnapshotUsers::new(snapshot.clone())));
        Self::after(None, snapshot, config, kinds, users)
    }

    /// The same snapshot and users under another configuration. Channels whose configuration is
    /// what it was are kept as they are.
    pub(crate) fn reconfigured(
        &self,
        config: &RetrievalConfig,
        kinds: &ChannelKinds,
    ) -> Result<Self, PublishError> {
        Self::after(Some(self), self.snapshot.clone(), config, kinds, self.users.clone())
    }

    /// What follows `previous`: on another snapshot every channel is built anew, and only the
    /// switches stay as they were.
    pub(crate) fn after(
        previous: Option<&Self>,
        snapshot: Arc<Snapshot>,
        config: &RetrievalConfig,
        kinds: &ChannelKinds,
        users: Arc<dyn UserState>,
    ) -> Result<Self, PublishError> {
        let config = config.on(&snapshot);
        let (specs, plans) = config.check_with(&snapshot.merge_weights)?;
        let same = previous.filter(|state| Arc::ptr_eq(&state.snapshot, &snapshot));
        let segments = SegmentTests::new(&plans.segments, snapshot.histories.user_fields())?;
        check_caps(&plans, &snapshot)?;
        let mut channels = BTreeMap::new();
        for (spec, written) in specs.into_iter().zip(&config.channels) {
            let slot_in = |state: Option<&Self>| state?.channels.get(&spec.name).cloned();
            let was = slot_in(previous).is_none_or(|slot| slot.is_enabled());
            let enabled = AtomicBool::new(written.enabled.unwrap_or(was));
            let kept = slot_in(same).filter(|slot| slot.spec == spec);
            let (channel, overdue) = match kept {
                Some(slot) => (slot.channel.clone(), slot.overdue.clone()),
                None => (kinds.build(&spec, &snapshot)?, Arc::default()),
            };
            let is_own = kinds.is_own(&spec.kind);
            let slot = ChannelSlot { channel, overdue, is_own, enabled, spec };
            channels.insert(slot.spec.name.clone(), Arc::new(slot));
        }
        let open = match same {
            Some(state) => state.open.clone(),
            None => Base::new(snapshot.catalogue.available().clone()),
        };
        let popularity =
            same.map_or_else(|| popularity_of(&snapshot), |state| state.popularity.clone());
        let fallback = same.map(|state| state.fallback.clone()).unwrap_or_else(|| {
            let order = popularity.order().iter().copied();
            order.filter(|item| open.rows.contains(item.0)).take(FALLBACK_MAX).collect()
        });
        let bases = bases(&plans, &open, &snapshot.catalogue)?;
        let expiries = match same {
            Some(state) => state.expiries.clone(),
            None => Arc::new(Expiries::new(&snapshot.catalogue)),
        };
        let filters = FilterCache::default();
        Ok(Self {
            snapshot,
            plans,
            channels,
            users,
            open,
            expiries,
            bases,
            segments,
            popularity,
            fallback,
            filters,
        })
    }

    /// What a scene may show; of a scene that is not configured, every available item.
    pub fn base(&self, scene: &SceneName) -> &Base {
        let at = self.plans.scenes().position(|known| known == scene);
        at.map_or(&self.open, |at| &self.bases[at])
    }

    /// The first segment whose conditions hold for a user of so many known events.
    pub(crate) fn segment_of(
        &self,
        events: usize,
        user: Option<UserIndex>,
    ) -> Option<&SegmentName> {
        let fields = self.snapshot.histories.user_fields();
        let at = self.segments.of(events, user, fields)?;
        self.plans.segments().nth(at)
    }

    /// A channel by name.
    pub fn channel(&self, name: &ChannelName) -> Option<&Arc<dyn Channel>> {
        self.channels.get(name).map(|slot| &slot.channel)
    }

    /// Every channel with its switch.
    pub fn switches(&self) -> impl Iterator<Item = (&ChannelName, bool)> + '_ {
        self.channels.iter().map(|(name, slot)| (name, slot.is_enabled()))
    }
}

/// Caps name fields that only a catalogue knows.
fn check_caps(plans: &Plans, snapshot: &Snapshot) -> Result<(), ConfigError> {
    for plan in plans.all() {
        for (at, cap) in plan.caps.iter().enumerate() {
            if snapshot.catalogue.key_field(&cap.field).is_none() {
                let field = format!("plan.{}.cap[{at}].field", plan.name);
                let why = format!("the items have no text field {:?}", cap.field);
                return Err(ConfigError { field, why });
            }
        }
    }
    Ok(())
}

/// What each scene may show; scenes of the same expression share it.
fn bases(plans: &Plans, open: &Base, catalogue: &Catalogue) -> Result<Vec<Base>, ConfigError> {
    let mut made: BTreeMap<&str, Base> = BTreeMap::new();
    let mut bases = Vec::with_capacity(plans.scenes.len());
    for scene in &plans.scenes {
        let Some(text) = scene.eligible.as_deref() else {
            bases.push(open.clone());
            continue;
        };
        if !made.contains_key(text) {
            let refuse = |why| ConfigError { field: format!("scene.{}.eligible", scene.name), why };
            let rows = scene_rows(text, open, catalogue).map_err(refuse)?;
            made.insert(text, Base::new(rows));
        }
        bases.push(made[text].clone());
    }
    Ok(bases)
}

fn scene_rows(text: &str, open: &Base, catalogue: &Catalogue) -> Result<Bitmap, String> {
    let filter = FilterExpression::parse(text).map_err(|error| error.to_string())?;
    if filter.reads_now() {
        return Err("age_days changes by the hour and this is made once; \
                    say it in the request's filter, or name a date with published"
            .to_owned());
    }
    let rows = filter.mask(catalogue, Timestamp(0)).map_err(|error| error.to_string())?;
    Ok(Bitmap::from_words(rows.len(), |at| rows.word(at) & open.rows.word(at)))
}

/// The snapshot's popularity: the model of that name, else the first of that kind, else a count
/// of the positive events in its histories.
fn popularity_of(snapshot: &Snapshot) -> Arc<Popularity> {
    let usual = ModelName::new("popularity").ok();
    let named = usual.and_then(|name| snapshot.models.get(&name));
    for model in named.into_iter().chain(snapshot.models.values()) {
        match model {
            Model::Popularity(popularity)
                if popularity.scores().len() == snapshot.catalogue.len() =>
            {
                return popularity.clone();
            }
            _ => {}
        }
    }
    let mut counts = vec![0.0; snapshot.catalogue.len()];
    for user in (0..snapshot.histories.len() as u32).map(Into::into) {
        for event in snapshot.histories.events(user) {
            if snapshot.kinds.strength(event.kind, event.value) > 0.0 {
                counts[event.item.at()] += 1.0;
            }
        }
    }
    Arc::new(Popularity::new(counts))
}
