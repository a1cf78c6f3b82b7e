//! Judging one user's lists: what is kept by user, and what is only counted.

use gannet_core::{Catalogue, ItemIndex, SceneIndex, Timestamp};
use gannet_retrieval::{Candidate, ChannelAnswer, Plan, merge_diverse};

use crate::facts::Facts;
use crate::tallies::{ListTally, Tallies};
use crate::{hit_ranks, hits_at, ndcg_at};

/// What all users are judged by.
pub(crate) struct Judge<'a> {
    pub(crate) plan: &'a Plan,
    /// The snapshot's own: the plan's caps count by its fields, as in serving.
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) facts: &'a Facts,
    /// Every K of the report, rising; the handover size among them.
    pub(crate) ks: &'a [usize],
    pub(crate) equal_k: usize,
}

/// A user with what is wanted of him.
pub(crate) struct Wanted<'a> {
    pub(crate) held_out: &'a [ItemIndex],
    /// The scene of each held-out item's event.
    pub(crate) scenes: &'a [Option<SceneIndex>],
    pub(crate) now: Option<Timestamp>,
}

/// The place of a held-out item's scene in a tally by scene: the last is for none.
fn scene_bucket(scene: Option<SceneIndex>, tally: &[u64]) -> usize {
    let last = tally.len() - 1;
    scene.map_or(last, |scene| usize::from(scene.0).min(last))
}

/// The numbers kept of one user. Lists are the channels in the plan's order, then the merge; a
/// value of list `l` at the K of position `k` is at `l * ks + k`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct UserRow {
    pub(crate) held_out: u32,
    pub(crate) has_history: bool,
    pub(crate) train_events: u32,
    /// Position in [`crate::facts::USER_AGES`].
    pub(crate) user_age: usize,
    pub(crate) hits: Box<[u32]>,
    pub(crate) ndcg: Box<[f32]>,
    /// Hits of the merge without a channel, by channel and K.
    pub(crate) hits_without: Box<[u32]>,
    /// Hits that no other channel has, by channel: lists cut at fetch_k, then at equal K.
    pub(crate) exclusive: [Box<[u32]>; 2],
    /// Hits that any channel has, cut in the same two ways.
    pub(crate) union: [u32; 2],
    pub(crate) channel_us: Box<[u32]>,
    pub(crate) total_us: u32,
}

impl Judge<'_> {
    /// Judges the lists of one user. `answers` are the plan's channels in order, as long as they
    /// came; they are cut at the plan's fetch_k for everything but the channels' own curves.
    pub(crate) fn judge(
        &self,
        wanted: &Wanted<'_>,
        mut answers: Vec<ChannelAnswer>,
        tallies: &mut Tallies,
    ) -> UserRow {
        let held_out = wanted.held_out;
        let mut ranks: Vec<Vec<u32>> =
            answers.iter().map(|answer| hit_ranks(items(answer), held_out)).collect();
        for (answer, channel) in answers.iter_mut().zip(&self.plan.channels) {
            answer.list.found.truncate(channel.fetch_k);
        }
        let merged = self.merged(&answers);
        ranks.push(hit_ranks(merged.iter().copied(), held_out));
        self.tally(wanted, &answers, &merged, tallies);
        let cut = |k: usize| -> Vec<u32> {
            let found = |answer| hit_mask(items(answer).take(k), held_out);
            let masks: Vec<Vec<bool>> = answers.iter().map(found).collect();
            (0..held_out.len()).map(|at| finders(&masks, at)).collect()
        };
        let (fetched, equal) = (cut(usize::MAX), cut(self.equal_k));
        UserRow {
            held_out: held_out.len() as u32,
            hits: self.at_every_k(&ranks, |ranks, k| hits_at(ranks, k) as u32),
            ndcg: self.at_every_k(&ranks, |ranks, k| ndcg_at(ranks, k, held_out.len()) as f32),
            union: [&fetched, &equal].map(|found| count(found, |by| by != NOBODY)),
            exclusive: [&fetched, &equal].map(|found| {
                (0..answers.len() as u32).map(|channel| count(found, |by| by == channel)).collect()
            }),
            hits_without: self.hits_without(held_out, &mut answers),
            ..UserRow::default()
        }
    }

    /// What the engine merges, the plan's caps included. What fills an answer that stays short is
    /// left out: nobody found it.
    fn merge(&self, answers: &[ChannelAnswer], plan: &Plan) -> Vec<Candidate> {
        merge_diverse(answers, plan, self.catalogue)
    }

    /// The merged list: by the plan up to its handover size; what a larger K needs comes from
    /// the same plan asked for more, below what it hands over.
    fn merged(&self, answers: &[ChannelAnswer]) -> Vec<ItemIndex> {
        let mut list: Vec<ItemIndex> =
            self.merge(answers, self.plan).iter().map(|candidate| candidate.item).collect();
        let longest = self.ks.last().copied().unwrap_or(0);
        if longest > self.plan.handover && list.len() == self.plan.handover {
            let wide = Plan { handover: longest, ..self.plan.clone() };
            let mut handed: Vec<ItemIndex> = list.clone();
            handed.sort_unstable();
            let more = self.merge(answers, &wide);
            let rest = more.iter().map(|candidate| candidate.item);
            list.extend(rest.filter(|item| handed.binary_search(item).is_err()));
            list.truncate(longest);
        }
        list
    }

    fn hits_without(&self, held_out: &[ItemIndex], answers: &mut [ChannelAnswer]) -> Box<[u32]> {
        let mut hits = Vec::with_capacity(answers.len() * self.ks.len());
        for at in 0..answers.len() {
            let list = std::mem::take(&mut answers[at].list);
            let merged = self.merge(answers, self.plan);
            answers[at].list = list;
            let ranks = hit_ranks(merged.iter().map(|candidate| candidate.item), held_out);
            hits.extend(self.ks.iter().map(|k| hits_at(&ranks, *k) as u32));
        }
        hits.into_boxed_slice()
    }

    fn at_every_k<T>(&self, ranks: &[Vec<u32>], value: impl Fn(&[u32], usize) -> T) -> Box<[T]> {
        let of_list = |ranks| self.ks.iter().map(|k| value(ranks, *k)).collect::<Vec<T>>();
        ranks.iter().flat_map(|ranks| of_list(ranks)).collect()
    }

    fn tally(
        &self,
        wanted: &Wanted<'_>,
        answers: &[ChannelAnswer],
        merged: &[ItemIndex],
        tallies: &mut Tallies,
    ) {
        for (answer, tally) in answers.iter().zip(&mut tallies.lists) {
            let list: Vec<ItemIndex> = items(answer).collect();
            self.tally_list(wanted, &list, tally);
        }
        let handed = &merged[..merged.len().min(self.plan.handover)];
        if let Some(tally) = tallies.lists.last_mut() {
            self.tally_list(wanted, handed, tally);
        }
        for item in wanted.held_out {
            tallies.held_out_by_age[self.facts.age_bucket(*item, wanted.now)] += 1;
        }
        for scene in wanted.scenes {
            let bucket = scene_bucket(*scene, &tallies.held_out_by_scene);
            tallies.held_out_by_scene[bucket] += 1;
        }
        count_shared(answers, usize::MAX, &mut tallies.shared_fetch);
        count_shared(answers, self.equal_k, &mut tallies.shared_equal);
    }

    fn tally_list(&self, wanted: &Wanted<'_>, list: &[ItemIndex], tally: &mut ListTally) {
        tally.empty += u64::from(list.is_empty());
        tally.returned += list.len() as u64;
        for item in list {
            tally.covered.set(item.0);
            tally.self_information += self.facts.self_information(*item);
            if let Some(days) = self.facts.days_old(*item, wanted.now) {
                *tally.days_old.entry(days).or_default() += 1;
            }
        }
        let head = list.iter().copied().take(self.plan.handover);
        for (at, found) in hit_mask(head, wanted.held_out).into_iter().enumerate() {
            let bucket = self.facts.age_bucket(wanted.held_out[at], wanted.now);
            tally.hits_by_age[bucket] += u64::from(found);
            let bucket = scene_bucket(wanted.scenes[at], &tally.hits_by_scene);
            tally.hits_by_scene[bucket] += u64::from(found);
        }
    }
}

