//! The fitting of everything that a recipe asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_core::{ModelName, Progress, Timestamp};
use gannet_dataset::TrainSet;
use gannet_models::{Histories, MergeWeights, Model, Popularity, Snapshot};

use crate::fit_error::FitError;
use crate::ials::factors_of;
use crate::item_cf::item_neighbours_of;
use crate::pairs::Pairs;
use crate::rp3beta::rp3beta_of;
use crate::swing::swing_of;
use crate::user_cf::user_items_of;
use crate::{
    ModelChoice, Recipe, fit_key_indexes, fit_popularity, fit_recency, fit_trending, model_names,
};

/// Fits the recipe's models on all of `train` under their names. The snapshot's histories are the
/// train set's; `created` and `version` name it. Refuses a recipe out of range, and a field of keys
/// that the catalogue does not have, before any long work.
pub fn fit_snapshot(
    train: &TrainSet,
    recipe: &Recipe,
    created: Timestamp,
    version: &str,
    progress: &dyn Progress,
) -> Result<Snapshot, FitError> {
    recipe.validate()?;
    let text = recipe.to_toml()?;
    let mut fitting = Fitting { train, recipe, progress, models: BTreeMap::new() };
    fitting.fit_static()?;
    fitting.fit_neighbours()?;
    if recipe.has(ModelChoice::Ials) {
        let factors = factors_of(&train.positives(), &recipe.ials, version, progress)?;
        fitting.keep(model_names::IALS, Model::Factors(Arc::new(factors)))?;
    }
    Ok(Snapshot {
        version: version.to_owned(),
        created,
        kinds: train.kinds().clone(),
        catalogue: train.catalogue().clone(),
        histories: Arc::new(histories(train)),
        models: fitting.models,
        merge_weights: MergeWeights::default(),
        recipe: text,
    })
}

/// What each user did in training, oldest first: the histories of a snapshot. The events are shared
/// with the train set.
pub fn histories(train: &TrainSet) -> Histories {
    let (offsets, events) = train.shared_events();
    Histories::shared(train.users().clone(), offsets, events)
        .with(train.scenes().to_vec(), train.user_fields().clone())
}

struct Fitting<'a> {
    train: &'a TrainSet,
    recipe: &'a Recipe,
    progress: &'a dyn Progress,
    models: BTreeMap<ModelName, Model>,
}

impl Fitting<'_> {
    fn keep(&mut self, name: &str, model: Model) -> Result<(), FitError> {
        let name = ModelName::new(name).map_err(|error| FitError::FieldName {
            field: name.to_owned(),
            why: error.to_string(),
        })?;
        self.models.insert(name, model);
        Ok(())
    }

    fn begins(&self, model: &str) {
        self.progress.begin(&format!("fitting {model}"), None, "models");
    }

    /// Models that do not compare users or items. Popularity is fitted even where it is not kept:
    /// it orders the others.
    fn fit_static(&mut self) -> Result<(), FitError> {
        let (train, recipe) = (self.train, self.recipe);
        self.begins(model_names::POPULARITY);
        let popularity = Arc::new(fit_popularity(train, &recipe.popularity)?);
        if recipe.has(ModelChoice::Keys) {
            self.fit_keys(&popularity)?;
        }
        if recipe.has(ModelChoice::Recency) {
            self.begins(model_names::RECENCY);
            let recency = fit_recency(train, &popularity);
            self.keep(model_names::RECENCY, Model::Recency(Arc::new(recency)))?;
        }
        if recipe.has(ModelChoice::Trending) {
            self.begins(model_names::TRENDING);
            let trending = fit_trending(train, &recipe.trending)?;
            self.keep(model_names::TRENDING, Model::Trending(Arc::new(trending)))?;
        }
        if recipe.has(ModelChoice::Popularity) {
            self.keep(model_names::POPULARITY, Model::Popularity(popularity))?;
        }
        self.progress.end();
        Ok(())
    }

    fn fit_keys(&mut self, popularity: &Popularity) -> Result<(), FitError> {
        self.begins("indexes of keys");
        let catalogue = self.train.catalogue();
        for index in fit_key_indexes(catalogue, &self.recipe.keys, popularity)? {
            if index.postings.height() == 0 {
                self.progress.note(&format!("no item has {}", index.field));
            }
            let name = index.field.clone();
            self.keep(&name, Model::KeyIndex(Arc::new(index)))?;
        }
        Ok(())
    }

    /// Models that compare users or items: all read the same pairs, which the last one keeps.
    fn fit_neighbours(&mut self) -> Result<(), FitError> {
        use ModelChoice::{ItemCf, Rp3beta, Swing, UserItems};
        let (train, recipe, bounds) = (self.train, self.recipe, self.recipe.bounds());
        if ![ItemCf, Rp3beta, Swing, UserItems].into_iter().any(|model| recipe.has(model)) {
            return Ok(());
        }
        self.begins("pairs of users and items");
        let pairs = Pairs::newest(train, bounds.history_max);
        if recipe.has(ItemCf) {
            self.begins(model_names::ITEM_CF);
            let lists = item_neighbours_of(&pairs, &recipe.item_cf.fitting(train), &bounds);
            self.keep(model_names::ITEM_CF, Model::ItemNeighbours(Arc::new(lists)))?;
        }
        if recipe.has(Swing) {
            self.begins(model_names::SWING);
            let lists = swing_of(&pairs, &recipe.swing.fitting(train), &bounds);
            self.keep(model_names::SWING, Model::ItemNeighbours(Arc::new(lists)))?;
        }
        if recipe.has(Rp3beta) {
            self.begins(model_names::RP3BETA);
            let lists = rp3beta_of(&pairs, &recipe.rp3beta.fitting(train), &bounds);
            self.keep(model_names::RP3BETA, Model::ItemNeighbours(Arc::new(lists)))?;
        }
        if recipe.has(UserItems) {
            self.begins(model_names::USER_ITEMS);
            let users = user_items_of(pairs, &recipe.user_items.fitting(train));
            self.keep(model_names::USER_ITEMS, Model::UserItems(Arc::new(users)))?;
        }
        self.progress.end();
        Ok(())
    }
}
