//! `gannet retrieve`: candidates of the current snapshot, and why they are there.

use anyhow::{Context, Result};
use gannet_core::{ItemId, ItemIndex, SceneName, UserId};
use gannet_models::Snapshot;
use gannet_retrieval::{BuiltinRanker, Candidate, RawHistoryEntry, RawRequest, Report, Retrieval};
use serde_json::{Value, json};

use crate::app::App;
use crate::args::RetrieveArgs;
use crate::output::{print, print_json, table};

pub(crate) fn run(app: &App, args: &RetrieveArgs) -> Result<()> {
    let snapshot = app.current_snapshot()?;
    let engine = app.engine(snapshot.clone(), &app.config.retrieval)?;
    known(args, &snapshot)?;
    let request = engine.admit(raw_request(args)?)?;
    let retrieval = match args.top {
        Some(top) => engine.retrieve_ranked(request, &BuiltinRanker::default(), top),
        None => engine.retrieve(request),
    };
    if app.json {
        return print_json(&as_json(&retrieval, &snapshot));
    }
    print(&candidates_table(&retrieval.candidates, &snapshot, args.explain).to_string())?;
    if args.explain {
        print("")?;
        print(&report_table(&retrieval.report).to_string())?;
    }
    print(&summary(&retrieval))
}

/// A mistyped id would be answered with popular items: on a terminal that is no help.
fn known(args: &RetrieveArgs, snapshot: &Snapshot) -> Result<()> {
    for id in args.item.iter().chain(&args.history) {
        snapshot.catalogue.find(id).with_context(|| format!("unknown item {id:?}"))?;
    }
    if let Some(user) = &args.user {
        snapshot.histories.find(user).with_context(|| {
            format!("unknown user {user:?}; --history ITEM asks for someone new")
        })?;
    }
    Ok(())
}

fn raw_request(args: &RetrieveArgs) -> Result<RawRequest> {
    let scene = args.scene.as_deref().or(args.item.as_ref().map(|_| "detail"));
    let entry = |id: &String| -> Result<RawHistoryEntry> {
        Ok(RawHistoryEntry { item: ItemId::new(id.as_str())?, kind: None, value: None, time: None })
    };
    Ok(RawRequest {
        user: args.user.as_deref().map(UserId::new).transpose()?,
        scene: scene.map(SceneName::new).transpose()?,
        history: args.item.iter().chain(&args.history).map(entry).collect::<Result<_>>()?,
        size: args.size,
        dry_run: true,
        ..RawRequest::default()
    })
}

fn candidates_table(
    candidates: &[Candidate],
    snapshot: &Snapshot,
    explain: bool,
) -> comfy_table::Table {
    let mut rows = Vec::with_capacity(candidates.len());
    for (at, candidate) in candidates.iter().enumerate() {
        let mut row = vec![(at + 1).to_string(), name(candidate.item, snapshot)];
        if explain {
            row.push(format!("{:.4}", candidate.merge_score));
            row.push(channels(candidate));
            row.push(triggers(candidate, snapshot));
        } else {
            let channels: Vec<&str> =
                candidate.evidence.iter().map(|one| one.channel.as_str()).collect();
            row.push(channels.join(" "));
        }
        rows.push(row);
    }
    if explain {
        let header = ["#", "item", "score", "channel #rank (score)", "because of"];
        table(&header, &[1, 3, 4], &rows)
    } else {
        table(&["#", "item", "found by"], &[1, 2], &rows)
    }
}

fn channels(candidate: &Candidate) -> String {
    let one = |evidence: &gannet_retrieval::Evidence| {
        format!("{} #{} ({:.3})", evidence.channel, evidence.channel_rank, evidence.channel_score)
    };
    candidate.evidence.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn triggers(candidate: &Candidate, snapshot: &Snapshot) -> String {
    let mut names: Vec<String> = Vec::new();
    for trigger in candidate.evidence.iter().filter_map(|evidence| evidence.trigger) {
        let name = name(trigger, snapshot);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// The title, with the id where they differ.
fn name(item: ItemIndex, snapshot: &Snapshot) -> String {
    let (id, title) = (snapshot.catalogue.id(item), snapshot.catalogue.title(item));
    match title {
        "" => id.to_owned(),
        title if title == id => title.to_owned(),
        title => format!("{title} [{id}]"),
    }
}

fn report_table(report: &Report) -> comfy_table::Table {
    let rows: Vec<Vec<String>> = report
        .channels
        .iter()
        .map(|channel| {
            let dropped: Vec<String> = channel
                .dropped
                .iter()
                .map(|(refusal, count)| format!("{} {count}", refusal.as_str()))
                .collect();
            vec![
                channel.channel.to_string(),
                channel.status.as_str().to_owned(),
                channel.asked.to_string(),
                channel.returned.to_string(),
                channel.kept.to_string(),
                channel.run_us.to_string(),
                dropped.join(", "),
            ]
        })
        .collect();
    let header = ["channel", "status", "asked", "returned", "kept", "µs", "dropped"];
    table(&header, &[0, 1, 6], &rows)
}

fn summary(retrieval: &Retrieval) -> String {
    let report = &retrieval.report;
    let stages: Vec<String> = report
        .stages
        .iter()
        .map(|stage| format!("{} {}", stage.stage.as_str(), stage.took_us))
        .collect();
    let degraded = if report.degraded { "  DEGRADED: a channel is missing" } else { "" };
    format!(
        "\n{} candidates in {} µs ({} µs)  scene {}  plan {}  snapshot {}{degraded}",
        retrieval.candidates.len(),
        report.total_us,
        stages.join(", "),
        retrieval.scene,
        retrieval.plan,
        retrieval.snapshot,
    )
}

fn as_json(retrieval: &Retrieval, snapshot: &Snapshot) -> Value {
    let catalogue = &snapshot.catalogue;
    let candidate = |candidate: &Candidate| {
        let evidence = candidate.evidence.iter().map(|one| {
            json!({
                "channel": one.channel.as_str(),
                "channel_rank": one.channel_rank,
                "channel_score": one.channel_score,
                "trigger": one.trigger.map(|trigger| catalogue.id(trigger)),
            })
        });
        json!({
            "item": catalogue.id(candidate.item),
            "title": catalogue.title(candidate.item),
            "merge_score": candidate.merge_score,
            "evidence": evidence.collect::<Vec<_>>(),
        })
    };
    let channel = |channel: &gannet_retrieval::ChannelReport| {
        let dropped = channel.dropped.iter().map(|(why, count)| (why.as_str().to_owned(), count));
        json!({
            "channel": channel.channel.as_str(),
            "status": channel.status.as_str(),
            "asked": channel.asked,
            "returned": channel.returned,
            "kept": channel.kept,
            "run_us": channel.run_us,
            "dropped": dropped.collect::<std::collections::BTreeMap<_, _>>(),
        })
    };
    json!({
        "snapshot": retrieval.snapshot,
        "scene": retrieval.scene.as_str(),
        "plan": retrieval.plan.as_str(),
        "degraded": retrieval.report.degraded,
        "total_us": retrieval.report.total_us,
        "candidates": retrieval.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "channels": retrieval.report.channels.iter().map(channel).collect::<Vec<_>>(),
    })
}
