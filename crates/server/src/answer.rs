//! The bodies that clients receive.

use std::collections::BTreeMap;

use gannet_core::{Catalogue, ItemIndex};
use gannet_retrieval::{
    Candidate, ChannelReport, ChannelStatus, Evidence, Report, Request, Retrieval,
};
use serde::Serialize;
use utoipa::ToSchema;

/// An item by id and title.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "item": "Toy Story (1995)", "title": "Toy Story (1995)" }))]
pub(crate) struct NamedItem {
    /// Its id.
    item: String,
    /// Its title; empty where it has none.
    title: String,
}

impl NamedItem {
    fn new(catalogue: &Catalogue, item: ItemIndex) -> Self {
        Self { item: catalogue.id(item).to_owned(), title: catalogue.title(item).to_owned() }
    }
}

/// Why one channel named an item.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "channel": "item_cf", "channel_rank": 3, "channel_score": 0.42,
    "trigger": { "item": "Heat (1995)", "title": "Heat (1995)" } }))]
pub(crate) struct EvidenceAnswer {
    /// The channel.
    channel: String,
    /// Its place in the channel's list, from 1.
    channel_rank: u32,
    /// The channel's own score; comparable within the channel only.
    channel_score: f32,
    /// The user's item that the channel started from.
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<NamedItem>,
}

/// An item for the ranker.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "item": "Toy Story (1995)", "title": "Toy Story (1995)",
    "merge_score": 0.031 }))]
pub(crate) struct CandidateAnswer {
    #[serde(flatten)]
    item: NamedItem,
    /// What the merge ordered it by; comparable within one answer only.
    merge_score: f32,
    /// The built-in scorer's score, where `top` was set; comparable within one answer only.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank_score: Option<f32>,
    /// Every channel that found it, where `explain` was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Vec<EvidenceAnswer>>,
}

/// One stage of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "stage": "merge", "took_us": 41 }))]
pub(crate) struct StageAnswer {
    /// The stage.
    stage: &'static str,
    /// How long it took, in microseconds.
    took_us: u64,
}

/// One channel of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "channel": "popular", "status": "complete", "asked": 500,
    "returned": 500, "kept": 120, "dropped": { "consumed": 31 }, "wait_us": 8, "run_us": 95 }))]
pub(crate) struct ChannelAnswer {
    /// The channel.
    channel: String,
    /// complete, partial, late, panicked, failed, skipped or disabled.
    status: &'static str,
    /// Why it failed or was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How many items it was asked for.
    asked: usize,
    /// How many it returned.
    returned: usize,
    /// How many candidates of the answer it found.
    kept: usize,
    /// How many items it had to leave out, by reason.
    dropped: BTreeMap<&'static str, u32>,
    /// Microseconds until it started.
    wait_us: u64,
    /// Microseconds from start to end.
    run_us: u64,
}

/// What happened to the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "total_us": 640, "stages": [], "channels": [],
    "filled_from_fallback": 0 }))]
pub(crate) struct ReportAnswer {
    /// The whole, in microseconds.
    total_us: u64,
    /// The stages in order.
    stages: Vec<StageAnswer>,
    /// The plan's channels in order.
    channels: Vec<ChannelAnswer>,
    /// How many candidates came from the fallback list.
    filled_from_fallback: usize,
}

/// Candidates with the report of how they came about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "snapshot": "20260101-120000", "scene": "home", "segment": null,
    "arm": null, "plan": "home", "degraded": false, "unknown_history_items": 0,
    "unknown_names": 0, "candidates": [], "report": {
    "total_us": 640, "stages": [], "channels": [], "filled_from_fallback": 0 } }))]
pub(crate) struct RetrieveAnswer {
    /// The version of the snapshot that answered.
    pub(crate) snapshot: String,
    /// The scene asked for.
    scene: String,
    /// The segment of users that the request was of.
    segment: Option<String>,
    /// The arm of the scene's experiment that it was of.
    arm: Option<String>,
    /// The plan that ran.
    plan: String,
    /// Whether a channel was missing or cut short.
    pub(crate) degraded: bool,
    /// How many events of the request were ignored because the snapshot does not know their item.
    unknown_history_items: usize,
    /// How many blocked, exposed and delivered names were ignored because the snapshot does not
    /// know them.
    unknown_names: usize,
    /// Best first.
    candidates: Vec<CandidateAnswer>,
    /// What happened.
    report: ReportAnswer,
}

