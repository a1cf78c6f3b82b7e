//! Everything that decides how a snapshot is fitted: which models, and their hyper-parameters.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fit_error::{FitError, require};
use crate::{
    IalsParams, ItemCfParams, KeysParams, PopularityParams, Rp3betaParams, SwingParams,
    TrendingParams, UserCfParams,
};

/// The names under which [`crate::fit_snapshot`] puts its models. An index of keys has the name of
/// its field.
pub mod model_names {
    /// Popularity: positive events that fade.
    pub const POPULARITY: &str = "popularity";
    /// Recency: newest first.
    pub const RECENCY: &str = "recency";
    /// What rises.
    pub const TRENDING: &str = "trending";
    /// Inverted lists of tags.
    pub const TAGS: &str = "tags";
    /// Inverted lists of authors.
    pub const AUTHOR: &str = "author";
    /// Item-to-item lists by weighted cosine.
    pub const ITEM_CF: &str = "item_cf";
    /// Item-to-item lists by Swing.
    pub const SWING: &str = "swing";
    /// Item-to-item lists by random walks.
    pub const RP3BETA: &str = "rp3beta";
    /// User and item vectors.
    pub const IALS: &str = "ials";
    /// Who liked what.
    pub const USER_ITEMS: &str = "user_items";
}

/// A model, or a family of models, that a recipe may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelChoice {
    /// Popularity, everywhere and in each scene.
    Popularity,
    /// Newest first.
    Recency,
    /// What rises.
    Trending,
    /// An index for each of [`KeysParams::fields`].
    Keys,
    /// Item-to-item lists by weighted cosine.
    ItemCf,
    /// Item-to-item lists by Swing.
    Swing,
    /// Item-to-item lists by random walks.
    Rp3beta,
    /// Who liked what, for nearest users.
    UserItems,
    /// User and item vectors by least squares.
    Ials,
}

impl ModelChoice {
    /// Every choice, in the order in which they are fitted.
    pub const ALL: [ModelChoice; 9] = [
        ModelChoice::Popularity,
        ModelChoice::Recency,
        ModelChoice::Trending,
        ModelChoice::Keys,
        ModelChoice::ItemCf,
        ModelChoice::Swing,
        ModelChoice::Rp3beta,
        ModelChoice::UserItems,
        ModelChoice::Ials,
    ];

    /// The word for it in recipes.
    pub fn name(self) -> &'static str {
        match self {
            ModelChoice::Popularity => model_names::POPULARITY,
            ModelChoice::Recency => model_names::RECENCY,
            ModelChoice::Trending => model_names::TRENDING,
            ModelChoice::Keys => "keys",
            ModelChoice::ItemCf => model_names::ITEM_CF,
            ModelChoice::Swing => model_names::SWING,
            ModelChoice::Rp3beta => model_names::RP3BETA,
            ModelChoice::UserItems => model_names::USER_ITEMS,
            ModelChoice::Ials => model_names::IALS,
        }
    }

    /// Whether it makes vectors, which cost the most to fit.
    pub fn is_of_vectors(self) -> bool {
        self == ModelChoice::Ials
    }
}

/// A word that names no model of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown model {name:?}; known are {known}")]
pub struct ModelChoiceError {
    /// The word.
    pub name: String,
    /// Every word that does.
    pub known: String,
}

impl FromStr for ModelChoice {
    type Err = ModelChoiceError;

    fn from_str(name: &str) -> Result<Self, ModelChoiceError> {
        Self::ALL.into_iter().find(|model| model.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(ModelChoice::name).join(", ");
            ModelChoiceError { name: name.to_owned(), known }
        })
    }
}

/// What keeps the cost of fitting in bounds, whatever single users and items do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Positive items of a user that count in item_cf, swing, rp3beta and user_items: the newest.
    pub history_max: usize,
    /// Entries of all item-to-item lists of one model together (8 bytes each): longer lists are
    /// shortened alike.
    pub entries_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { history_max: 1_000, entries_max: 150_000_000 }
    }
}

/// Which models are fitted, and the hyper-parameters of every one. Read and written as TOML, one
/// table a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// The models that are fitted.
    pub models: Vec<ModelChoice>,
    /// See [`Bounds::history_max`].
    pub history_max: usize,
    /// See [`Bounds::entries_max`].
    pub entries_max: usize,
    /// Popularity.
    pub popularity: PopularityParams,
    /// What rises.
    pub trending: TrendingParams,
    /// Inverted lists.
    pub keys: KeysParams,
    /// Item-to-item lists by weighted cosine.
    pub item_cf: ItemCfParams,
    /// Item-to-item lists by Swing.
    pub swing: SwingParams,
    /// Item-to-item lists by random walks.
    pub rp3beta: Rp3betaParams,
    /// User and item vectors.
    pub ials: IalsParams,
    /// Nearest users.
    pub user_items: UserCfParams,
}

impl Default for Recipe {
    fn default() -> Self {
        let Bounds { history_max, entries_max } = Bounds::default();
        let optional = [ModelChoice::Swing, ModelChoice::Rp3beta];
        let models = ModelChoice::ALL.into_iter().filter(|one| !optional.contains(one));
        Self {
            models: models.collect(),
            history_max,
            entries_max,
            popularity: PopularityParams::default(),
            trending: TrendingParams::default(),
            keys: KeysParams::default(),
            item_cf: ItemCfParams::default(),
            swing: SwingParams::default(),
            rp3beta: Rp3betaParams::default(),
            ials: IalsParams::default(),
            user_items: UserCfParams::default(),
        }
    }
}

impl Recipe {
    /// Checks every range.
    pub fn validate(&self) -> Result<(), FitError> {
        let (history, entries) = (self.history_max, self.entries_max);
        require(history > 0, "train", "history_max", history, "1 or more")?;
        require(entries > 0, "train", "entries_max", entries, "1 or more")?;
        self.popularity.validate()?;
        self.trending.validate()?;
        self.keys.validate()?;
        self.item_cf.validate()?;
        self.swing.validate()?;
        self.rp3beta.validate()?;
        self.ials.validate()?;
        self.user_items.validate()
    }

    /// What keeps the cost of fitting in bounds.
    pub fn bounds(&self) -> Bounds {
        Bounds { history_max: self.history_max, entries_max: self.entries_max }
    }

    /// Whether a model is to be fitted.
    pub fn has(&self, model: ModelChoice) -> bool {
        self.models.contains(&model)
    }

    /// The recipe as TOML text.
    pub fn to_toml(&self) -> Result<String, FitError> {
        toml::to_string(self).map_err(|error| FitError::Recipe(error.to_string()))
    }
}
