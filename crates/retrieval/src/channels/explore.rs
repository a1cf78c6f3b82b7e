//! `explore`: a few items drawn at random, so that what nobody has tried can be learnt; with the
//! probability of having been drawn as `channel_score`.
//!
//! That propensity is what off-policy estimates divide by (Horvitz and Thompson 1952; Li et al.
//! 2011), so it is exact for the scheme, not estimated:
//! - From the F items that are open to everybody (base mask and filter), `m = fetch_k` are drawn
//!   without replacement, each set of m as likely as any: `m / F` each.
//! - With `new_days`, `n = fetch_k * new_share` of the places go to a draw of their own from the P
//!   items published within that time: `n / P` each; then m is what is left of `fetch_k`. An item
//!   that both draws can reach has `1 - (1 - n / P) (1 - m / F)`.
//!
//! What the user may not see is taken out of the draw afterwards and not replaced: a replacement
//! would change the probabilities, by an amount that depends on how many refusals he has. The list
//! is that much shorter; a narrow filter costs nothing, because F counts what it leaves.
//!
//! Draws start from the request's seed (user and minute): the same request within a minute gets the
//! same items. Nobody needs a history: a stranger gets his draw like anybody else.
//! Cost: a few tens of nanoseconds an item drawn; under a filter that leaves less than one item in
//! 64, one look at every word of the mask.

use std::sync::Arc;

use gannet_core::{Catalogue, ChannelName, ItemIndex, ModelName, Timestamp};
use gannet_models::{Recency, Snapshot};
use rustc_hash::FxHashSet;
use serde::Deserialize;

use super::draw::Draws;
use super::watch::Watch;
use super::{selection, spec};
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError};

/// Below one open item in so many rows, listing them costs less than probing for them.
const PROBED_ROWS_MAX: usize = 64;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ExploreParameters {
    /// Items younger than this have a draw of their own; absent: they have none.
    new_days: Option<f32>,
    /// Their share of the places, 0 to 1.
    new_share: f32,
    /// The model of the times of publication; read where `new_days` is given.
    recency_model: ModelName,
}

impl Default for ExploreParameters {
    fn default() -> Self {
        let recency_model = ModelName::new("recency").expect("a proper name");
        Self { new_days: None, new_share: 0.5, recency_model }
    }
}

struct Explore {
    name: ChannelName,
    catalogue: Arc<Catalogue>,
    new: Option<NewItems>,
}

struct NewItems {
    recency: Arc<Recency>,
    days: f64,
    share: f64,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    spec::refuse_model(spec)?;
    let ExploreParameters { new_days, new_share, recency_model } = spec::parameters(spec)?;
    let holds = (0.0..=1.0).contains(&new_share);
    spec::require(spec, holds, "new_share", new_share, "0 to 1")?;
    let days = new_days.unwrap_or(1.0);
    let holds = days > 0.0 && days.is_finite();
    spec::require(spec, holds, "new_days", days, "above 0; leave it out for no draw of new items")?;
    let new = match new_days {
        None => None,
        Some(_) => Some(NewItems {
            recency: spec::named_model(spec, snapshot, recency_model.as_str())?,
            days: f64::from(days),
            share: f64::from(new_share),
        }),
    };
    let catalogue = snapshot.catalogue.clone();
    Ok(Arc::new(Explore { name: spec.name.clone(), catalogue, new }))
}

/// The items of one draw, and what each had as its probability.
#[derive(Default)]
struct Draw {
    items: Vec<ItemIndex>,
    probability: f64,
}

impl Channel for Explore {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let mut watch = Watch::new(&ask.deadline);
        if fetch_k == 0 || watch.is_past(1) {
            return Ok(ChannelList { partial: fetch_k > 0, ..ChannelList::default() });
        }
        let mut draws = Draws::new(ask.profile.seed, self.name.as_str());
        let now = ask.profile.now;
        let new = self.new.as_ref().map(|new| new.draw(&mut draws, now, fetch_k));
        let new = new.unwrap_or_default();
        let Some(open) = draw_open(&mut draws, ask, fetch_k - new.items.len(), &mut watch) else {
            return Ok(ChannelList { partial: true, ..ChannelList::default() });
        };
        let in_both = 1.0 - (1.0 - new.probability) * (1.0 - open.probability);
        let is_new = |item: ItemIndex| {
            let published = self.catalogue.published(item);
            self.new.as_ref().zip(published).is_some_and(|(new, at)| new.contains(at, now))
        };
        let of_open = open.items.iter().map(|item| match is_new(*item) {
            true => (*item, in_both),
            false => (*item, open.probability),
        });
        let mut drawn: Vec<(ItemIndex, f64)> =
            new.items.iter().map(|item| (*item, in_both)).chain(of_open).collect();
        // The sort is stable: within a probability the order of the draw stays, which is no order.
        drawn.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut seen = FxHashSet::default();
        drawn.retain(|(item, _)| seen.insert(*item));
        let drawn = drawn.into_iter().map(|(item, probability)| (item, probability as f32));
        Ok(selection::first_eligible(drawn, ask, fetch_k))
    }
}

impl NewItems {
    fn contains(&self, published: Timestamp, now: Timestamp) -> bool {
        published <= now && now.days_since(published) < self.days
    }

    fn draw(&self, draws: &mut Draws, now: Timestamp, fetch_k: usize) -> Draw {
        let order = self.recency.order();
        let first = order.partition_point(|(_, published)| *published > now);
        let young = &order[first..];
        let young = &young[..young.partition_point(|(_, at)| self.contains(*at, now))];
        let wanted = (fetch_k.min(order.len()) as f64 * self.share).round() as usize;
        let drawn = draws.distinct(wanted, young.len());
        let probability = drawn.len() as f64 / young.len().max(1) as f64;
        Draw { items: drawn.into_iter().map(|at| young[at].0).collect(), probability }
    }
}

/// Draws from the items that are open to everybody; `None` where time was up.
fn draw_open(draws: &mut Draws, ask: &Ask, wanted: usize, watch: &mut Watch<'_>) -> Option<Draw> {
    let (rows, open) = (ask.eligible.len(), ask.eligible.open_count());
    let wanted = wanted.min(open);
    let probability = wanted as f64 / open.max(1) as f64;
    if wanted * 2 < open && rows < open.saturating_mul(PROBED_ROWS_MAX) {
        let mut seen = FxHashSet::default();
        let mut items = Vec::with_capacity(wanted);
        while items.len() < wanted {
            let row = draws.below(rows);
            if watch.is_past(8) {
                return None;
            }
            let is_open = ask.eligible.open_word(row / 64) >> (row % 64) & 1 == 1;
            if is_open && seen.insert(row) {
                items.push(ItemIndex(row as u32));
            }
        }
        return Some(Draw { items, probability });
    }
    let mut listed: Vec<u32> = Vec::with_capacity(open);
    for at in 0..rows.div_ceil(64) {
        if watch.is_past(1) {
            return None;
        }
        let mut word = ask.eligible.open_word(at);
        while word != 0 {
            listed.push((at * 64) as u32 + word.trailing_zeros());
            word &= word - 1;
        }
    }
    let drawn = draws.distinct(wanted, listed.len());
    Some(Draw { items: drawn.into_iter().map(|at| ItemIndex(listed[at])).collect(), probability })
}
