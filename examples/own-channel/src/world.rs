//! A small snapshot made by hand, and an engine on it that knows the new kind.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gannet_core::{Catalogue, Clock, EventKinds, Item, ItemId, ModelName, StringTable, Timestamp};
use gannet_models::{Histories, MergeWeights, Model, Recency, Snapshot};
use gannet_retrieval::{ChannelKinds, Engine, EngineOptions, RetrievalConfig};

const DAY_MS: i64 = 86_400_000;

/// Runs from its start; the day of every request is day 100.
struct DayHundred(Instant);

impl Clock for DayHundred {
    fn now(&self) -> Timestamp {
        Timestamp(100 * DAY_MS)
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Items 0 to 99, one a day, of authors 0 to 9 in turn.
fn snapshot() -> Result<Snapshot, Box<dyn Error>> {
    let item = |at: i64| {
        Ok(Item {
            author: Some(format!("author {}", at % 10)),
            published: Some(Timestamp(at * DAY_MS)),
            ..Item::bare(ItemId::new(format!("item {at}"))?)
        })
    };
    let items = (0..100).map(item).collect::<Result<Vec<Item>, Box<dyn Error>>>()?;
    let catalogue = Catalogue::from_items(&items)?;
    let times = catalogue.indices().filter_map(|item| Some((item, catalogue.published(item)?)));
    let recency = Recency::new(times.collect(), |_| 0.0);
    Ok(Snapshot {
        version: "example".to_owned(),
        created: Timestamp(0),
        kinds: EventKinds::implicit("like"),
        catalogue: Arc::new(catalogue),
        histories: Arc::new(Histories::new(StringTable::new(), vec![0], Vec::new())),
        models: BTreeMap::from([(ModelName::new("recency")?, Model::Recency(Arc::new(recency)))]),
        merge_weights: MergeWeights::default(),
        recipe: String::new(),
    })
}

/// An engine whose one channel is of the new kind, with these parameters.
pub fn engine(parameters: &str) -> Result<Engine, Box<dyn Error>> {
    let text = format!(
        "[[channel]]\nname = 'followed'\nkind = 'same_author_newest'\n{parameters}\n\
         [[plan]]\nname = 'home'\nhandover = 20\n\
         [[plan.channel]]\nname = 'followed'\nfetch_k = 20\n\
         [[scene]]\nname = 'home'\nplan = 'home'\n"
    );
    let config: RetrievalConfig = toml::from_str(&text)?;
    let mut kinds = ChannelKinds::builtin();
    crate::register(&mut kinds);
    let clock = Arc::new(DayHundred(Instant::now()));
    let options = EngineOptions { clock, kinds, workers: 1, abandoned_max: 1 };
    Ok(Engine::new(options, Arc::new(snapshot()?), &config, None)?)
}
