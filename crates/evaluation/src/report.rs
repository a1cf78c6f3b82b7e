//! The report of a study, as data. Field names are stable: scripts read them as JSON.

use serde::Serialize;

use crate::{Interval, Profile};

/// What a study found. Recall is the profile's, a mean over the judged users.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvaluationReport {
    /// Whose rules of judging.
    pub profile: Profile,
    /// The snapshot that answered.
    pub snapshot: String,
    /// The scene that was asked.
    pub scene: String,
    /// The plan that was judged.
    pub plan: String,
    /// Users judged.
    pub users: usize,
    /// Users with held-out items; more than `users` where a sample was judged.
    pub users_in_test: usize,
    /// Items in the catalogue.
    pub items: usize,
    /// Held-out items over all judged users.
    pub held_out: u64,
    /// Candidates that go to the ranker: where merged and marginal recall are taken.
    pub handover: usize,
    /// Where channels are compared on equal terms.
    pub equal_k: usize,
    /// Draws users and resamples.
    pub seed: u64,
    /// Resamples behind every interval.
    pub resamples: usize,
    /// What is looked at first: how well new and old items are found, for new and old users.
    pub headline: AgeHeadline,
    /// The channels in the plan's order.
    pub channels: Vec<ChannelEvaluation>,
    /// Their merge.
    pub merged: MergedEvaluation,
    /// The merge against every single channel, by K and then in the plan's order.
    pub comparisons: Vec<Comparison>,
    /// What the channels' lists have in common, at fetch_k.
    pub overlap_at_fetch_k: OverlapMatrix,
    /// The same at equal K.
    pub overlap_at_equal_k: OverlapMatrix,
    /// Recall at the handover size of users with and without training history.
    pub by_history: Vec<Segment>,
    /// Recall at the handover size by the number of the user's training events.
    pub by_user_events: Vec<Segment>,
    /// Hits over held-out items at the handover size, by the item's age at the request.
    pub by_item_age: Vec<Segment>,
    /// Hits over held-out items at the handover size, by the scene in which the user met the item;
    /// empty where no held-out event names one. All requests ask [`EvaluationReport::scene`].
    pub by_scene: Vec<Segment>,
    /// What a reader must know before believing the numbers.
    pub warnings: Vec<String>,
}

/// Recall at the handover size by age: a mean over everybody hides that a list of old favourites
/// finds nothing new, and serves nobody who is new.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgeHeadline {
    /// Such as `recall@500`: the handover size of the judged plan.
    pub name: String,
    /// Where it is taken.
    pub k: usize,
    /// The merge over all users.
    pub merged: f64,
    /// Hits over held-out items, by the item's age at the request.
    pub by_item_age: Vec<Segment>,
    /// A mean over users, by the time between the user's first event and the request.
    pub by_user_age: Vec<Segment>,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelEvaluation {
    /// The channel.
    pub channel: String,
    /// How many items the plan asks it for.
    pub fetch_k: usize,
    /// What its list is like, alone.
    pub list: ListSummary,
    /// Recall at the handover size, alone.
    pub standalone_recall: f64,
    /// What the merge's recall at the handover size loses without it, its places refilled.
    pub marginal_recall: Interval,
    /// Recall from hits that no other channel has, at fetch_k.
    pub exclusive_recall_at_fetch_k: f64,
    /// Those hits, over all users.
    pub exclusive_hits_at_fetch_k: u64,
    /// Recall from hits that no other channel has, at equal K.
    pub exclusive_recall_at_equal_k: f64,
    /// Those hits, over all users.
    pub exclusive_hits_at_equal_k: u64,
    /// Answers that were not complete, by what befell them: recall under them depends on load.
    pub incomplete: Vec<(String, u64)>,
}

/// The merge of all channels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MergedEvaluation {
    /// What the list is like.
    pub list: ListSummary,
    /// Recall at the handover size.
    pub recall: f64,
    /// What any channel found: the best that a merge of the same lists could do.
    pub union: UnionEvaluation,
}