impl RetrieveAnswer {
    pub(crate) fn new(retrieval: &Retrieval, request: &Request, explain: bool) -> Self {
        let catalogue = &*request.state().snapshot.catalogue;
        let candidate = |(at, one): (usize, &Candidate)| CandidateAnswer {
            item: NamedItem::new(catalogue, one.item),
            merge_score: one.merge_score,
            rank_score: retrieval.rank_scores.get(at).copied(),
            evidence: explain
                .then(|| one.evidence.iter().map(|one| evidence(catalogue, one)).collect()),
        };
        Self {
            snapshot: retrieval.snapshot.clone(),
            scene: retrieval.scene.to_string(),
            segment: retrieval.segment.as_ref().map(ToString::to_string),
            arm: retrieval.arm.as_ref().map(ToString::to_string),
            plan: retrieval.plan.to_string(),
            degraded: retrieval.report.degraded,
            unknown_history_items: request.unknown_items(),
            unknown_names: request.unknown_names(),
            candidates: retrieval.candidates.iter().enumerate().map(candidate).collect(),
            report: report(&retrieval.report),
        }
    }
}

fn evidence(catalogue: &Catalogue, evidence: &Evidence) -> EvidenceAnswer {
    EvidenceAnswer {
        channel: evidence.channel.to_string(),
        channel_rank: evidence.channel_rank,
        channel_score: evidence.channel_score,
        trigger: evidence.trigger.map(|item| NamedItem::new(catalogue, item)),
    }
}

fn report(report: &Report) -> ReportAnswer {
    let stage = |one: &gannet_retrieval::StageReport| StageAnswer {
        stage: one.stage.as_str(),
        took_us: one.took_us,
    };
    ReportAnswer {
        total_us: report.total_us,
        stages: report.stages.iter().map(stage).collect(),
        channels: report.channels.iter().map(channel).collect(),
        filled_from_fallback: report.filled_from_fallback,
    }
}

fn channel(report: &ChannelReport) -> ChannelAnswer {
    let reason = match &report.status {
        ChannelStatus::Failed(reason) | ChannelStatus::Skipped(reason) => Some(reason.clone()),
        // A panic's message speaks of the program's insides: it is not for clients.
        _ => None,
    };
    ChannelAnswer {
        channel: report.channel.to_string(),
        status: report.status.as_str(),
        reason,
        asked: report.asked,
        returned: report.returned,
        kept: report.kept,
        dropped: report.dropped.iter().map(|(reason, n)| (reason.as_str(), n)).collect(),
        wait_us: report.wait_us,
        run_us: report.run_us,
    }
}

/// Events that were taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "applied": 1 }))]
pub(crate) struct EventsAnswer {
    /// How many: all that were sent.
    pub(crate) applied: usize,
}

/// What the catalogue knows of an item.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "item": "Toy Story (1995)", "title": "Toy Story (1995)",
    "tags": ["Animation", "Comedy"], "author": null, "published": 788918400000i64,
    "available": true, "snapshot": "20260101-120000" }))]
pub(crate) struct ItemAnswer {
    #[serde(flatten)]
    item: NamedItem,
    /// Its tags; levels are separated by `/`.
    tags: Vec<String>,
    /// Its author.
    author: Option<String>,
    /// When it was published: milliseconds since 1970 (UTC).
    published: Option<i64>,
    /// Whether it may be shown at all.
    available: bool,
    /// The version of the snapshot that answered.
    snapshot: String,
}

impl ItemAnswer {
    pub(crate) fn new(catalogue: &Catalogue, item: ItemIndex, snapshot: &str) -> Self {
        let tags = catalogue.tags(item).iter().map(|tag| catalogue.tag_name(*tag).to_owned());
        Self {
            item: NamedItem::new(catalogue, item),
            tags: tags.collect(),
            author: catalogue.author(item).map(|author| catalogue.author_name(author).to_owned()),
            published: catalogue.published(item).map(|time| time.0),
            available: catalogue.available().contains(item.0),
            snapshot: snapshot.to_owned(),
        }
    }
}

/// A server that is up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "status": "ok", "snapshot": "20260101-120000" }))]
pub(crate) struct HealthAnswer {
    /// Always `ok`; anything else is an error.
    pub(crate) status: &'static str,
    /// The version of the snapshot that serves, for `/readyz`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<String>,
}
