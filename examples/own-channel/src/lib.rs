//! `same_author_newest`: a kind of channel that Gannet does not have. It finds the newest items of
//! the authors that the user liked last.
//!
//! A kind is three things: parameters that refuse what they do not know, a channel that keeps the
//! promises of the trait [`Channel`], and a function that makes the one from the other.

pub mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use gannet_core::{Catalogue, ChannelName};
use gannet_models::{Model, Snapshot};
use gannet_retrieval::{
    Ask, Channel, ChannelError, ChannelKinds, ChannelList, ChannelSpec, ChannelSpecError, Found,
};
use serde::Deserialize;

/// Items between two looks at the clock.
const STEPS_BETWEEN_READINGS: usize = 1024;

/// The keys of the `[[channel]]` besides name, kind and model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// How many of the most recent liked items name their authors.
    history_max: usize,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { history_max: 20 }
    }
}

/// A configured instance of the kind.
struct SameAuthorNewest {
    name: ChannelName,
    catalogue: Arc<Catalogue>,
    recency: Arc<gannet_models::Recency>,
    history_max: usize,
}

/// Adds the kind to those that a configuration may name.
pub fn register(kinds: &mut ChannelKinds) {
    kinds.register("same_author_newest", Arc::new(build));
}

fn build(spec: &ChannelSpec, snapshot: &Snapshot) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let refuse = |why: &str| ChannelSpecError::Parameters {
        channel: spec.name.clone(),
        why: why.to_owned(),
    };
    let parameters: Result<Parameters, _> = spec.parameters.clone().try_into();
    let Parameters { history_max } = parameters.map_err(|error| refuse(error.message()))?;
    if history_max == 0 {
        return Err(refuse("history_max must be 1 or more, it is 0"));
    }
    let name = spec.model.as_ref().map_or("recency", |model| model.as_str());
    let model = snapshot.models.iter().find(|(known, _)| known.as_str() == name);
    let Some((_, Model::Recency(recency))) = model else {
        return Err(refuse(&format!("model: {name} is not there, or it is no recency")));
    };
    let (catalogue, recency) = (snapshot.catalogue.clone(), recency.clone());
    Ok(Arc::new(SameAuthorNewest { name: spec.name.clone(), catalogue, recency, history_max }))
}

impl Channel for SameAuthorNewest {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    /// At most `fetch_k`, best first, eligible only, each once, finite scores; the same request
    /// gets the same list; a user without a history gets none; time is watched.
    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let liked = ask.profile.triggers(self.history_max, None);
        let authors: BTreeSet<u32> =
            liked.iter().filter_map(|trigger| self.catalogue.author(trigger.item)).collect();
        let mut list = ChannelList::default();
        if authors.is_empty() {
            return Ok(list);
        }
        for (step, (item, published)) in self.recency.order().iter().enumerate() {
            if list.found.len() == fetch_k {
                break;
            }
            if step % STEPS_BETWEEN_READINGS == 0 && ask.deadline.is_past() {
                list.partial = true;
                break;
            }
            let is_theirs =
                self.catalogue.author(*item).is_some_and(|author| authors.contains(&author));
            if !is_theirs || *published > ask.profile.now {
                continue;
            }
            match ask.eligible.refusal(*item) {
                Some(refusal) => list.dropped.add(refusal),
                None => {
                    let age_days = ask.profile.now.days_since(*published);
                    let channel_score = (1.0 / (1.0 + age_days)) as f32;
                    list.found.push(Found { item: *item, channel_score, trigger: None });
                }
            }
        }
        Ok(list)
    }
}
