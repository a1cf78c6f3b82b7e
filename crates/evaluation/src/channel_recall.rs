//! One channel's recall as one number: what training tunes a model by.

use std::sync::Arc;
use std::time::Duration;

use gannet_core::{ChannelName, Clock, ManualClock, Progress, Timestamp};
use gannet_dataset::{TestSet, TestUser, TrainSet};
use gannet_retrieval::{Ask, Channel, ChannelError, Deadline, Eligibility, Engine, UserProfile};
use rayon::prelude::*;

use crate::ask::{Asker, unknown_channel};
use crate::sample::sample;
use crate::{EvaluateError, StudyOptions, hit_ranks, hits_at};

/// The mean recall at `k` of one channel's own list, over the users of `test`. Profile, scene,
/// `users_max` and seed come from `options`. Only this channel is asked, for `k` items and without
/// a deadline, so that the number does not depend on the machine; nothing is merged or counted.
pub fn channel_recall(
    engine: &Engine,
    channel: &ChannelName,
    train: &TrainSet,
    test: &TestSet,
    k: usize,
    options: &StudyOptions,
    progress: &dyn Progress,
) -> Result<f64, EvaluateError> {
    let asker = Asker::new(engine, train, options.scene.as_ref(), options.plan.as_ref())?;
    let state = engine.state();
    let in_plan = asker.plan.channels.iter().any(|one| one.channel == *channel);
    let Some(found) = state.channel(channel).filter(|_| in_plan) else {
        return Err(unknown_channel(channel, &asker.plan));
    };
    let users = sample(test.users(), options.users_max, options.seed);
    if users.is_empty() {
        return Err(EvaluateError::EmptyTestSet);
    }
    progress.begin("judging", Some(users.len() as u64), "users");
    let recalls: Vec<f64> = users
        .par_iter()
        .map(|user| {
            let recall = recall_of(&asker, found.as_ref(), user, k, options);
            progress.advance(1);
            recall
        })
        .collect::<Result<_, EvaluateError>>()?;
    progress.end();
    Ok(recalls.iter().sum::<f64>() / recalls.len() as f64)
}

fn recall_of(
    asker: &Asker<'_>,
    channel: &dyn Channel,
    user: &TestUser,
    k: usize,
    options: &StudyOptions,
) -> Result<f64, EvaluateError> {
    let request = asker.request(user)?;
    let state = request.state().clone();
    let profile = UserProfile::build(&request, &state);
    let eligible = Eligibility::new(&asker.plan, &profile, None, &state);
    // A clock that stands still: no deadline ever passes.
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp(0)));
    let ask = Ask::new(profile, eligible, state, Deadline::after(clock, Duration::MAX));
    let list = channel.retrieve(&ask, k).map_err(|source: ChannelError| {
        EvaluateError::Channel { channel: channel.name().clone(), source }
    })?;
    let items = list.found.iter().map(|found| found.item);
    let hits = hits_at(&hit_ranks(items, user.held_out()), k);
    Ok(options.profile.recall(hits, k, user.held_out().len()))
}
