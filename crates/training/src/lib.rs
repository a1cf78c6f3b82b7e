//! Fitting models: one file a model, and the recipe that names all their hyper-parameters.
//!
//! Invariant: nothing here can see a test row; everything takes a [`TrainSet`], and a judge that
//! has seen a validation split comes in as a function from a model to a number.
//!
//! [`TrainSet`]: gannet_dataset::TrainSet

mod fit_error;
mod ials;
mod item_cf;
mod keys;
mod neighbour_lists;
mod pairs;
mod popularity;
mod recency;
mod recipe;
mod rp3beta;
mod snapshot;
mod swing;
mod trending;
mod tune;
mod tune_space;
mod user_cf;

pub use fit_error::FitError;
pub use ials::{IALS_DIM_MAX, IalsParams, fit_ials};
pub use item_cf::{ItemCfParams, fit_item_neighbours};
pub use keys::{KeysParams, fit_key_indexes};
pub use popularity::{PopularityParams, fit_popularity};
pub use recency::fit_recency;
pub use recipe::{Bounds, ModelChoice, ModelChoiceError, Recipe, model_names};
pub use rp3beta::{Rp3betaParams, fit_rp3beta};
pub use snapshot::{fit_snapshot, histories};
pub use swing::{SwingParams, fit_swing};
pub use trending::{TrendingParams, fit_trending};
pub use tune::{Trial, Tuned, tune};
pub use tune_space::{Axis, TuneSpace};
pub use user_cf::{UserCfParams, fit_user_items};
