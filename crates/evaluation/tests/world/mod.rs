//! A small world with channels whose lists are known: what a study of it must say can be counted
//! by hand.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gannet_core::{
    Catalogue, ChannelName, EventKinds, Interaction, Item, ItemId, ItemIndex, KindIndex,
    ManualClock, ModelName, Timestamp, UserIndex,
};
use gannet_dataset::{Dataset, Events, Split, SplitKind, split};
use gannet_models::{Histories, MergeWeights, Model, Popularity, Snapshot};
use gannet_retrieval::{
    Ask, Channel, ChannelError, ChannelKinds, ChannelList, ChannelSpec, Engine, EngineOptions,
    Found, RetrievalConfig,
};

pub(crate) const ITEMS: u32 = 300;
pub(crate) const USERS: u32 = 60;
const DAY: i64 = 86_400_000;

/// Names items in an order of its own: `step` walks through the catalogue from a start that the
/// user's history decides, so that lists differ between users and repeat exactly.
struct Walk {
    name: ChannelName,
    step: u32,
}

impl Channel for Walk {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        if self.step == 0 {
            return Ok(ChannelList::default());
        }
        let start = ask.profile.history().iter().map(|entry| entry.item.0).sum::<u32>();
        let all = (0..ITEMS).map(|at| ItemIndex((start + at * self.step) % ITEMS));
        let open = all.filter(|item| ask.eligible.contains(*item)).take(fetch_k);
        let found = open
            .zip(0..)
            .map(|(item, at)| Found { item, channel_score: -(at as f32), trigger: None })
            .collect();
        Ok(ChannelList { found, ..ChannelList::default() })
    }
}

fn kinds() -> ChannelKinds {
    let mut kinds = ChannelKinds::builtin();
    kinds.register(
        "walk",
        Arc::new(|spec: &ChannelSpec, _: &Snapshot| {
            let step = spec.parameters["step"].as_integer().expect("a step") as u32;
            Ok(Arc::new(Walk { name: spec.name.clone(), step }) as Arc<dyn Channel>)
        }),
    );
    kinds
}

/// Items of 30 authors, ten neighbours each; users u0.. with 12 events each, a day apart; every
/// fourth event is no verdict.
pub(crate) fn dataset() -> Dataset {
    let item = |at: u32| Item {
        published: (!at.is_multiple_of(3)).then_some(Timestamp(i64::from(at) * DAY)),
        author: Some(format!("author {}", at / 10)),
        ..Item::bare(ItemId::new(format!("<item & {at}>")).expect("an id"))
    };
    let items: Vec<Item> = (0..ITEMS).map(item).collect();
    let event = |user: u32, at: u32| Interaction {
        item: ItemIndex((user * 7 + at * (11 + user % 5)) % ITEMS),
        kind: KindIndex(0),
        value: if at % 4 == 3 { 2.0 } else { 5.0 },
        time: Some(Timestamp(DAY * i64::from(400 + at))),
        scene: None,
    };
    let pairs = || (0..USERS).flat_map(|user| (0..12).map(move |at| (user, at)));
    Dataset {
        name: "small <world>".to_owned(),
        catalogue: Arc::new(Catalogue::from_items(&items).expect("distinct ids")),
        users: Arc::new((0..USERS).map(|user| format!("u{user}")).collect()),
        user_fields: Arc::default(),
        scenes: Vec::new(),
        kinds: EventKinds::rating(4.0),
        events: Events {
            users: pairs().map(|(user, _)| UserIndex(user)).collect(),
            interactions: pairs().map(|(user, at)| event(user, at)).collect(),
        },
        test_events: None,
    }
}

pub(crate) fn per_user() -> Split {
    split(&dataset(), &SplitKind::TemporalPerUser { train_share: 0.5 }).expect("a split")
}

/// Channels `walk1`, `walk7`, `walk11` and the silent `walk0`.
pub(crate) fn config(merge: &str, handover: usize, fetch_k: usize) -> RetrievalConfig {
    let mut text = format!(
        "[[plan]]\nname = \"home\"\nmerge = \"{merge}\"\nhandover = {handover}\n\
         deadline_ms = 60000\n"
    );
    for step in [1, 7, 11, 0] {
        text += &format!("[[plan.channel]]\nname = \"walk{step}\"\nfetch_k = {fetch_k}\n");
    }
    for step in [1, 7, 11, 0] {
        text += &format!("[[channel]]\nname = \"walk{step}\"\nkind = \"walk\"\nstep = {step}\n");
    }
    text += "[[scene]]\nname = \"home\"\nplan = \"home\"\n";
    toml::from_str(&text).expect("a configuration")
}

pub(crate) fn engine(split: &Split, config: &RetrievalConfig) -> Engine {
    let train = &split.train;
    let popularity = Popularity::new((0..ITEMS).map(|at| (ITEMS - at) as f32).collect());
    let snapshot = Snapshot {
        version: "snapshot <1>".to_owned(),
        created: Timestamp(0),
        kinds: train.kinds().clone(),
        catalogue: train.catalogue().clone(),
        histories: Arc::new(Histories::new(
            train.users().as_ref().clone(),
            train.offsets().to_vec(),
            train.all_events().to_vec(),
        )),
        models: BTreeMap::from([(
            ModelName::new("popularity").expect("a name"),
            Model::Popularity(Arc::new(popularity)),
        )]),
        merge_weights: MergeWeights::default(),
        recipe: String::new(),
    };
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    clock.advance(Duration::from_secs(1));
    let options = EngineOptions { clock, kinds: kinds(), workers: 2, abandoned_max: 2 };
    Engine::new(options, Arc::new(snapshot), config, None).expect("an engine")
}
