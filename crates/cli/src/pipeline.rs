//! From a data set to a snapshot: split, choose settings on a validation part of the training
//! data, learn the merge's weights there, then fit once more on all of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use gannet_core::{ChannelName, EventKind, EventKinds, Silent};
use gannet_dataset::{Dataset, Split, SplitKind, TrainSet, split};
use gannet_evaluation::{
    Profile, StudyOptions, TunedWeights, channel_recall, tune_merge_weights, validation_lists,
};
use gannet_models::{Histories, MergeWeights, Model, Snapshot};
use gannet_retrieval::{Plan, RetrievalConfig};
use gannet_training::{ModelChoice, Recipe, TuneSpace, Tuned, fit_snapshot, histories, tune};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::args::{TrainingArgs, TuneEffort};
use crate::judging;
use crate::split_text;

/// Share of each user's training events that train while settings are chosen.
const TUNING_TRAIN_SHARE: f64 = 0.9;
/// Users by whom settings are chosen: enough that a real difference shows.
const TUNING_USERS_MAX: usize = 1_500;
/// Users on whom the merge's weights are learnt. What a weight changes is small beside what a
/// model finds, and many users have a single held-out item: more of them than settings need.
const WEIGHING_USERS_MAX: usize = 6_000;
/// Where the top of a list ends: a model is chosen by recall here and at the handover size.
const TOP_K: usize = 100;
/// Seed of everything that is drawn while settings are chosen.
const TUNING_SEED: u64 = 11;
/// Bytes of a data set's name that go into a version: a version is a folder's name.
const VERSION_NAME_BYTES_MAX: usize = 40;

/// What training made, with all that judging needs.
pub(crate) struct Trained {
    /// Absent where everything trained.
    pub(crate) split: Option<Split>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) tuned: Option<Tuned>,
    pub(crate) weights: Option<TunedWeights>,
}

/// How a snapshot was made: the first table of its recipe. `evaluate` makes the split anew.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Making {
    pub(crate) dataset: String,
    /// As `--split` takes it.
    pub(crate) split: String,
    pub(crate) profile: Profile,
}

#[derive(Serialize)]
struct WholeRecipe<'a> {
    making: &'a Making,
    merge: Merge<'a>,
    train: &'a Recipe,
}

#[derive(Serialize)]
struct Merge<'a> {
    rrf_k: Option<f32>,
    weights: &'a BTreeMap<ChannelName, f32>,
}

impl<'a> Merge<'a> {
    fn of(learnt: &'a MergeWeights) -> Self {
        Self { rrf_k: learnt.rrf_k, weights: &learnt.weights }
    }
}

#[derive(Deserialize)]
struct MakingOnly {
    making: Making,
}

/// Reads how a snapshot was made.
pub(crate) fn making(snapshot: &Snapshot) -> Result<Making> {
    let read: MakingOnly = toml::from_str(&snapshot.recipe)
        .with_context(|| format!("snapshot {} does not say how it was made", snapshot.version))?;
    Ok(read.making)
}

/// The data set as a profile sees it: `leave_one_out` takes every event as positive.
pub(crate) fn as_profile_sees(mut dataset: Dataset, profile: Profile) -> Result<Dataset> {
    if profile == Profile::LeaveOneOut {
        let every = |kind: &EventKind| EventKind { positive_from: None, ..kind.clone() };
        dataset.kinds = EventKinds::new(dataset.kinds.all().iter().map(every).collect())?;
    }
    Ok(dataset)
}

