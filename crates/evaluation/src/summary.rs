//! From what was kept of each user to the report.

use crate::ask::Asker;
use crate::bootstrap::quantile;
use crate::facts::BIT;
use crate::judge::UserRow;
use crate::report::{
    AgeHeadline, ChannelEvaluation, Comparison, CurvePoint, EvaluationReport, Headline,
    LatencySummary, ListSummary, MergedEvaluation, OverlapMatrix, UnionEvaluation,
};
use crate::tallies::Tallies;
use crate::{Interval, Profile, StudyOptions, paired_bootstrap, segments};

/// A finished round of judging.
pub(crate) struct Judged<'a> {
    pub(crate) rows: &'a [UserRow],
    pub(crate) tallies: &'a Tallies,
    pub(crate) ks: &'a [usize],
    pub(crate) asker: &'a Asker<'a>,
    pub(crate) users_in_test: usize,
}

impl Judged<'_> {
    /// The channels' names in the plan's order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.asker.plan.channels.iter().map(|one| one.channel.to_string()).collect()
    }

    pub(crate) fn channel_count(&self) -> usize {
        self.asker.plan.channels.len()
    }

    /// Position of `k` among the K judged at.
    pub(crate) fn at(&self, k: usize) -> usize {
        self.ks.binary_search(&k).expect("every K of the report is judged at")
    }

    /// The place of a list's value at `k` in a row.
    fn place(&self, list: usize, k: usize) -> usize {
        list * self.ks.len() + self.at(k)
    }

    /// A user's recall of a list (a channel's position; their number for the merge).
    pub(crate) fn recall(&self, row: &UserRow, profile: Profile, list: usize, k: usize) -> f64 {
        profile.recall(row.hits[self.place(list, k)] as usize, k, row.held_out as usize)
    }

    fn ndcg(&self, row: &UserRow, list: usize, k: usize) -> f64 {
        f64::from(row.ndcg[self.place(list, k)])
    }

    /// The mean over all users, summed in their order.
    fn mean(&self, value: impl Fn(&UserRow) -> f64) -> f64 {
        self.rows.iter().map(value).sum::<f64>() / self.rows.len() as f64
    }

    fn mean_recall(&self, profile: Profile, hits: impl Fn(&UserRow) -> u32, k: usize) -> f64 {
        self.mean(|row| profile.recall(hits(row) as usize, k, row.held_out as usize))
    }
}

/// Puts the report together.
pub(crate) fn summarise(judged: &Judged<'_>, options: &StudyOptions) -> EvaluationReport {
    let plan = &judged.asker.plan;
    let (comparisons, marginal) = intervals(judged, options);
    let channels = (0..judged.channel_count())
        .map(|at| channel(judged, options, at, marginal[at]))
        .collect::<Vec<_>>();
    EvaluationReport {
        profile: options.profile,
        snapshot: judged.asker.engine.state().snapshot.version.clone(),
        scene: judged.asker.scene.to_string(),
        plan: plan.name.to_string(),
        users: judged.rows.len(),
        users_in_test: judged.users_in_test,
        items: judged.asker.train.catalogue().len(),
        held_out: judged.rows.iter().map(|row| u64::from(row.held_out)).sum(),
        handover: plan.handover,
        equal_k: options.equal_k,
        seed: options.seed,
        resamples: options.resamples,
        headline: headline(judged, options.profile),
        merged: merged(judged, options),
        comparisons,
        overlap_at_fetch_k: overlap(judged, &judged.tallies.shared_fetch),
        overlap_at_equal_k: overlap(judged, &judged.tallies.shared_equal),
        by_history: segments::by_history(judged, options.profile),
        by_user_events: segments::by_user_events(judged, options.profile),
        by_item_age: segments::by_item_age(judged),
        by_scene: segments::by_scene(judged),
        warnings: warnings(judged, options, &channels),
        channels,
    }
}

