//! Every channel once more: naive, dense, in f64, one item after the other.

use std::collections::{BTreeMap, BTreeSet};

use gannet_core::{Catalogue, ItemIndex, ModelName};
use gannet_models::{Model, Snapshot};
use gannet_retrieval::UserProfile;

/// The parameters that the oracles know; the names are those of the channels.
#[derive(Debug, Clone)]
pub(crate) struct Parameters {
    pub(crate) events_max: usize,
    pub(crate) half_life_days: Option<f64>,
    pub(crate) negative_weight: f64,
    pub(crate) popularity_weight: f64,
    pub(crate) neighbours: usize,
    pub(crate) half_age_days: f64,
}

/// Weights of liked (`sign` 1) or disliked (-1) items, newest first, by newest verdict.
fn weights(profile: &UserProfile, sign: f32, parameters: &Parameters) -> Vec<(ItemIndex, f64)> {
    let mut judged = BTreeSet::new();
    let mut weights = Vec::new();
    for entry in profile.history().iter().rev() {
        if entry.strength == 0.0 || !judged.insert(entry.item) || entry.strength * sign < 0.0 {
            continue;
        }
        let age = entry.time.map_or(0.0, |time| profile.now.days_since(time).max(0.0));
        let fading = parameters.half_life_days.map_or(1.0, |half| 0.5f64.powf(age / half));
        weights.push((entry.item, f64::from(entry.strength * sign) * fading));
    }
    weights.truncate(parameters.events_max);
    weights
}

/// The newest counts whole, the one before it `2^-exponent`, and so on.
fn fade(mut weights: Vec<(ItemIndex, f64)>, exponent: f32) -> Vec<(ItemIndex, f64)> {
    for (place, (_, weight)) in weights.iter_mut().enumerate() {
        *weight *= (1.0 + place as f64).powf(-f64::from(exponent));
    }
    weights
}

fn signed_weights(
    profile: &UserProfile,
    parameters: &Parameters,
    recency_exponent: f32,
) -> Vec<(ItemIndex, f64)> {
    let mut all = fade(weights(profile, 1.0, parameters), recency_exponent);
    if !all.is_empty() {
        let negative = weights(profile, -1.0, parameters);
        all.extend(negative.into_iter().map(|(item, w)| (item, -parameters.negative_weight * w)));
    }
    all
}

