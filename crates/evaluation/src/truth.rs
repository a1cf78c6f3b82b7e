//! Judging answers on simulated data against what the users truly prefer, which no log can tell.

use gannet_core::{ItemIndex, Progress, SceneName, Timestamp, UserId, UserIndex};
use gannet_dataset::TruePreference;
use gannet_retrieval::{Engine, RawRequest, RequestError};
use rand::SeedableRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::Serialize;

use crate::{Column, EvaluateError, Table};

/// How lists are held against the truth.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthOptions {
    /// The scene that is asked; `None`: the first configured.
    pub scene: Option<SceneName>,
    /// At most so many users, drawn by `seed`. Each costs a look at every item.
    pub users_max: usize,
    /// Draws users and the random yardstick.
    pub seed: u64,
    /// Lists are judged by their first K, rising.
    pub ks: Vec<usize>,
}

impl Default for TruthOptions {
    fn default() -> Self {
        Self { scene: None, users_max: 200, seed: 7, ks: vec![10, 100, 500] }
    }
}

impl TruthOptions {
    fn check(&self) -> Result<(), EvaluateError> {
        let wrong = |field, why: &str| Err(EvaluateError::Options { field, why: why.to_owned() });
        if self.users_max == 0 {
            return wrong("users_max", "must be positive");
        }
        let rising = self.ks.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || self.ks.first().is_none_or(|k| *k == 0) {
            return wrong("ks", "needs positive numbers in rising order");
        }
        Ok(())
    }
}

/// Every list against the truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TruthReport {
    /// Users that were asked for.
    pub users: usize,
    /// The moment of all requests: the last event that the snapshot knows of those users.
    pub now: Timestamp,
    /// The channels in the plan's order, `merged`, and the yardsticks `random` (of what may be
    /// shown) and `oracle` (the truly best).
    pub lists: Vec<TruthList>,
}

/// One list against the truth, mean over users.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TruthList {
    /// Whose.
    pub list: String,
    /// By K.
    pub at: Vec<TruthPoint>,
}

/// The first K of a list.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TruthPoint {
    /// K.
    pub k: usize,
    /// Mean true preference of those items; a list that is shorter is judged by what it has.
    pub preference: f64,
    /// The share of the K truly best that are among them.
    pub truth_recall: f64,
    /// Mean number of items, at most K.
    pub length: f64,
}

impl TruthReport {
    /// One line a list.
    pub fn table(&self) -> Table {
        let ks: Vec<usize> =
            self.lists.first().map_or(&[][..], |list| &list.at).iter().map(|at| at.k).collect();
        let column = |name: String, numeric| Column { name, numeric };
        let mut columns = vec![column("list".to_owned(), false)];
        columns.extend(ks.iter().map(|k| column(format!("preference@{k}"), true)));
        columns.extend(ks.iter().map(|k| column(format!("truth recall@{k}"), true)));
        let row = |list: &TruthList| {
            let mut row = vec![list.list.clone()];
            row.extend(list.at.iter().map(|at| format!("{:.4}", at.preference)));
            row.extend(list.at.iter().map(|at| format!("{:.4}", at.truth_recall)));
            row
        };
        Table {
            title: "Against the truth".to_owned(),
            note: format!(
                "{} simulated users: mean true preference of the first K, and the share of the \
                 truly best K among them",
                self.users
            ),
            columns,
            rows: self.lists.iter().map(row).collect(),
        }
    }
}

/// What all users are judged by.
struct Bench<'a> {
    engine: &'a Engine,
    truth: &'a TruePreference,
    options: &'a TruthOptions,
    /// By the snapshot's index: the item's index in the truth.
    in_truth: Vec<ItemIndex>,
    now: Timestamp,
}

/// Asks for a sample of the snapshot's users at one moment and holds every channel's list, the
/// merged one and two yardsticks against what they truly prefer at that moment.
///
/// What may be shown is what is published, available and new to the user, and whatever any list
/// holds beside. Errors: a snapshot without users, or of another catalogue or other users than the
/// truth's ([`TruePreference::check`]); options that make no sense; a refused request.
pub fn evaluate_truth(
    engine: &Engine,
    truth: &TruePreference,
    options: &TruthOptions,
    progress: &dyn Progress,
) -> Result<TruthReport, EvaluateError> {
    options.check()?;
    let state = engine.state();
    let histories = &state.snapshot.histories;
    let mut users: Vec<UserIndex> = (0..histories.len() as u32).map(UserIndex).collect();
    users.retain(|user| !histories.events(*user).is_empty());
    users.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(options.seed));
    users.truncate(options.users_max);
    users.sort_unstable();
    let times =
        users.iter().flat_map(|user| histories.events(*user)).filter_map(|event| event.time);
    let now = times.max().ok_or(EvaluateError::EmptyTestSet)?;
    let catalogue = &state.snapshot.catalogue;
    let ids = users.iter().map(|user| histories.id(*user));
    truth
        .check(catalogue, ids)
        .map_err(|mismatch| EvaluateError::Options { field: "truth", why: mismatch.to_string() })?;
    let in_truth = catalogue
        .indices()
        .map(|item| truth.find_item(catalogue.id(item)).expect("every item was checked"))
        .collect();
    let bench = Bench { engine, truth, options, in_truth, now };
    progress.begin("holding against the truth", Some(users.len() as u64), "users");
    let judged: Vec<Vec<(String, Vec<TruthPoint>)>> = users
        .par_iter()
        .map(|user| {
            let judged = bench.judge(*user);
            progress.advance(1);
            judged
        })
        .collect::<Result<_, _>>()?;
    progress.end();
    Ok(TruthReport { users: users.len(), now, lists: means(&judged) })
}

