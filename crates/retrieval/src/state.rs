//! One generation of everything that the request path reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_core::{Bitmap, ChannelName, ItemIndex, ModelName};
use gannet_models::{Model, Popularity, Snapshot};

use crate::expiry::Expiries;
use crate::filter::FilterCache;
use crate::overdue::Overdue;
use crate::{
    Channel, ChannelKinds, ChannelSpecError, ConfigError, Plans, RetrievalConfig, SnapshotUsers,
    UserState,
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
/// the cache of filter masks and each channel's overdue calls.
pub struct EngineState {
    /// Catalogue, histories and models.
    pub snapshot: Arc<Snapshot>,
    /// What each scene runs.
    pub plans: Plans,
    pub(crate) channels: BTreeMap<ChannelName, ChannelSlot>,
    pub(crate) users: Arc<dyn UserState>,
    /// The items that may be shown at all.
    pub(crate) base: Arc<Bitmap>,
    pub(crate) base_count: usize,
    pub(crate) expiries: Expiries,
    pub(crate) popularity: Arc<Popularity>,
    /// The most popular of the items that may be shown: what fills an answer when channels fail.
    pub(crate) fallback: Vec<ItemIndex>,
    pub(crate) filters: FilterCache,
}

/// A channel with its calls that were left behind and have not returned.
#[derive(Clone)]
pub(crate) struct ChannelSlot {
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) overdue: Arc<Overdue>,
}

impl EngineState {
    /// Builds every configured channel on the snapshot.
    pub fn new(
        snapshot: Arc<Snapshot>,
        config: &RetrievalConfig,
        kinds: &ChannelKinds,
        users: Option<Arc<dyn UserState>>,
    ) -> Result<Self, PublishError> {
        let (specs, plans) = config.on(&snapshot).check_with(&snapshot.merge_weights)?;
        let mut channels = BTreeMap::new();
        for spec in &specs {
            let channel = kinds.build(spec, &snapshot)?;
            let slot = ChannelSlot { channel, overdue: Arc::new(Overdue::default()) };
            channels.insert(spec.name.clone(), slot);
        }
        let base = Arc::new(snapshot.catalogue.available().clone());
        let popularity = popularity_of(&snapshot);
        let open = popularity.order().iter().copied().filter(|item| base.contains(item.0));
        Ok(Self {
            users: users.unwrap_or_else(|| Arc::new(SnapshotUsers::new(snapshot.clone()))),
            fallback: open.take(FALLBACK_MAX).collect(),
            base_count: base.count(),
            expiries: Expiries::new(&snapshot.catalogue),
            filters: FilterCache::default(),
            snapshot,
            plans,
            channels,
            base,
            popularity,
        })
    }

    /// A channel by name.
    pub fn channel(&self, name: &ChannelName) -> Option<&Arc<dyn Channel>> {
        self.channels.get(name).map(|slot| &slot.channel)
    }
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