/// Trains on a data set; the snapshot is not stored yet.
pub(crate) fn train(app: &App, dataset: Dataset, args: &TrainingArgs) -> Result<Trained> {
    let profile = Profile::from(args.profile);
    let kind = split_text::parse(&args.split, &dataset, profile)?;
    let name = dataset.name.clone();
    let split = kind.as_ref().map(|kind| split(&dataset, kind)).transpose()?;
    let whole;
    let train = match &split {
        Some(split) => {
            drop(dataset);
            &split.train
        }
        None => {
            whole = TrainSet::whole_of(dataset);
            &whole
        }
    };
    let start = recipe(&app.config.train, args.models.as_deref())?;
    let (tuned, weights) = match args.tune {
        TuneEffort::Off => (None, None),
        _ => choose(app, train, kind.as_ref(), &start, args)?,
    };
    let recipe = tuned.as_ref().map_or(&start, |tuned| &tuned.recipe);
    let created = app.clock.now();
    let version = version(&name, created.0)?;
    let mut snapshot = fit_snapshot(train, recipe, created, &version, &app.progress)?;
    let learnt = weights
        .as_ref()
        .map(|found| MergeWeights { weights: found.weights.clone(), rrf_k: Some(found.rrf_k) });
    let learnt = learnt.unwrap_or_default();
    let making = Making {
        dataset: name,
        split: kind.as_ref().map_or_else(|| "none".to_owned(), split_text::text),
        profile,
    };
    let whole_recipe = WholeRecipe { making: &making, merge: Merge::of(&learnt), train: recipe };
    snapshot.recipe = toml::to_string(&whole_recipe)?;
    snapshot.merge_weights = learnt;
    Ok(Trained { split, snapshot: Arc::new(snapshot), tuned, weights })
}

/// The configured recipe with the models that were asked for instead of its own.
fn recipe(configured: &Recipe, models: Option<&str>) -> Result<Recipe> {
    let all = ModelChoice::ALL;
    let models = match models {
        None => configured.models.clone(),
        Some("all") => all.to_vec(),
        Some("non-vector") => all.into_iter().filter(|model| !model.is_of_vectors()).collect(),
        Some(list) => list
            .split(',')
            .map(|name| name.trim().parse().map_err(|error| anyhow!("--models: {error}")))
            .collect::<Result<_>>()?,
    };
    Ok(Recipe { models, ..configured.clone() })
}

fn tune_space(effort: TuneEffort, start: &Recipe) -> Option<TuneSpace> {
    match effort {
        TuneEffort::Off | TuneEffort::Weights => None,
        TuneEffort::Quick => Some(TuneSpace::quick(start.clone())),
        TuneEffort::Thorough => Some(TuneSpace::thorough(start.clone())),
    }
}

/// The data set and the moment, to the millisecond.
pub(crate) fn version(dataset: &str, created_ms: i64) -> Result<String> {
    let moment = jiff::Timestamp::from_millisecond(created_ms)?.strftime("%Y%m%dT%H%M%S");
    // A stored data set's name is ASCII, so any byte is a boundary.
    let name = &dataset[..dataset.len().min(VERSION_NAME_BYTES_MAX)];
    Ok(format!("{name}-{moment}-{:03}", created_ms.rem_euclid(1000)))
}

/// Chooses settings, where they are searched, and merge weights, on a validation part of `train`
/// that is held out as the test part was.
fn choose(
    app: &App,
    train: &TrainSet,
    judged: Option<&SplitKind>,
    start: &Recipe,
    args: &TrainingArgs,
) -> Result<(Option<Tuned>, Option<TunedWeights>)> {
    let inner = match judged {
        Some(kind) => train.validation_split_like(kind, TUNING_TRAIN_SHARE, TUNING_SEED)?,
        None => train.validation_split(TUNING_TRAIN_SHARE, TUNING_SEED)?,
    };
    let tuned = tune_space(args.tune, start)
        .map(|space| choose_settings(app, &inner, &space, args.tune_at))
        .transpose()?;
    let recipe = tuned.as_ref().map_or(start, |tuned| &tuned.recipe);
    let snapshot = fit_snapshot(&inner.train, recipe, app.clock.now(), "tuning", &app.progress)?;
    let engine = app.engine(Arc::new(snapshot), &judging::patient(&app.config.retrieval, 0))?;
    let state = engine.state();
    let plan: Plan = judging::plan(&state.plans, None)?.clone();
    let options = tuning_users(WEIGHING_USERS_MAX);
    let lists = validation_lists(&engine, &inner.train, &inner.test, &options, &app.progress)?;
    let k = args.tune_at.unwrap_or(TOP_K);
    let weights = tune_merge_weights(&lists, &plan, k, &app.progress)?;
    Ok((tuned, Some(weights)))
}

