//! Everything that decides how a snapshot is fitted, and the fitting of all of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use gannet_core::{ModelName, Progress, Timestamp};
use gannet_dataset::TrainSet;
use gannet_models::{Histories, MergeWeights, Model, Snapshot};
use serde::{Deserialize, Serialize};

use crate::fit_error::FitError;
use crate::{
    IalsParams, ItemCfParams, KeyIndexParams, PopularityParams, UserCfParams, fit_ials,
    fit_item_neighbours, fit_key_index, fit_popularity, fit_recency, fit_user_items,
};

/// The names under which [`fit_snapshot`] puts its models.
pub mod model_names {
    /// Popularity: positive events that fade.
    pub const POPULARITY: &str = "popularity";
    /// Recency: newest first.
    pub const RECENCY: &str = "recency";
    /// Inverted lists of tags.
    pub const TAGS: &str = "tags";
    /// Item-to-item lists.
    pub const ITEM_CF: &str = "item_cf";
    /// User and item vectors.
    pub const IALS: &str = "ials";
    /// Who liked what.
    pub const USER_ITEMS: &str = "user_items";
}

/// Hyper-parameters of every model. Read and written as TOML, one table a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Popularity.
    pub popularity: PopularityParams,
    /// Inverted lists of tags.
    pub tags: KeyIndexParams,
    /// Item-to-item lists.
    pub item_cf: ItemCfParams,
    /// User and item vectors.
    pub ials: IalsParams,
    /// Nearest users.
    pub user_items: UserCfParams,
}

impl Recipe {
    /// Checks every range.
    pub fn validate(&self) -> Result<(), FitError> {
        self.popularity.validate()?;
        self.tags.validate()?;
        self.item_cf.validate()?;
        self.ials.validate()?;
        self.user_items.validate()
    }

    /// The recipe as TOML text.
    pub fn to_toml(&self) -> Result<String, FitError> {
        toml::to_string(self).map_err(|error| FitError::Recipe(error.to_string()))
    }
}

/// Fits every model on all of `train` under its default name. The snapshot's histories are the
/// train set's; `created` and `version` name it. Refuses a recipe out of range before any work.
pub fn fit_snapshot(
    train: &TrainSet,
    recipe: &Recipe,
    created: Timestamp,
    version: &str,
    progress: &dyn Progress,
) -> Result<Snapshot, FitError> {
    recipe.validate()?;
    let text = recipe.to_toml()?;
    let mut models = BTreeMap::new();
    let mut keep = |name: &str, model: Model| {
        models.insert(ModelName::new(name).expect("a constant that is a name"), model);
    };

    progress.begin("fitting popularity, recency, tags", None, "models");
    let popularity = fit_popularity(train, &recipe.popularity)?;
    let recency = fit_recency(train, &popularity);
    keep(model_names::RECENCY, Model::Recency(Arc::new(recency)));
    keep(model_names::POPULARITY, Model::Popularity(Arc::new(popularity)));
    let tags = fit_key_index(train, &recipe.tags)?;
    keep(model_names::TAGS, Model::KeyIndex(Arc::new(tags)));
    progress.begin("fitting item_cf and user_items", None, "models");
    let neighbours = fit_item_neighbours(train, &recipe.item_cf)?;
    keep(model_names::ITEM_CF, Model::ItemNeighbours(Arc::new(neighbours)));
    let user_items = fit_user_items(train, &recipe.user_items)?;
    keep(model_names::USER_ITEMS, Model::UserItems(Arc::new(user_items)));
    progress.end();
    let factors = fit_ials(train, &recipe.ials, version, progress)?;
    keep(model_names::IALS, Model::Factors(Arc::new(factors)));

    Ok(Snapshot {
        version: version.to_owned(),
        created,
        kinds: train.kinds().clone(),
        catalogue: train.catalogue().clone(),
        histories: Arc::new(histories(train)),
        models,
        merge_weights: MergeWeights::default(),
        recipe: text,
    })
}

/// What each user did in training, oldest first: the histories of a snapshot.
pub fn histories(train: &TrainSet) -> Histories {
    let users = train.users().as_ref().clone();
    Histories::new(users, train.offsets().to_vec(), train.all_events().to_vec())
        .with(train.scenes().to_vec(), train.user_fields().as_ref().clone())
}