/// Recall of all channels' lists taken together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UnionEvaluation {
    /// Lists cut at the plan's fetch_k.
    pub recall_at_fetch_k: f64,
    /// Lists cut at equal K.
    pub recall_at_equal_k: f64,
}

/// A list over all users: how well it finds, what it shows, what it costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListSummary {
    /// Recall and NDCG by K.
    pub curve: Vec<CurvePoint>,
    /// The metrics that the profile's papers print.
    pub headline: Vec<Headline>,
    /// Share of the catalogue that was returned to anybody.
    pub coverage: f64,
    /// Mean self-information of the returned items, in bits: -log2 of the share of training
    /// users with an event on the item, one user added to both sides. 0 for no items.
    pub novelty_bits: f64,
    /// Median days from publishing to the request, over the returned items; absent where no
    /// publishing time is known.
    pub days_old_median: Option<i32>,
    /// Share of users for whom it was empty.
    pub empty_share: f64,
    /// Items returned, mean over users.
    pub length_mean: f64,
    /// Microseconds: a channel's own run, or the whole request for the merge.
    pub latency: LatencySummary,
}

/// One point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// How many items were looked at.
    pub k: usize,
    /// The profile's recall.
    pub recall: f64,
    /// NDCG.
    pub ndcg: f64,
}

/// One metric as the profile's papers print it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Headline {
    /// Such as `recall@20`.
    pub name: String,
    /// Its value.
    pub value: f64,
}

/// Microseconds a request. Measured while requests ran side by side: an idle machine is faster.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct LatencySummary {
    /// The mean.
    pub mean_us: f64,
    /// Half of the requests took no longer.
    pub p50_us: u32,
    /// 99 of 100 requests took no longer.
    pub p99_us: u32,
}

/// The merge minus one channel at one K.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// How many items were looked at.
    pub k: usize,
    /// The channel.
    pub channel: String,
    /// The difference of recall.
    pub recall: Interval,
    /// The difference of NDCG.
    pub ndcg: Interval,
    /// Whether the merge's recall is higher and the 95 % interval excludes 0.
    pub merged_is_better: bool,
}

/// `shares[row][column]`: of the items that channel `row` returned, the share that channel
/// `column` returned to the same user. 0 where `row` returned nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OverlapMatrix {
    /// Rows and columns.
    pub channels: Vec<String>,
    /// The shares.
    pub shares: Vec<Vec<f64>>,
}

/// A part of the users, or of the held-out items.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segment {
    /// Which part.
    pub name: String,
    /// Its users, or its held-out items.
    pub count: u64,
    /// Recall at the handover size: the channels in the plan's order, then `merged`.
    pub recall: Vec<ListRecall>,
}

/// The recall of one list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListRecall {
    /// The channel, or `merged`.
    pub list: String,
    /// Its recall.
    pub recall: f64,
}

impl EvaluationReport {
    /// The report without its times: equal for equal inputs, whatever the machine.
    pub fn without_latency(mut self) -> Self {
        for channel in &mut self.channels {
            channel.list.latency = LatencySummary::default();
        }
        self.merged.list.latency = LatencySummary::default();
        self
    }

    /// The single channel with the highest recall at `k` (a K of the curve), and that recall;
    /// the plan's order breaks ties.
    pub fn best_channel(&self, k: usize) -> Option<(&str, f64)> {
        let mut best: Option<(&str, f64)> = None;
        for channel in &self.channels {
            let recall = channel.list.recall_at(k)?;
            if best.is_none_or(|(_, most)| recall > most) {
                best = Some((&channel.channel, recall));
            }
        }
        best
    }
}

impl ListSummary {
    /// The recall at a K of the curve.
    pub fn recall_at(&self, k: usize) -> Option<f64> {
        self.curve.iter().find(|point| point.k == k).map(|point| point.recall)
    }

    /// The NDCG at a K of the curve.
    pub fn ndcg_at(&self, k: usize) -> Option<f64> {
        self.curve.iter().find(|point| point.k == k).map(|point| point.ndcg)
    }
}
