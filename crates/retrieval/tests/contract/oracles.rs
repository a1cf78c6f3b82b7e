//! Every channel once more: naive, dense, in f64, one item after the other.

use std::collections::{BTreeMap, BTreeSet};

use gannet_core::{Catalogue, ItemIndex, KeyField, ModelName};
use gannet_models::{Metric, Model, Snapshot, Vectors};
use gannet_retrieval::UserProfile;
use gannet_vectors::Matrix;

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
    model_name: Option<&str>,
    snapshot: &Snapshot,
    profile: &UserProfile,
    parameters: &Parameters,
) -> Option<(Vec<Option<f64>>, bool)> {
    let model = |name: &str| snapshot.models[&ModelName::new(name).unwrap()].clone();
    let items = || (0..snapshot.catalogue.len() as u32).map(ItemIndex);
    let some = |scores: Vec<f64>| scores.into_iter().map(Some).collect();
    match (kind, model(model_name.unwrap_or(default_model(kind)))) {
        ("popular", Model::Popularity(popularity)) => {
            Some((items().map(|item| Some(popularity.score(item).into())).collect(), false))
        }
        ("trending", Model::Trending(trending)) => {
            let mut scores = vec![None; snapshot.catalogue.len()];
            for (item, score) in trending.order() {
                scores[item.at()] = Some(f64::from(*score));
            }
            Some((scores, false))
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
            let field = snapshot.catalogue.key_field(&index.field).unwrap();
            let vectors = |item| key_vector(&snapshot.catalogue, field, &index.idf, item);
            let interest = interest(&vectors, profile, parameters)?;
            let Model::Popularity(popularity) = model("popularity") else { unreachable!() };
            let highest = popularity.scores().iter().copied().fold(0.0, f32::max);
            let score = |item| {
                let vector = vectors(item);
                let dot: f64 =
                    vector.iter().map(|(tag, w)| w * interest.get(tag).unwrap_or(&0.0)).sum();
                let share = (1.0 + popularity.score(item)) / (1.0 + highest);
                dot * f64::from(share).powf(parameters.popularity_weight)
            };
            Some((some(items().map(score).collect()), true))
        }
        ("user_cf", Model::UserItems(_)) => {
            user_cf(snapshot, profile, parameters).map(|scores| (some(scores), true))
        }
        (kind, model) => scores_of_vectors(kind, &model, snapshot, profile, parameters),
    }
}

/// The same for the channels that read vectors.
fn scores_of_vectors(
    kind: &str,
    model: &Model,
    snapshot: &Snapshot,
    profile: &UserProfile,
    parameters: &Parameters,
) -> Option<(Vec<Option<f64>>, bool)> {
    let items = || (0..snapshot.catalogue.len() as u32).map(ItemIndex);
    let some = |scores: Vec<f64>| scores.into_iter().map(Some).collect();
    match (kind, model) {
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
        ("u2i_vector", Model::Vectors(vectors)) => {
            let mut query = of_vectors(vectors, profile, parameters)?;
            let length = query.iter().map(|value| value * value).sum::<f64>().sqrt();
            if !query.is_empty() && length < 1e-3 {
                return None;
            }
            if vectors.metric == Metric::Cosine {
                query.iter_mut().for_each(|value| *value /= length);
            }
            let score = |item: ItemIndex| {
                let is_found = !query.is_empty() && vectors.known_items.contains(item.0);
                is_found.then(|| inner(&vectors.items, item.at(), &query))
            };
            Some((items().map(score).collect(), false))
        }
        ("i2i_vector", Model::Factors(factors)) => {
            let known = |_| true;
            Some((
                nearest_of_triggers(snapshot, profile, parameters, &factors.items, &known),
                false,
            ))
        }
        ("i2i_vector", Model::Vectors(vectors)) => {
            let known = |item: ItemIndex| vectors.known_items.contains(item.0);
            Some((
                nearest_of_triggers(snapshot, profile, parameters, &vectors.items, &known),
                false,
            ))
        }
        (kind, _) => panic!("no oracle for {kind}"),
    }
}

fn default_model(kind: &str) -> &str {
    match kind {
        "popular" => "popularity",
        "recent" => "recency",
        "inverted" => "tags",
        "u2i_vector" | "i2i_vector" => "ials",
        "user_cf" => "user_items",
        same => same,
    }
}

fn inner(matrix: &Matrix, row: usize, query: &[f64]) -> f64 {
    matrix.row(row).iter().zip(query).map(|(a, b)| f64::from(*a) * b).sum()
}

