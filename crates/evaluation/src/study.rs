//! The study: every test user asks the engine once, and every answer is judged as it comes.

use gannet_core::Progress;
use gannet_dataset::{TestSet, TestUser, TrainSet};
use gannet_retrieval::Engine;
use rayon::prelude::*;

use crate::ask::Asker;
use crate::facts::{Facts, user_age_bucket};
use crate::judge::{Judge, UserRow, Wanted, count_incomplete};
use crate::sample::sample;
use crate::summary::{Judged, summarise};
use crate::tallies::Tallies;
use crate::{EvaluateError, EvaluationReport, StudyOptions};

/// Judges one plan on held-out items: every test user (or a seeded sample) asks once, as of his
/// last training event, and his channels' lists are judged alone, merged, and merged without each
/// channel in turn. Merged is as the engine merges: with the plan's quotas and caps. Only what the
/// engine adds to an answer that stays short (its fallback) is left out, as nobody found it.
///
/// `train` must be the split that the engine's snapshot was trained on; of it only ids, item
/// popularity and the number of events are read. Users are judged in parallel on rayon's threads;
/// a few hundred bytes are kept of each. Same inputs, same report, whatever the number of threads,
/// as long as no channel runs into its deadline: give the engine's plans generous deadlines. What
/// was late all the same is counted and printed among the warnings.
///
/// Users without held-out items are skipped. Errors: no user to judge, options or scene that make
/// no sense, a snapshot of another catalogue, a refused request.
pub fn evaluate(
    engine: &Engine,
    train: &TrainSet,
    test: &TestSet,
    options: &StudyOptions,
    progress: &dyn Progress,
) -> Result<EvaluationReport, EvaluateError> {
    options.check()?;
    let asker = Asker::new(engine, train, options.scene.as_ref(), options.plan.as_ref())?;
    let users = sample(test.users(), options.users_max, options.seed);
    if users.is_empty() {
        return Err(EvaluateError::EmptyTestSet);
    }
    let facts = Facts::new(train.catalogue(), train);
    let ks = options.all_ks(&asker.plan);
    let state = engine.state();
    let judge = Judge {
        plan: &asker.plan,
        catalogue: &state.snapshot.catalogue,
        facts: &facts,
        ks: &ks,
        equal_k: options.equal_k,
    };
    let (rows, tallies) = judge_all(&asker, &judge, &users, progress)?;
    let judged = Judged {
        rows: &rows,
        tallies: &tallies,
        ks: &ks,
        asker: &asker,
        users_in_test: sample(test.users(), None, 0).len(),
    };
    progress.begin("intervals", None, "resamples");
    let report = summarise(&judged, options);
    progress.end();
    Ok(report)
}

type Judgement = (Vec<UserRow>, Tallies);

fn judge_all(
    asker: &Asker<'_>,
    judge: &Judge<'_>,
    users: &[&TestUser],
    progress: &dyn Progress,
) -> Result<Judgement, EvaluateError> {
    progress.begin("judging", Some(users.len() as u64), "users");
    let (items, scenes) = (asker.train.catalogue().len(), asker.train.scenes().len());
    let blank = || Tallies::new(judge.plan.channels.len(), items, scenes);
    // Tallies are as large as the catalogue: few chunks. Rows keep the order of the users.
    let chunk = users.len().div_ceil(rayon::current_num_threads() * 8).max(16);
    let chunks: Vec<Judgement> = users
        .par_chunks(chunk)
        .map(|chunk| {
            let mut tallies = blank();
            let judged = chunk.iter().map(|user| {
                let row = judge_one(asker, judge, user, &mut tallies);
                progress.advance(1);
                row
            });
            let rows = judged.collect::<Result<Vec<_>, _>>()?;
            Ok((rows, tallies))
        })
        .collect::<Result<_, EvaluateError>>()?;
    progress.end();
    Ok(chunks.into_iter().fold((Vec::new(), blank()), |(mut rows, sum), (more, tallies)| {
        rows.extend(more);
        (rows, sum.plus(&tallies))
    }))
}

fn judge_one(
    asker: &Asker<'_>,
    judge: &Judge<'_>,
    user: &TestUser,
    tallies: &mut Tallies,
) -> Result<UserRow, EvaluateError> {
    let asked = asker.ask(user)?;
    count_incomplete(&asked.report, judge.plan, tallies);
    tallies.other_histories += u64::from(!asker.knows_the_same_history(user));
    let now = asker.now(user);
    let wanted = Wanted { held_out: user.held_out(), scenes: user.held_out_scenes(), now };
    let events = asker.train.events(user.user);
    let first = events.iter().chain(&user.fold_in).find_map(|event| event.time);
    let event_count = events.len() + user.fold_in.len();
    let took = |channel: &gannet_retrieval::PlanChannel| {
        let same = asked.report.channels.iter().find(|one| one.channel == channel.channel);
        same.map_or(0, |one| u32::try_from(one.run_us).unwrap_or(u32::MAX))
    };
    Ok(UserRow {
        has_history: user.has_history,
        train_events: event_count as u32,
        user_age: user_age_bucket(event_count > 0, first, now),
        channel_us: judge.plan.channels.iter().map(took).collect(),
        total_us: u32::try_from(asked.report.total_us).unwrap_or(u32::MAX),
        ..judge.judge(&wanted, asked.answers, tallies)
    })
}
