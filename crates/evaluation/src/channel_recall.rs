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

/// The mean recall at each of `ks` of one channel's own list, over the users of `test` and then
/// over `ks`. Profile, scene, `users_max` and seed come from `options`. Only this channel is asked,
/// for as many items as the largest K and without a deadline, so that the number does not depend on
/// the machine; nothing is merged or counted.
pub fn channel_recall(
    engine: &Engine,
    channel: &ChannelName,
    train: &TrainSet,
    test: &TestSet,
    ks: &[usize],
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
    if ks.is_empty() || ks.contains(&0) {
        return Err(EvaluateError::Options {
            field: "ks",
            why: "need positive numbers".to_owned(),
        });
    }
    progress.begin("judging", Some(users.len() as u64), "users");
    let recalls: Vec<f64> = users
        .par_iter()
        .map(|user| {
            let recall = recall_of(&asker, found.as_ref(), user, ks, options);
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
    ks: &[usize],
    options: &StudyOptions,
) -> Result<f64, EvaluateError> {
    let request = asker.request(user)?;
    let state = request.state().clone();
    let profile = UserProfile::build(&request, &state);
    let eligible = Eligibility::new(&asker.plan, &profile, None, &state);
    // A clock that stands still: no deadline ever passes.
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp(0)));
    let ask = Ask::new(profile, eligible, state, Deadline::after(clock, Duration::MAX));
    let most = ks.iter().copied().max().unwrap_or(0);
    let list = channel.retrieve(&ask, most).map_err(|source: ChannelError| {
        EvaluateError::Channel { channel: channel.name().clone(), source }
    })?;
    let items = list.found.iter().map(|found| found.item);
    let ranks = hit_ranks(items, user.held_out());
    let recall = |k: &usize| options.profile.recall(hits_at(&ranks, *k), *k, user.held_out().len());
    Ok(ks.iter().map(recall).sum::<f64>() / ks.len() as f64)
}
