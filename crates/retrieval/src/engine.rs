//! The main path.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use gannet_core::{ChannelName, Clock, ItemIndex, Stage, Timestamp};
use gannet_models::Snapshot;

use crate::fallback;
use crate::list_check::keep_open;
use crate::state::PublishError;
use crate::stopwatch::Stopwatch;
use crate::workers::Workers;
use crate::{
    Ask, Candidate, ChannelAnswer, ChannelKinds, Eligibility, EngineState, Evidence, Ranker,
    RawRequest, Refused, Report, Request, RequestError, Retrieval, RetrievalConfig, SnapshotUsers,
    UserProfile, UserState, merge_diverse,
};

/// What an engine is built from.
pub struct EngineOptions {
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// The kinds of channels that a configuration may name.
    pub kinds: ChannelKinds,
    /// Threads that run channels.
    pub workers: usize,
    /// How many stuck workers are replaced before their channels are only skipped.
    pub abandoned_max: usize,
}

/// Answers requests from the current generation.
pub struct Engine {
    options: EngineOptions,
    state: ArcSwap<EngineState>,
    /// Held by whoever makes the next state of the present one, so that no change is lost.
    changing: Mutex<()>,
    workers: Workers,
}

/// The kill switch of a channel that is not configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown channel {channel}; known are {known}")]
pub struct UnknownChannel {
    /// The channel.
    pub channel: ChannelName,
    /// The configured ones.
    pub known: String,
}

/// Why an item is in an answer, or is not: the stage that dropped it, and all that is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Explanation {
    /// It may not be shown: why, and since when.
    Refused(Refused),
    /// No channel found it.
    NotFound,
    /// Channels found it, and the merge had no place for it.
    CutByMerge(Vec<Evidence>),
    /// It is in the answer, at this position from 1.
    Answered(usize, Candidate),
}

impl Engine {
    /// An engine that serves this snapshot under this configuration. `users` is where user
    /// records come from; `None`: the snapshot's own histories.
    pub fn new(
        options: EngineOptions,
        snapshot: Arc<Snapshot>,
        config: &RetrievalConfig,
        users: Option<Arc<dyn UserState>>,
    ) -> Result<Self, PublishError> {
        let state = EngineState::new(snapshot, config, &options.kinds, users)?;
        let workers = Workers::new(options.clock.clone(), options.workers, options.abandoned_max);
        let changing = Mutex::new(());
        Ok(Self { options, state: ArcSwap::from_pointee(state), changing, workers })
    }