fn headline(judged: &Judged<'_>, profile: Profile) -> AgeHeadline {
    let (merge, k) = (judged.channel_count(), judged.asker.plan.handover);
    AgeHeadline {
        name: format!("{}@{k}", profile.recall_name()),
        k,
        merged: judged.mean(|row| judged.recall(row, profile, merge, k)),
        by_item_age: segments::by_item_age(judged),
        by_user_age: segments::by_user_age(judged, profile),
    }
}

/// The comparisons, and each channel's marginal recall: one resampling for all of them.
fn intervals(judged: &Judged<'_>, options: &StudyOptions) -> (Vec<Comparison>, Vec<Interval>) {
    let (channels, handover) = (judged.channel_count(), judged.asker.plan.handover);
    let profile = options.profile;
    let mut values = Vec::new();
    for row in judged.rows {
        for k in &options.compare_at {
            for channel in 0..channels {
                let recall = |list| judged.recall(row, profile, list, *k);
                values.push(recall(channels) - recall(channel));
                values.push(judged.ndcg(row, channels, *k) - judged.ndcg(row, channel, *k));
            }
        }
        for channel in 0..channels {
            let without = row.hits_without[judged.place(channel, handover)] as usize;
            let without = profile.recall(without, handover, row.held_out as usize);
            values.push(judged.recall(row, profile, channels, handover) - without);
        }
    }
    let width = channels * (2 * options.compare_at.len() + 1);
    let mut found = paired_bootstrap(&values, width, options.resamples, options.seed).into_iter();
    let names = judged.names();
    let mut comparisons = Vec::new();
    for k in &options.compare_at {
        for channel in &names {
            let (Some(recall), Some(ndcg)) = (found.next(), found.next()) else { continue };
            let channel = channel.clone();
            let merged_is_better = recall.low > 0.0;
            comparisons.push(Comparison { k: *k, channel, recall, ndcg, merged_is_better });
        }
    }
    (comparisons, found.collect())
}

fn channel(
    judged: &Judged<'_>,
    options: &StudyOptions,
    at: usize,
    marginal_recall: Interval,
) -> ChannelEvaluation {
    let (plan, profile) = (&judged.asker.plan, options.profile);
    let spec = &plan.channels[at];
    let exclusive = |cut: usize, k| {
        let hits = |row: &UserRow| row.exclusive[cut][at];
        let total = judged.rows.iter().map(|row| u64::from(hits(row))).sum();
        (judged.mean_recall(profile, hits, k), total)
    };
    let (exclusive_recall_at_fetch_k, exclusive_hits_at_fetch_k) = exclusive(0, spec.fetch_k);
    let (exclusive_recall_at_equal_k, exclusive_hits_at_equal_k) = exclusive(1, options.equal_k);
    let incomplete = &judged.tallies.incomplete;
    ChannelEvaluation {
        channel: spec.channel.to_string(),
        fetch_k: spec.fetch_k,
        list: list(judged, options, at, latency(judged.rows.iter().map(|row| row.channel_us[at]))),
        standalone_recall: judged.mean(|row| judged.recall(row, profile, at, plan.handover)),
        marginal_recall,
        exclusive_recall_at_fetch_k,
        exclusive_hits_at_fetch_k,
        exclusive_recall_at_equal_k,
        exclusive_hits_at_equal_k,
        incomplete: incomplete
            .iter()
            .filter(|((channel, _), _)| *channel == at)
            .map(|((_, status), count)| ((*status).to_owned(), *count))
            .collect(),
    }
}