/// The imported vector of the user, or the decayed mean of his liked items, away from dislikes;
/// empty where there is none. `None`: too close to call in f32.
fn of_vectors(
    vectors: &Vectors,
    profile: &UserProfile,
    parameters: &Parameters,
) -> Option<Vec<f64>> {
    let mean = |weights: Vec<(ItemIndex, f64)>| {
        let known = weights.into_iter().filter(|(item, _)| vectors.known_items.contains(item.0));
        let known: Vec<_> = known.collect();
        let total: f64 = known.iter().map(|(_, weight)| weight).sum();
        let at = |column: usize| {
            let value = |item: ItemIndex| f64::from(vectors.items.row(item.at())[column]);
            known.iter().map(|(item, weight)| weight * value(*item)).sum::<f64>() / total
        };
        if known.is_empty() { Vec::new() } else { (0..vectors.items.dim()).map(at).collect() }
    };
    let own = vectors.users.as_ref().zip(profile.index);
    let own = own.filter(|(users, user)| users.known.contains(user.0));
    let mut query: Vec<f64> = match own {
        Some((users, user)) => users.rows.row(user.at()).iter().map(|v| f64::from(*v)).collect(),
        None => {
            let mut liked = weights(profile, 1.0, parameters);
            for (place, (_, weight)) in liked.iter_mut().enumerate() {
                *weight *= 0.5f64.powf(place as f64 / 10.0);
            }
            mean(liked)
        }
    };
    let away = mean(weights(profile, -1.0, parameters));
    let length = |vector: &[f64]| vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    if !away.is_empty() && length(&away) < 1e-3 {
        return None;
    }
    let step = parameters.negative_weight * length(&query) / length(&away);
    query.iter_mut().zip(&away).for_each(|(value, away)| *value -= step * away);
    Some(query)
}

/// The highest cosine of each item to any liked item that has a vector.
fn nearest_of_triggers(
    snapshot: &Snapshot,
    profile: &UserProfile,
    parameters: &Parameters,
    vectors: &Matrix,
    known: &dyn Fn(ItemIndex) -> bool,
) -> Vec<Option<f64>> {
    let direction = |item: ItemIndex| {
        let row: Vec<f64> = vectors.row(item.at()).iter().map(|value| f64::from(*value)).collect();
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        row.into_iter().map(|value| value / length.max(1e-9)).collect::<Vec<f64>>()
    };
    let triggers = weights(profile, 1.0, parameters).into_iter();
    let triggers = triggers.filter(|(item, _)| known(*item));
    let queries: Vec<Vec<f64>> = triggers.map(|(item, _)| direction(item)).collect();
    let queries: Vec<&Vec<f64>> =
        queries.iter().filter(|query| query.iter().any(|value| *value != 0.0)).collect();
    let score = |item: ItemIndex| {
        let own = direction(item);
        let cosine = |query: &&Vec<f64>| query.iter().zip(&own).map(|(a, b)| a * b).sum::<f64>();
        let highest = queries.iter().map(cosine).fold(f64::NEG_INFINITY, f64::max);
        (known(item) && !queries.is_empty()).then_some(highest)
    };
    (0..snapshot.catalogue.len() as u32).map(ItemIndex).map(score).collect()
}

fn key_vector(
    catalogue: &Catalogue,
    field: KeyField,
    idf: &[f32],
    item: ItemIndex,
) -> BTreeMap<u32, f64> {
    let mut vector: BTreeMap<u32, f64> = BTreeMap::new();
    for key in catalogue.keys(field, item) {
        for (level, key) in catalogue.key_lineage(field, key).enumerate() {
            let weight = 0.5f64.powi(level as i32) * f64::from(idf[key as usize]);
            let known = vector.entry(key).or_default();
            *known = known.max(weight);
        }
    }
    let length = vector.values().map(|weight| weight * weight).sum::<f64>().sqrt();
    vector.values_mut().for_each(|weight| *weight /= length);
    vector
}

fn interest(
    vectors: &dyn Fn(ItemIndex) -> BTreeMap<u32, f64>,
    profile: &UserProfile,
    parameters: &Parameters,
) -> Option<BTreeMap<u32, f64>> {
    let mut interest: BTreeMap<u32, f64> = BTreeMap::new();
    for (item, weight) in signed_weights(profile, parameters, 0.0) {
        for (key, share) in vectors(item) {
            *interest.entry(key).or_default() += weight * share;
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