impl Bench<'_> {
    /// Every list of one user with what it is worth at each K.
    fn judge(&self, user: UserIndex) -> Result<Vec<(String, Vec<TruthPoint>)>, EvaluateError> {
        let state = self.engine.state();
        let histories = &state.snapshot.histories;
        let id = histories.id(user);
        let refused = |why: String| EvaluateError::Request {
            user: id.to_owned(),
            source: RequestError { field: "user".to_owned(), code: "invalid_id", why },
        };
        let known = self.truth.find_user(id);
        let known = known.ok_or_else(|| refused("not a user of this simulation".to_owned()))?;
        let raw = RawRequest {
            user: Some(UserId::new(id).map_err(|error| refused(error.to_string()))?),
            scene: self.options.scene.clone(),
            now: Some(self.now),
            keep_lists: true,
            dry_run: true,
            ..RawRequest::default()
        };
        let request = self.engine.admit(raw);
        let request =
            request.map_err(|source| EvaluateError::Request { user: id.to_owned(), source })?;
        let answer = self.engine.retrieve(request);
        let found = |item: ItemIndex| self.in_truth[item.at()];
        let mut lists: Vec<(String, Vec<ItemIndex>)> = answer
            .lists
            .iter()
            .map(|one| {
                let items = one.list.found.iter().map(|one| found(one.item)).collect();
                (one.channel.as_str().to_owned(), items)
            })
            .collect();
        let merged = answer.candidates.iter().map(|candidate| found(candidate.item)).collect();
        lists.push(("merged".to_owned(), merged));
        let open = self.open_items(user, &lists);
        let longest = self.options.ks.last().copied().unwrap_or(0);
        let random = &mut Xoshiro256PlusPlus::seed_from_u64(self.options.seed ^ u64::from(user.0));
        let drawn = open.sample(random, longest).copied().collect();
        let best = self.truth.best(known, self.now, longest, open.iter().copied());
        lists.push(("random".to_owned(), drawn));
        lists.push(("oracle".to_owned(), best.clone()));
        let points = |(list, items): (String, Vec<ItemIndex>)| {
            (list, self.options.ks.iter().map(|k| self.point(known, &items, &best, *k)).collect())
        };
        Ok(lists.into_iter().map(points).collect())
    }

    /// What may be shown to the user, in the truth's indices, each once.
    fn open_items(&self, user: UserIndex, lists: &[(String, Vec<ItemIndex>)]) -> Vec<ItemIndex> {
        let state = self.engine.state();
        let catalogue = &state.snapshot.catalogue;
        let mut met: Vec<ItemIndex> =
            state.snapshot.histories.events(user).iter().map(|event| event.item).collect();
        met.sort_unstable();
        let is_open = |item: &ItemIndex| {
            catalogue.available().contains(item.0)
                && catalogue.published(*item).is_none_or(|published| published <= self.now)
                && catalogue.expires(*item).is_none_or(|expires| expires > self.now)
                && met.binary_search(item).is_err()
        };
        let mut open: Vec<ItemIndex> =
            catalogue.indices().filter(is_open).map(|item| self.in_truth[item.at()]).collect();
        open.extend(lists.iter().flat_map(|(_, items)| items));
        open.sort_unstable();
        open.dedup();
        open
    }

    fn point(
        &self,
        user: UserIndex,
        items: &[ItemIndex],
        best: &[ItemIndex],
        k: usize,
    ) -> TruthPoint {
        let items = &items[..items.len().min(k)];
        let taste = self.truth.taste_at(user, self.now);
        let sum: f64 = items.iter().map(|item| f64::from(taste.preference(*item))).sum();
        let mut best = best[..best.len().min(k)].to_vec();
        best.sort_unstable();
        let hits = items.iter().filter(|item| best.binary_search(item).is_ok()).count();
        TruthPoint {
            k,
            preference: sum / items.len().max(1) as f64,
            truth_recall: hits as f64 / best.len().max(1) as f64,
            length: items.len() as f64,
        }
    }
}

/// Means over users. A user for whom a list is empty does not count in its mean preference.
fn means(judged: &[Vec<(String, Vec<TruthPoint>)>]) -> Vec<TruthList> {
    let Some(first) = judged.first() else { return Vec::new() };
    let list = |at: usize| {
        let point = |position: usize| {
            let points = || judged.iter().map(|lists| lists[at].1[position]);
            let mean = |of: &dyn Fn(&TruthPoint) -> f64| {
                points().map(|point| of(&point)).sum::<f64>() / judged.len() as f64
            };
            let filled = points().filter(|point| point.length > 0.0).count().max(1) as f64;
            TruthPoint {
                k: first[at].1[position].k,
                preference: points().map(|point| point.preference).sum::<f64>() / filled,
                truth_recall: mean(&|point| point.truth_recall),
                length: mean(&|point| point.length),
            }
        };
        TruthList { list: first[at].0.clone(), at: (0..first[at].1.len()).map(point).collect() }
    };
    (0..first.len()).map(list).collect()
}