fn merged(judged: &Judged<'_>, options: &StudyOptions) -> MergedEvaluation {
    let (plan, profile, merge) = (&judged.asker.plan, options.profile, judged.channel_count());
    let fetch_k_max = plan.channels.iter().map(|one| one.fetch_k).max().unwrap_or(0);
    MergedEvaluation {
        list: list(judged, options, merge, latency(judged.rows.iter().map(|row| row.total_us))),
        recall: judged.mean(|row| judged.recall(row, profile, merge, plan.handover)),
        union: UnionEvaluation {
            recall_at_fetch_k: judged.mean_recall(profile, |row| row.union[0], fetch_k_max),
            recall_at_equal_k: judged.mean_recall(profile, |row| row.union[1], options.equal_k),
        },
    }
}

fn list(
    judged: &Judged<'_>,
    options: &StudyOptions,
    at: usize,
    latency: LatencySummary,
) -> ListSummary {
    let profile = options.profile;
    let recall = |k| judged.mean(|row| judged.recall(row, profile, at, k));
    let ndcg = |k| judged.mean(|row| judged.ndcg(row, at, k));
    let mut curve_at = [&options.curve_at[..], &options.compare_at].concat();
    curve_at.sort_unstable();
    curve_at.dedup();
    let tally = &judged.tallies.lists[at];
    let recall_name = profile.recall_name();
    let headline_recall = profile
        .recall_at()
        .iter()
        .map(|k| Headline { name: format!("{recall_name}@{k}"), value: recall(*k) });
    let headline_ndcg =
        profile.ndcg_at().iter().map(|k| Headline { name: format!("ndcg@{k}"), value: ndcg(*k) });
    let users = judged.rows.len() as f64;
    ListSummary {
        curve: curve_at
            .iter()
            .map(|k| CurvePoint { k: *k, recall: recall(*k), ndcg: ndcg(*k) })
            .collect(),
        headline: headline_recall.chain(headline_ndcg).collect(),
        coverage: ratio(tally.covered.count() as u64, tally.covered.len() as u64),
        novelty_bits: ratio(tally.self_information, tally.returned) / BIT,
        days_old_median: tally.days_old_median(),
        empty_share: tally.empty as f64 / users,
        length_mean: tally.returned as f64 / users,
        latency,
    }
}

fn latency(took: impl Iterator<Item = u32>) -> LatencySummary {
    let mut sorted: Vec<u32> = took.collect();
    sorted.sort_unstable();
    let sum: u64 = sorted.iter().map(|us| u64::from(*us)).sum();
    let values: Vec<f64> = sorted.iter().map(|us| f64::from(*us)).collect();
    let at = |share| quantile(&values, share).unwrap_or(0.0).round() as u32;
    let mean_us = ratio(sum, sorted.len() as u64);
    LatencySummary { mean_us, p50_us: at(0.5), p99_us: at(0.99) }
}

fn overlap(judged: &Judged<'_>, shared: &[Vec<u64>]) -> OverlapMatrix {
    let share =
        |row: usize| shared[row].iter().map(|both| ratio(*both, shared[row][row])).collect();
    OverlapMatrix { channels: judged.names(), shares: (0..shared.len()).map(share).collect() }
}

/// 0 where there is nothing to divide by.
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn warnings(
    judged: &Judged<'_>,
    options: &StudyOptions,
    channels: &[ChannelEvaluation],
) -> Vec<String> {
    let mut warnings: Vec<String> = options.split_warning.iter().cloned().collect();
    if judged.rows.len() < judged.users_in_test {
        warnings.push(format!(
            "a sample of {} of {} test users was judged (seed {})",
            judged.rows.len(),
            judged.users_in_test,
            options.seed
        ));
    }
    for channel in channels {
        for (status, count) in &channel.incomplete {
            warnings.push(format!(
                "channel {} was {status} in {count} of {} requests: its recall, and what is \
                 computed from it, depends on the machine's load; give it a longer deadline",
                channel.channel,
                judged.rows.len()
            ));
        }
    }
    if judged.tallies.other_histories > 0 {
        warnings.push(format!(
            "the snapshot's history of {} users is not that of the split: it was trained on other \
             data, and these numbers may be too good",
            judged.tallies.other_histories
        ));
    }
    warnings
}