/// Counts channel answers that were not complete.
pub(crate) fn count_incomplete(
    report: &gannet_retrieval::Report,
    plan: &Plan,
    tallies: &mut Tallies,
) {
    tallies.degraded += u64::from(report.degraded);
    for channel in &report.channels {
        let at = plan.channels.iter().position(|one| one.channel == channel.channel);
        if let (Some(at), false) = (at, channel.status.is_as_planned()) {
            *tallies.incomplete.entry((at, channel.status.as_str())).or_default() += 1;
        }
    }
}

fn items(answer: &ChannelAnswer) -> impl Iterator<Item = ItemIndex> + '_ {
    answer.list.found.iter().map(|found| found.item)
}

fn hit_mask(list: impl Iterator<Item = ItemIndex>, held_out: &[ItemIndex]) -> Vec<bool> {
    let mut mask = vec![false; held_out.len()];
    for item in list {
        if let Ok(at) = held_out.binary_search(&item) {
            mask[at] = true;
        }
    }
    mask
}

const NOBODY: u32 = u32::MAX;
const SEVERAL: u32 = u32::MAX - 1;

/// The one channel that found the held-out item `at`, or one of the two marks above.
fn finders(masks: &[Vec<bool>], at: usize) -> u32 {
    let mut by = masks.iter().zip(0..).filter(|(mask, _)| mask[at]).map(|(_, channel)| channel);
    match (by.next(), by.next()) {
        (None, _) => NOBODY,
        (Some(channel), None) => channel,
        _ => SEVERAL,
    }
}

fn count(found_by: &[u32], wanted: impl Fn(u32) -> bool) -> u32 {
    found_by.iter().filter(|by| wanted(**by)).count() as u32
}

/// Adds, for every two channels, the items that both have among their first `k`; on the diagonal
/// the items of one.
fn count_shared(answers: &[ChannelAnswer], k: usize, shared: &mut [Vec<u64>]) {
    let sorted: Vec<Vec<ItemIndex>> = answers
        .iter()
        .map(|answer| {
            let mut list: Vec<ItemIndex> = items(answer).take(k).collect();
            list.sort_unstable();
            list
        })
        .collect();
    for row in 0..sorted.len() {
        shared[row][row] += sorted[row].len() as u64;
        for column in row + 1..sorted.len() {
            let both = shared_count(&sorted[row], &sorted[column]);
            shared[row][column] += both;
            shared[column][row] += both;
        }
    }
}

fn shared_count(a: &[ItemIndex], b: &[ItemIndex]) -> u64 {
    let (mut at, mut both) = (0, 0);
    for item in a {
        at += b[at..].iter().take_while(|other| *other < item).count();
        both += u64::from(b.get(at) == Some(item));
    }
    both
}