fn tuning_users(most: usize) -> StudyOptions {
    StudyOptions { users_max: Some(most), seed: TUNING_SEED, ..StudyOptions::default() }
}

fn choose_settings(app: &App, inner: &Split, space: &TuneSpace, k: Option<usize>) -> Result<Tuned> {
    let options = tuning_users(TUNING_USERS_MAX);
    // A list must be good where the ranker takes it and at its top; one K where one was asked for.
    let (_, plans) = app.config.retrieval.check()?;
    let handover = judging::plan(&plans, None)?.handover;
    let ks = k.map_or_else(|| vec![TOP_K, handover], |k| vec![k]);
    let judge = Judge {
        app,
        inner,
        histories: Arc::new(histories(&inner.train)),
        options: &options,
        ks: &ks,
    };
    // A model that cannot be judged must lose, not end the search.
    let score = |model: &Model| judge.recall(model).unwrap_or(f64::NEG_INFINITY);
    Ok(tune(&inner.train, space, &score, &app.progress)?)
}

/// Scores a model by the recall of the channel that reads it, a mean over `ks`.
struct Judge<'a> {
    app: &'a App,
    inner: &'a Split,
    histories: Arc<Histories>,
    options: &'a StudyOptions,
    ks: &'a [usize],
}

impl Judge<'_> {
    fn recall(&self, model: &Model) -> Result<f64> {
        let retrieval = &self.app.config.retrieval;
        let most = self.ks.iter().copied().max().context("at least one K")?;
        let alone: RetrievalConfig = judging::alone(retrieval, model.kind(), most)?;
        let channel = &alone.channels[0];
        let name = channel.model.clone().context("the channel reads a model")?;
        let snapshot = Snapshot {
            version: "tuning".to_owned(),
            created: self.app.clock.now(),
            kinds: self.inner.train.kinds().clone(),
            catalogue: self.inner.train.catalogue().clone(),
            histories: self.histories.clone(),
            models: BTreeMap::from([(name, model.clone())]),
            merge_weights: MergeWeights::default(),
            recipe: String::new(),
        };
        let engine = self.app.engine(Arc::new(snapshot), &alone)?;
        let Split { train, test, .. } = self.inner;
        let name = &channel.name;
        Ok(channel_recall(&engine, name, train, test, self.ks, self.options, &Silent)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_all_or_all_but_vectors_or_a_list() {
        let configured = Recipe::default();
        let of = |models| recipe(&configured, models).map(|recipe| recipe.models);
        assert_eq!(of(None).unwrap(), configured.models);
        assert_eq!(of(Some("all")).unwrap().len(), ModelChoice::ALL.len());
        assert!(!of(Some("non-vector")).unwrap().contains(&ModelChoice::Ials));
        let list = of(Some("keys, item_cf")).unwrap();
        assert_eq!(list, [ModelChoice::Keys, ModelChoice::ItemCf]);
        let error = of(Some("keys,als")).unwrap_err().to_string();
        assert!(error.contains("als") && error.contains("rp3beta"), "{error}");
    }

    #[test]
    fn a_version_is_short_and_sorts_by_time() {
        let name = "x".repeat(200);
        let (first, second) = (version(&name, 1_000).unwrap(), version(&name, 1_001).unwrap());
        assert!(first.len() <= 64, "{first}");
        assert!(first < second);
        assert_eq!(version("ml", 0).unwrap(), "ml-19700101T000000-000");
    }
}
