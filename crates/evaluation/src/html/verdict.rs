//! What the page says in words: the verdict, the main figures, where they come from.

use super::ReportAbout;
use super::svg::escape;
use crate::report::EvaluationReport;
use crate::tables::{share, signed};

/// Title, verdict, main figures, warnings.
pub(super) fn header(report: &EvaluationReport, about: &ReportAbout) -> String {
    let future =
        if about.sees_other_users_future { " \u{b7} sees other users\u{2019} future" } else { "" };
    let sample = if report.users < report.users_in_test { ", a sample" } else { "" };
    let mut page = format!(
        "<header><p class=\"brand\">Gannet <span>retrieval report</span></p><h1>{}</h1>\
         <p class=\"lead\">{}</p><dl class=\"facts\">",
        escape(&sentence(report)),
        escape(&rival(report)),
    );
    let mut facts = vec![
        ("data set".to_owned(), about.dataset.clone()),
        ("split".to_owned(), format!("{}{future}", about.split)),
        (
            "judged".to_owned(),
            format!(
                "{} users{sample}, {} held-out items, {} in the catalogue",
                report.users, report.held_out, report.items
            ),
        ),
        (
            "profile".to_owned(),
            format!("{}: {}", report.profile.as_str(), report.profile.definition()),
        ),
        ("scene, plan".to_owned(), format!("{}, {}", report.scene, report.plan)),
        ("snapshot".to_owned(), report.snapshot.clone()),
        ("made".to_owned(), about.made.clone()),
    ];
    facts.extend(about.notes.iter().cloned());
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        page += &format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    }
    page += "</dl></header><section class=\"tiles\">";
    for (name, value, note) in tiles(report) {
        page += &format!(
            "<div class=\"tile\"><p>{}</p><strong>{}</strong><p>{}</p></div>",
            escape(&name),
            escape(&value),
            escape(&note)
        );
    }
    page += "</section>";
    if !report.warnings.is_empty() {
        let lines: String =
            report.warnings.iter().map(|one| format!("<li>{}</li>", escape(one))).collect();
        page += &format!(
            "<section class=\"warnings\"><h2>Read this first</h2><ul>{lines}</ul></section>"
        );
    }
    page
}

fn sentence(report: &EvaluationReport) -> String {
    let merged = percent(report.merged.recall);
    let (handover, channels) = (report.handover, report.channels.len());
    let what = match report.profile {
        crate::Profile::LeaveOneOut => "of users meet the item that they went on to choose",
        _ => "of what users went on to like is found",
    };
    format!("{merged} {what} among {handover} candidates from {channels} channels")
}

/// The merge against its strongest rival at the largest K compared.
fn rival(report: &EvaluationReport) -> String {
    let Some(k) = report.comparisons.iter().map(|one| one.k).max() else {
        return String::new();
    };
    let rivals = report.comparisons.iter().filter(|one| one.k == k);
    let Some(closest) = rivals.min_by(|a, b| a.recall.mean.total_cmp(&b.recall.mean)) else {
        return String::new();
    };
    let all: Vec<_> = report.comparisons.iter().collect();
    let won = all.iter().filter(|one| one.merged_is_better).count();
    let verdict = match (closest.recall.low > 0.0, closest.recall.high < 0.0) {
        (true, _) => "ahead of the best single channel",
        (_, true) => "behind the best single channel",
        _ => "level with the best single channel",
    };
    format!(
        "At K = {k} the merge is {verdict}, {}, by {} (95 % interval {} to {}). It is better in \
         {won} of {} comparisons with single channels.",
        closest.channel,
        signed(closest.recall.mean),
        signed(closest.recall.low),
        signed(closest.recall.high),
        all.len()
    )
}

fn tiles(report: &EvaluationReport) -> Vec<(String, String, String)> {
    let name = report.profile.recall_name();
    let best = report
        .channels
        .iter()
        .max_by(|a, b| a.standalone_recall.total_cmp(&b.standalone_recall))
        .map(|one| {
            let title = format!("best channel, {name}@{}", report.handover);
            (title, share(one.standalone_recall), one.channel.clone())
        });
    let mut tiles = vec![(
        format!("merged, {name}@{}", report.handover),
        share(report.merged.recall),
        "what goes to the ranker".to_owned(),
    )];
    tiles.extend(best);
    tiles.push((
        "union of all lists".to_owned(),
        share(report.merged.union.recall_at_fetch_k),
        "the most that a merge could reach".to_owned(),
    ));
    for one in &report.merged.list.headline {
        let note = format!("merged, as {} papers print it", report.profile.as_str());
        tiles.push((one.name.clone(), share(one.value), note));
    }
    let took = &report.merged.list.latency;
    let note = format!("p50 {} \u{b5}s, under the load of judging", took.p50_us);
    tiles.push(("request, p99".to_owned(), format!("{} \u{b5}s", took.p99_us), note));
    tiles
}

/// How the numbers came about.
pub(super) fn footer(report: &EvaluationReport) -> String {
    format!(
        "<footer><p>Every user asks once, as of the last training event; training items are \
         refused. Intervals: paired bootstrap over users, {} resamples, seed {}. Marginal: the \
         merge is run again without the channel and its places are refilled. Recall above the \
         handover size of {} is what the same plan would add next.</p></footer>",
        report.resamples, report.seed, report.handover
    )
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