/// The score of every item by kind; `None` where the channel cannot name the item. The bool says
/// whether only scores above zero count. The outer `None`: too close to call in f32.
pub(crate) fn scores(
    kind: &str,
    snapshot: &Snapshot,
    profile: &UserProfile,
    parameters: &Parameters,
) -> Option<(Vec<Option<f64>>, bool)> {
    let model = |name: &str| snapshot.models[&ModelName::new(name).unwrap()].clone();
    let items = || (0..snapshot.catalogue.len() as u32).map(ItemIndex);
    let some = |scores: Vec<f64>| scores.into_iter().map(Some).collect();
    match (kind, model(default_model(kind))) {
        ("popular", Model::Popularity(popularity)) => {
            Some((items().map(|item| Some(popularity.score(item).into())).collect(), false))
        }
        ("recent", Model::Recency(_)) => {
            let score = |item| {
                let published = snapshot.catalogue.published(item)?;
                let age = profile.now.days_since(published);
                (age >= 0.0).then(|| 1.0 / (1.0 + age / parameters.half_age_days))
            };
            Some((items().map(score).collect(), false))
        }
        ("item_cf", Model::ItemNeighbours(neighbours)) => {
            let mut scores = vec![0.0; snapshot.catalogue.len()];
            for (item, weight) in signed_weights(profile, parameters, neighbours.recency_exponent) {
                for (other, similarity) in neighbours.lists.entries(item.at()) {
                    scores[other as usize] += weight * f64::from(similarity);
                }
            }
            Some((some(scores), true))
        }
        ("inverted", Model::KeyIndex(index)) => {
            let interest = interest(&snapshot.catalogue, &index.idf, profile, parameters)?;
            let Model::Popularity(popularity) = model("popularity") else { unreachable!() };
            let highest = popularity.scores().iter().copied().fold(0.0, f32::max);
            let score = |item| {
                let vector = tag_vector(&snapshot.catalogue, &index.idf, item);
                let dot: f64 =
                    vector.iter().map(|(tag, w)| w * interest.get(tag).unwrap_or(&0.0)).sum();
                let share = (1.0 + popularity.score(item)) / (1.0 + highest);
                dot * f64::from(share).powf(parameters.popularity_weight)
            };
            Some((some(items().map(score).collect()), true))
        }
        ("u2i_vector", Model::Factors(factors)) => {
            let liked = weights(profile, 1.0, parameters);
            let query = match profile.index {
                Some(user) if profile.fresh_count == 0 => factors.users.row(user.at()).to_vec(),
                _ => {
                    let liked: Vec<_> = liked.iter().map(|(i, w)| (*i, *w as f32)).collect();
                    factors.fold_in(&liked).unwrap()
                }
            };
            if query.iter().all(|value| *value == 0.0) {
                return Some((vec![None; snapshot.catalogue.len()], false));
            }
            let dot = |item: ItemIndex| {
                let row = factors.items.row(item.at());
                row.iter().zip(&query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            Some((some(items().map(dot).collect()), false))
        }
        ("user_cf", Model::UserItems(_)) => {
            user_cf(snapshot, profile, parameters).map(|scores| (some(scores), true))
        }
        (kind, _) => panic!("no oracle for {kind}"),
    }
}

fn default_model(kind: &str) -> &str {
    match kind {
        "popular" => "popularity",
        "recent" => "recency",
        "inverted" => "tags",
        "u2i_vector" => "ials",
        "user_cf" => "user_items",
        same => same,
    }
}

fn tag_vector(catalogue: &Catalogue, idf: &[f32], item: ItemIndex) -> BTreeMap<u32, f64> {
    let mut vector: BTreeMap<u32, f64> = BTreeMap::new();
    for tag in catalogue.tags(item) {
        for (level, tag) in catalogue.tag_lineage(*tag).enumerate() {
            let weight = 0.5f64.powi(level as i32) * f64::from(idf[tag as usize]);
            let known = vector.entry(tag).or_default();
            *known = known.max(weight);
        }
    }
    let length = vector.values().map(|weight| weight * weight).sum::<f64>().sqrt();
    vector.values_mut().for_each(|weight| *weight /= length);
    vector
}

fn interest(
    catalogue: &Catalogue,
    idf: &[f32],
    profile: &UserProfile,
    parameters: &Parameters,
) -> Option<BTreeMap<u32, f64>> {
    let mut interest: BTreeMap<u32, f64> = BTreeMap::new();
    for (item, weight) in signed_weights(profile, parameters, 0.0) {
        for (tag, share) in tag_vector(catalogue, idf, item) {
            *interest.entry(tag).or_default() += weight * share;
        }
    }
    let length = interest.values().map(|weight| weight * weight).sum::<f64>().sqrt();
    if length > 0.0 && length < 1e-3 {
        return None;
    }
    if length > 0.0 {
        interest.values_mut().for_each(|weight| *weight /= length);
    }
    Some(interest)
}

fn user_cf(
    snapshot: &Snapshot,
    profile: &UserProfile,
    parameters: &Parameters,
) -> Option<Vec<f64>> {
    let Model::UserItems(model) = &snapshot.models[&ModelName::new("user_items").unwrap()] else {
        unreachable!()
    };
    let liked: BTreeMap<u32, f64> = fade(weights(profile, 1.0, parameters), model.recency_exponent)
        .into_iter()
        .map(|(item, weight)| (item.0, weight))
        .collect();
    let weight = |item: &u32| f64::from(model.item_weights[*item as usize]);
    let norm = liked.iter().map(|(item, s)| weight(item) * s * s).sum::<f64>().sqrt();
    let mut nearest: Vec<(f64, usize)> = Vec::new();
    for user in 0..model.items_of_users.height() {
        let (mut shared, mut squares) = (0.0, 0.0);
        for (item, strength) in model.items_of_users.entries(user) {
            let strength = f64::from(strength);
            squares += weight(&item) * strength * strength;
            shared += weight(&item) * strength * liked.get(&item).unwrap_or(&0.0);
        }
        let similarity = shared / (norm * squares.sqrt() + f64::from(model.shrinkage));
        if similarity > 0.0 && profile.index.is_none_or(|index| index.at() != user) {
            nearest.push((similarity, user));
        }
    }
    nearest.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    if let [.., last, next] = &nearest[..nearest.len().min(parameters.neighbours + 1)]
        && nearest.len() > parameters.neighbours
        && last.0 - next.0 < 1e-5
    {
        return None;
    }
    nearest.truncate(parameters.neighbours);
    let mut scores = vec![0.0; snapshot.catalogue.len()];
    for (similarity, user) in nearest {
        for (item, strength) in model.items_of_users.entries(user) {
            scores[item as usize] += similarity * f64::from(strength);
        }
    }
    Some(scores)
}
