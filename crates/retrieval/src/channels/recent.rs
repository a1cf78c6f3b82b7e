//! `recent`: the newest eligible items, the same for everybody; reads [`Recency`].
//!
//! Score: `1 / (1 + age / half_age_days)`, the age being the days from publication to the
//! request's `now`: 1 for what appears this moment, 0.5 at `half_age_days`, and never so small
//! that old items become equal, as an exponential would. Items published after `now` are passed
//! over: a request that is replayed for a moment of the past must not see the future.
//! Cost: a binary search for `now`, then as `popular`.

use std::sync::Arc;

use gannet_core::ChannelName;
use gannet_models::{Recency, Snapshot};
use serde::Deserialize;

use super::{selection, spec};
use crate::{Ask, Channel, ChannelError, ChannelList, ChannelSpec, ChannelSpecError};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RecentParameters {
    /// Days after publication at which the score is a half.
    half_age_days: f32,
}

impl Default for RecentParameters {
    fn default() -> Self {
        Self { half_age_days: 30.0 }
    }
}

struct Recent {
    name: ChannelName,
    recency: Arc<Recency>,
    half_age_days: f64,
}

pub(super) fn build(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
) -> Result<Arc<dyn Channel>, ChannelSpecError> {
    let RecentParameters { half_age_days } = spec::parameters(spec)?;
    let holds = half_age_days > 0.0 && half_age_days.is_finite();
    spec::require(spec, holds, "half_age_days", half_age_days, "above 0")?;
    let recency = spec::model(spec, snapshot, "recency")?;
    let half_age_days = f64::from(half_age_days);
    Ok(Arc::new(Recent { name: spec.name.clone(), recency, half_age_days }))
}

impl Channel for Recent {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn retrieve(&self, ask: &Ask, fetch_k: usize) -> Result<ChannelList, ChannelError> {
        let (order, now) = (self.recency.order(), ask.profile.now);
        let past = &order[order.partition_point(|(_, published)| *published > now)..];
        let ranked = past.iter().map(|(item, published)| {
            let age_days = now.days_since(*published).max(0.0);
            (*item, (1.0 / (1.0 + age_days / self.half_age_days)) as f32)
        });
        Ok(selection::first_eligible(ranked, ask, fetch_k))
    }
}
