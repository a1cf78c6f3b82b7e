//! Putting a test user's request to the engine, and what comes back of it.

use gannet_core::{ChannelName, IdError, Interaction, ItemId, SceneName, Timestamp, UserId};
use gannet_dataset::{TestUser, TrainSet};
use gannet_retrieval::{
    ChannelAnswer, Engine, Plan, PlanChannel, RawHistoryEntry, RawRequest, Report, Request,
    RequestError,
};

use crate::EvaluateError;

/// A request with a longer history is refused.
const CARRIED_EVENTS_MAX: usize = 10_000;

/// Asks one engine on behalf of the users of one split.
pub(crate) struct Asker<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) train: &'a TrainSet,
    pub(crate) scene: SceneName,
    /// The plan that is judged.
    pub(crate) plan: Plan,
    /// The time of the newest training event: a user of whom nothing is known asks then, not by
    /// the clock of the machine that judges.
    newest: Option<Timestamp>,
}

/// A user's lists: one for every channel of the judged plan, in its order, as long as the engine
/// made them.
pub(crate) struct Asked {
    pub(crate) answers: Vec<ChannelAnswer>,
    pub(crate) report: Report,
}

impl<'a> Asker<'a> {
    /// Checks that engine and split mean the same items, and finds scene and plan.
    pub(crate) fn new(
        engine: &'a Engine,
        train: &'a TrainSet,
        scene: Option<&SceneName>,
        plan: Option<&Plan>,
    ) -> Result<Self, EvaluateError> {
        let state = engine.state();
        let (ours, theirs) = (train.catalogue(), &state.snapshot.catalogue);
        let same = std::sync::Arc::ptr_eq(ours, theirs)
            || (ours.len() == theirs.len()
                && ours.indices().all(|item| ours.id(item) == theirs.id(item)));
        if !same {
            let (snapshot, split) = (theirs.len(), ours.len());
            return Err(EvaluateError::CatalogueMismatch { snapshot, split });
        }
        let first = state.plans.scenes().next();
        let no_scene = || EvaluateError::Options {
            field: "scene",
            why: "the configuration has no scene".to_owned(),
        };
        let scene = scene.or(first).ok_or_else(no_scene)?.clone();
        let Some(own) = state.plans.resolve(&scene, None, None) else {
            let known: Vec<&str> = state.plans.scenes().map(SceneName::as_str).collect();
            return Err(EvaluateError::UnknownScene { scene, known: known.join(", ") });
        };
        let plan = plan.unwrap_or(own).clone();
        for channel in &plan.channels {
            if !own.channels.iter().any(|asked| asked.channel == channel.channel) {
                return Err(unknown_channel(&channel.channel, own));
            }
        }
        let newest = train.all_events().iter().filter_map(|event| event.time).max();
        Ok(Self { engine, train, scene, plan, newest })
    }

    /// The moment at which a user asks.
    pub(crate) fn now(&self, user: &TestUser) -> Option<Timestamp> {
        user.now.or(self.newest)
    }

    /// Runs one request.
    pub(crate) fn ask(&self, user: &TestUser) -> Result<Asked, EvaluateError> {
        let request = self.request(user)?;
        let mut answer = self.engine.retrieve(request);
        let in_plan_order = |wanted: &PlanChannel| {
            let at = answer.lists.iter().position(|list| list.channel == wanted.channel);
            at.map_or_else(
                || ChannelAnswer { channel: wanted.channel.clone(), list: Default::default() },
                |at| answer.lists.swap_remove(at),
            )
        };
        let answers = self.plan.channels.iter().map(in_plan_order).collect();
        Ok(Asked { answers, report: answer.report })
    }

    /// The request of a user as of his last training event; the history that a fold-in user
    /// carries travels in it, the newest events where there are very many.
    pub(crate) fn request(&self, user: &TestUser) -> Result<Request, EvaluateError> {
        let id = self.train.users().get(user.user.0);
        let refused = |source| EvaluateError::Request { user: id.to_owned(), source };
        let newest = &user.fold_in[user.fold_in.len().saturating_sub(CARRIED_EVENTS_MAX)..];
        let raw = RawRequest {
            user: Some(UserId::new(id).map_err(|error| refused(unusable("user", &error)))?),
            scene: Some(self.scene.clone()),
            history: newest
                .iter()
                .map(|event| self.carried(event))
                .collect::<Result<_, _>>()
                .map_err(|error| refused(unusable("history", &error)))?,
            now: self.now(user),
            keep_lists: true,
            dry_run: true,
            ..RawRequest::default()
        };
        self.engine.admit(raw).map_err(refused)
    }

    fn carried(&self, event: &Interaction) -> Result<RawHistoryEntry, IdError> {
        Ok(RawHistoryEntry {
            item: ItemId::new(self.train.catalogue().id(event.item))?,
            kind: Some(self.train.kinds().kind(event.kind).name.clone()),
            value: Some(event.value),
            time: event.time,
        })
    }

    /// Whether the snapshot has as many events of the user as the split gives to training: more
    /// would be the held-out ones.
    pub(crate) fn knows_the_same_history(&self, user: &TestUser) -> bool {
        let state = self.engine.state();
        let histories = &state.snapshot.histories;
        let known = histories.find(self.train.users().get(user.user.0));
        let known = known.map_or(0, |index| histories.events(index).len());
        known == self.train.events(user.user).len()
    }
}

fn unusable(field: &str, why: &impl std::fmt::Display) -> RequestError {
    RequestError { field: field.to_owned(), code: "invalid_id", why: why.to_string() }
}

/// The error for a channel that `plan` does not run.
pub(crate) fn unknown_channel(channel: &ChannelName, plan: &Plan) -> EvaluateError {
    let known: Vec<&str> = plan.channels.iter().map(|one| one.channel.as_str()).collect();
    EvaluateError::UnknownChannel { channel: channel.clone(), known: known.join(", ") }
}
