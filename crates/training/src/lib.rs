//! Fitting models: one file a model, and the recipe that names all their hyper-parameters.
//!
//! Invariant: nothing here can see a test row; everything takes a [`TrainSet`], and a judge that
//! has seen a validation split comes in as a function from a model to a number.
//!
//! [`TrainSet`]: gannet_dataset::TrainSet

mod fit_error;
mod ials;
mod item_cf;
mod popularity;
mod recency;
mod recipe;
mod tags;
mod tune;
mod tune_space;
mod user_cf;

pub use fit_error::FitError;
pub use ials::{IALS_DIM_MAX, IalsParams, fit_ials};
pub use item_cf::{ItemCfParams, fit_item_neighbours};
pub use popularity::{PopularityParams, fit_popularity};
pub use recency::fit_recency;
pub use recipe::{Recipe, fit_snapshot, histories, model_names};
pub use tags::{KeyIndexParams, fit_key_index};
pub use tune::{Trial, Tuned, tune};
pub use tune_space::{Axis, TuneSpace};
pub use user_cf::{UserCfParams, fit_user_items};
