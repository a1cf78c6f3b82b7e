//! `recent`: the newest eligible items, the same for everybody, with a floor under the exposure of
//! new ones; reads [`Recency`], and [`Popularity`] for the floor.
//!
//! Score: `1 / (1 + age / half_age_days)`, the age being the days from publication to the
//! request's `now`: 1 for what appears this moment, 0.5 at `half_age_days`, and never so small
//! that old items become equal, as an exponential would. Items published after `now` are passed
//! over: a request that is replayed for a moment of the past must not see the future.
//!
//! Floor: where a hundred items come in a second, the newest are seconds old, and each is on top so
//! briefly that many are never shown at all. So the share `floor_share` of the places goes to items
//! younger than `floor_days` whose popularity is below `floor_popularity`: too little is known of
//! them. They are taken in an order that starts from the request's seed (user and minute), so that
//! every one of them has its turn. They stand at every `1 / floor_share`-th place and take over the
//! score of the place before, so that no merge by rank or score puts all of them last.
//! Cost: a binary search for `now`, then as `popular`.

use std::sync::Arc;

use gannet_core::{ChannelName, ItemIndex, ModelName, Timestamp};
use gannet_models::{Popularity, Recency, Snapshot};
use serde::Deserialize;

use super::draw::Draws;
use super::ranking::Ranking;
use super::spec;
use crate::slots::Slots;
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError, Found};

/// So many are asked about together, and as many refused end the floor: a filter or the user leaves
/// hardly any of them.
const TOGETHER: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RecentParameters {
    /// Days after publication at which the score is a half.
    half_age_days: f32,
    /// Share of the places that are kept for new items of which little is known, 0 to 1.
    floor_share: f32,
    /// How old they may be.
    floor_days: f32,
    /// Popularity below which little is known of an item.
    floor_popularity: f32,
    /// The model of popularity; read where `floor_share` is above 0.
    popularity_model: ModelName,
}

impl Default for RecentParameters {
    fn default() -> Self {
        Self {
            half_age_days: 30.0,
            floor_share: 0.0,
            floor_days: 7.0,
            floor_popularity: 5.0,
            popularity_model: ModelName::new("popularity").expect("a proper name"),
        }
    }
}

struct Recent {
    name: ChannelName,
    recency: Arc<Recency>,
    ranking: Ranking,
    half_age_days: f64,
    floor: Option<Floor>,
}

struct Floor {
    share: f64,
    days: f64,
    /// The items of which little is known, the newest first.
    little_known: Vec<(ItemIndex, Timestamp)>,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let RecentParameters {
        half_age_days,
        floor_share,
        floor_days,
        floor_popularity,
        popularity_model,
    } = spec::parameters(spec)?;
    for (name, value) in [
        ("half_age_days", half_age_days),
        ("floor_days", floor_days),
        ("floor_popularity", floor_popularity),
    ] {
        spec::require(spec, value > 0.0 && value.is_finite(), name, value, "above 0")?;
    }
    let holds = (0.0..=1.0).contains(&floor_share);
    spec::require(spec, holds, "floor_share", floor_share, "0 to 1")?;
    let recency: Arc<Recency> = spec::model(spec, snapshot, "recency")?;
    let floor = match floor_share > 0.0 {
        false => None,
        true => {
            let model = popularity_model.as_str();
            let popularity: Arc<Popularity> = spec::named_model(spec, snapshot, model)?;
            let all = recency.order().iter().copied();
            let little_known =
                all.filter(|(item, _)| popularity.score(*item) < floor_popularity).collect();
            let (share, days) = (f64::from(floor_share), f64::from(floor_days));
            Some(Floor { share, days, little_known })
        }
    };
    let items = recency.order().iter().map(|(item, _)| *item);
    let ranking = Ranking::of(items, snapshot.catalogue.len());
    let half_age_days = f64::from(half_age_days);
    Ok(Arc::new(Recent { name: spec.name.clone(), recency, ranking, half_age_days, floor }))
}

impl Channel for Recent {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let (order, now) = (self.recency.order(), ask.profile.now);
        let first = order.partition_point(|(_, published)| *published > now);
        let score = |published: Timestamp| {
            let age_days = now.days_since(published).max(0.0);
            (1.0 / (1.0 + age_days / self.half_age_days)) as f32
        };
        let at = |position: usize| (order[position].0, score(order[position].1));
        let newest = self.ranking.first_eligible((first, order.len()), at, ask, fetch_k);
        match &self.floor {
            Some(floor) if !newest.partial && !newest.found.is_empty() => {
                let mut draws = Draws::new(ask.profile.seed, self.name.as_str());
                Ok(floor.under(&newest, &mut draws, ask, fetch_k))
            }
            _ => Ok(newest),
        }
    }
}

impl Floor {
    /// The list with little-known items in their places.
    fn under(
        &self,
        newest: &ChannelList,
        draws: &mut Draws,
        ask: &Ask,
        fetch_k: usize,
    ) -> ChannelList {
        let now = ask.profile.now;
        let young = &self.little_known;
        let young = &young[young.partition_point(|(_, published)| *published > now)..];
        let is_young = |(_, at): &(ItemIndex, Timestamp)| now.days_since(*at) < self.days;
        let young = &young[..young.partition_point(is_young)];
        let mut tour = draws.tour(young.len()).map(|at| young[at].0);
        let mut turns = std::iter::from_fn(|| {
            let part: Vec<ItemIndex> = tour.by_ref().take(TOGETHER).collect();
            let open = ask.eligible.open_among(&part);
            let is_open = move |(at, _): &(usize, ItemIndex)| open >> at & 1 == 1;
            let part = part.into_iter().enumerate().filter(is_open).map(|(_, item)| item);
            (open != 0).then_some(part)
        })
        .fuse()
        .flatten();
        let mut slots = Slots::new(fetch_k.min(newest.found.len() + young.len()));
        let mut placed: Vec<ItemIndex> = Vec::new();
        let mut found: Vec<Found> = Vec::with_capacity(newest.found.len());
        let mut rest = newest.found.iter();
        let mut score = newest.found[0].channel_score;
        while found.len() < fetch_k {
            let place = found.len() as f64;
            let is_kept = ((place + 1.0) * self.share).floor() > (place * self.share).floor();
            let turn =
                if is_kept { turns.find(|item| slots.insert(*item, &mut placed)) } else { None };
            let next = match turn {
                Some(item) => Found { item, channel_score: score, trigger: None },
                None => match rest.find(|one| slots.insert(one.item, &mut placed)) {
                    Some(one) => *one,
                    None => break,
                },
            };
            score = next.channel_score;
            found.push(next);
        }
        ChannelList { found, partial: newest.partial, dropped: newest.dropped }
    }
}