    /// Replaces snapshot and configuration at once; requests under way finish on the old ones.
    /// What was switched off stays so, unless the configuration says otherwise.
    pub fn publish(
        &self,
        snapshot: Arc<Snapshot>,
        config: &RetrievalConfig,
        users: Option<Arc<dyn UserState>>,
    ) -> Result<(), PublishError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let users = users.unwrap_or_else(|| Arc::new(SnapshotUsers::new(snapshot.clone())));
        let (previous, kinds) = (self.state(), &self.options.kinds);
        let state = EngineState::after(Some(&previous), snapshot, config, kinds, users.clone())?;
        users.begin();
        self.state.store(Arc::new(state));
        Ok(())
    }

    /// Replaces the configuration alone, in one swap, once all of it has been checked; on an
    /// error the old one stays in force. Channels whose configuration is what it was are kept,
    /// the others built anew on the current snapshot; what was switched off stays so, unless the
    /// configuration says otherwise.
    pub fn reload(&self, config: &RetrievalConfig) -> Result<(), PublishError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.state().reconfigured(config, &self.options.kinds)?;
        self.state.store(Arc::new(state));
        Ok(())
    }

    /// The kill switch: a channel that is off is not run by the requests that start from now on,
    /// is reported as `disabled`, and leaves its places to the others.
    pub fn set_channel_enabled(
        &self,
        channel: &ChannelName,
        enabled: bool,
    ) -> Result<(), UnknownChannel> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.state();
        match state.channels.get(channel) {
            Some(slot) => {
                slot.set_enabled(enabled);
                Ok(())
            }
            None => {
                let known: Vec<&str> = state.channels.keys().map(ChannelName::as_str).collect();
                Err(UnknownChannel { channel: channel.clone(), known: known.join(", ") })
            }
        }
    }

    /// The current generation.
    pub fn state(&self) -> Arc<EngineState> {
        self.state.load_full()
    }

    /// What the clock says.
    pub(crate) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// Checks a request and binds it to the current generation.
    pub fn admit(&self, raw: RawRequest) -> Result<Request, RequestError> {
        Request::check(raw, self.state(), self.options.clock.now())
    }

    /// Answers one request. Never fails: a late or broken channel costs recall, not the answer.
    /// User state takes note of the candidates as delivered, unless the request says `dry_run`.
    pub fn retrieve(&self, request: Request) -> Retrieval {
        let answered = request.clone();
        let retrieval = self.candidates(request);
        take_note(&answered, &retrieval);
        retrieval
    }

    fn candidates(&self, request: Request) -> Retrieval {
        let mut watch = Stopwatch::start(self.options.clock.clone());
        let state = request.state().clone();
        let profile = watch.time(Stage::Profile, || UserProfile::build(&request, &state));
        let resolved = watch.time(Stage::Plan, || request.resolve(&profile));
        let plan = resolved.plan.clone();
        let eligible =
            watch.time(Stage::Eligibility, || Eligibility::of(&request, &plan, &profile));
        let ask = Ask::new(profile, eligible, state, watch.deadline(plan.deadline));
        let (lists, mut reports) =
            watch.time(Stage::Channels, || self.workers.run_channels(&plan, &ask));
        let mut merged = watch.time(Stage::Merge, || {
            let mut merged = merge_diverse(&lists, &plan, &ask.state.snapshot.catalogue);
            keep_open(&mut merged, &ask.eligible, &mut reports);
            merged
        });
        let filled = watch.time(Stage::Fallback, || fallback::fill(&mut merged, &plan, &ask));
        let report = Report::of(reports, &merged, filled, watch);
        Retrieval::new(request, resolved, merged, lists, report)
    }

    /// Answers one request with the ranker's best `top` candidates, in its order; only these count
    /// as delivered.
    pub fn retrieve_ranked(&self, request: Request, ranker: &dyn Ranker, top: usize) -> Retrieval {
        let ranked_for = request.clone();
        let mut retrieval = self.candidates(request);
        let mut watch = Stopwatch::start(self.options.clock.clone());
        let candidates = std::mem::take(&mut retrieval.candidates);
        let ranked = watch.time(Stage::Rank, || {
            let profile = UserProfile::build(&ranked_for, &ranked_for.state);
            ranker.rank(&profile, &candidates, &ranked_for.state, top)
        });
        (retrieval.candidates, retrieval.rank_scores) = in_order_of(&ranked, candidates);
        let (stages, took_us) = watch.read();
        retrieval.report.stages.extend(stages);
        retrieval.report.total_us += took_us;
        take_note(&ranked_for, &retrieval);
        retrieval
    }

    /// Why an item is in the answer to a request, or is not. Answers the request once.
    pub fn explain(&self, request: Request, item: ItemIndex) -> Explanation {
        let profile = UserProfile::build(&request, &request.state);
        let plan = request.resolve(&profile).plan;
        let eligible = Eligibility::of(&request, &plan, &profile);
        if let Some(refused) = eligible.refused(item) {
            return Explanation::Refused(refused);
        }
        let retrieval = self.candidates(Request { keep_lists: true, ..request });
        let answered = retrieval.candidates.iter().position(|one| one.item == item);
        if let Some(at) = answered {
            return Explanation::Answered(at + 1, retrieval.candidates[at].clone());
        }
        let evidence = |answer: &ChannelAnswer| {
            let at = answer.list.found.iter().position(|found| found.item == item)?;
            let found = answer.list.found[at];
            Some(Evidence {
                channel: answer.channel.clone(),
                channel_rank: at as u32 + 1,
                channel_score: found.channel_score,
                trigger: found.trigger,
            })
        };
        let evidence: Vec<Evidence> = retrieval.lists.iter().filter_map(evidence).collect();
        match evidence.is_empty() {
            true => Explanation::NotFound,
            false => Explanation::CutByMerge(evidence),
        }
    }

    /// Threads that run channels, and how many of them are inside calls that were left behind.
    pub fn thread_counts(&self) -> (usize, usize) {
        self.workers.thread_counts()
    }
}

/// Tells user state what was answered.
fn take_note(request: &Request, retrieval: &Retrieval) {
    if let Some(user) = request.user().filter(|_| !request.dry_run()) {
        let items: Vec<ItemIndex> = retrieval.candidates.iter().map(|one| one.item).collect();
        request.state.users.delivered(user, &items, request.now());
    }
}

/// The ranked candidates with their scores; an item that is no candidate is left out.
fn in_order_of(
    ranked: &[(ItemIndex, f32)],
    candidates: Vec<Candidate>,
) -> (Vec<Candidate>, Vec<f32>) {
    let mut by_item: rustc_hash::FxHashMap<ItemIndex, Candidate> =
        candidates.into_iter().map(|candidate| (candidate.item, candidate)).collect();
    ranked.iter().filter_map(|(item, score)| Some((by_item.remove(item)?, *score))).unzip()
}
