//! From a `[[channel]]` to checked parameters and the model that the kind reads.

use std::sync::Arc;

use gannet_core::ModelName;
use gannet_models::{
    ItemNeighbours, KeyIndex, Model, Popularity, Recency, Snapshot, Trending, UserItems,
};
use serde::de::DeserializeOwned;

use crate::{ChannelSpec, ChannelSpecError};

/// The parameters as the kind's own struct: unknown keys and wrong types are refused.
pub(super) fn parameters<P: DeserializeOwned>(spec: &ChannelSpec) -> Result<P, ChannelSpecError> {
    let table = spec.parameters.clone();
    table.try_into().map_err(|error: toml::de::Error| refuse(spec, error.message().to_owned()))
}

/// Refuses a parameter that is out of range, and says what would be in it.
pub(super) fn require(
    spec: &ChannelSpec,
    holds: bool,
    name: &str,
    got: impl std::fmt::Display,
    range: &str,
) -> Result<(), ChannelSpecError> {
    if holds { Ok(()) } else { Err(refuse(spec, format!("{name} must be {range}, it is {got}"))) }
}

/// Checks a half-life that may be absent.
pub(super) fn require_half_life(
    spec: &ChannelSpec,
    days: Option<f32>,
) -> Result<(), ChannelSpecError> {
    let days = days.unwrap_or(1.0);
    let holds = days > 0.0 && days.is_finite();
    require(spec, holds, "half_life_days", days, "above 0; leave it out for no decay")
}

/// Checks a factor that may be zero.
pub(super) fn require_not_negative(
    spec: &ChannelSpec,
    name: &str,
    got: f32,
) -> Result<(), ChannelSpecError> {
    require(spec, got >= 0.0 && got.is_finite(), name, got, "0 or more")
}

/// Refuses a model where the kind reads none by that key.
pub(super) fn refuse_model(spec: &ChannelSpec) -> Result<(), ChannelSpecError> {
    match &spec.model {
        None => Ok(()),
        Some(model) => Err(refuse(spec, format!("model: the kind reads none, this is {model}"))),
    }
}

fn refuse(spec: &ChannelSpec, why: String) -> ChannelSpecError {
    ChannelSpecError::Parameters { channel: spec.name.clone(), why }
}

/// A type that some kind of channel reads.
pub(super) trait Readable: Sized {
    /// The word of [`Model::kind`].
    const KIND: &'static str;
    /// The model, where it is of this type.
    fn of(model: &Model) -> Option<&Arc<Self>>;
}

macro_rules! readable {
    ($($name:ident: $kind:literal),*) => {$(
        impl Readable for $name {
            const KIND: &'static str = $kind;
            fn of(model: &Model) -> Option<&Arc<Self>> {
                match model {
                    Model::$name(model) => Some(model),
                    _ => None,
                }
            }
        }
    )*};
}

readable!(
    Popularity: "popularity",
    Recency: "recency",
    KeyIndex: "key_index",
    ItemNeighbours: "item_neighbours",
    UserItems: "user_items",
    Trending: "trending"
);

/// The model that the spec names, or the one of the kind's default name.
pub(super) fn model<M: Readable>(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
    default: &str,
) -> Result<Arc<M>, ChannelSpecError> {
    let name = spec.model.as_ref().map_or(default, ModelName::as_str);
    named_model(spec, snapshot, name)
}

/// A model by its name.
pub(super) fn named_model<M: Readable>(
    spec: &ChannelSpec,
    snapshot: &Snapshot,
    name: &str,
) -> Result<Arc<M>, ChannelSpecError> {
    let (name, model) = find_model(spec, snapshot, name)?;
    M::of(model).cloned().ok_or_else(|| ChannelSpecError::ModelKind {
        channel: spec.name.clone(),
        model: name.clone(),
        got: model.kind(),
        expected: M::KIND,
    })
}

/// A model of any kind by its name.
pub(super) fn find_model<'a>(
    spec: &ChannelSpec,
    snapshot: &'a Snapshot,
    name: &str,
) -> Result<(&'a ModelName, &'a Model), ChannelSpecError> {
    snapshot.models.iter().find(|(known, _)| known.as_str() == name).ok_or_else(|| {
        let known: Vec<&str> = snapshot.models.keys().map(ModelName::as_str).collect();
        ChannelSpecError::UnknownModel {
            channel: spec.name.clone(),
            model: name.to_owned(),
            known: known.join(", "),
        }
    })
}
