//! The report as one HTML page without anything from outside: it works offline, in light and
//! dark, on paper and on a phone. Everything that comes from data is escaped.

mod ages;
mod bars;
mod curves;
mod forest;
mod heat;
mod scatter;
mod svg;
mod verdict;

use crate::report::EvaluationReport;
use crate::tables::Table;
use svg::escape;

/// What the page says of its origin, beyond what the report knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReportAbout {
    /// The data set.
    pub dataset: String,
    /// How it was divided, in words.
    pub split: String,
    /// Whether the split lets training see other users' future: said beside its name.
    pub sees_other_users_future: bool,
    /// When the report was made, as text.
    pub made: String,
    /// Anything else worth a line: name and value.
    pub notes: Vec<(String, String)>,
}

/// The whole page.
pub fn html(report: &EvaluationReport, about: &ReportAbout) -> String {
    let mut page = String::with_capacity(64 * 1024);
    page.push_str("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    page.push_str("<meta name=\"color-scheme\" content=\"light dark\">");
    page.push_str(&format!("<title>Gannet: {}</title>", escape(&about.dataset)));
    page.push_str(&format!("<style>{}</style></head><body><main>", include_str!("html/style.css")));
    page.push_str(&verdict::header(report, about));
    page.push_str("<section class=\"charts\">");
    page.push_str(&charts(report));
    page.push_str("</section><section class=\"tables\"><h2 class=\"part\">Every number</h2>");
    for table in report.tables() {
        page.push_str(&table_html(&table));
    }
    page.push_str("</section>");
    page.push_str(&verdict::footer(report));
    page.push_str("</main></body></html>\n");
    page
}

/// Every chart with its caption.
fn charts(report: &EvaluationReport) -> String {
    let name = report.profile.recall_name();
    let mut page = String::new();
    page.push_str(&chart(
        &format!("{} by age", report.headline.name),
        "Bars: the merge of all channels, for held-out items by their age at the request, and for \
         users by the time since their first event. The mark is the best single channel there.",
        &ages::draw(report),
        true,
    ));
    page.push_str(&scene_chart(report));
    page.push_str(&chart(
        &format!("{name} by number of candidates"),
        "Higher is better. The bold line is the merge of all channels; a channel's line \
         goes flat where its list ends. Point at a dot for its value.",
        &curves::draw(report),
        true,
    ));
    page.push_str(&chart(
        "What each channel brings",
        &format!(
            "Standalone: the channel alone at {0}. Marginal: what the merge loses at {0} without \
             it, with its 95 % interval. Exclusive: hits that no other channel has. Each panel has \
             its own scale.",
            report.handover
        ),
        &bars::contributions(report),
        true,
    ));
    page.push_str(&chart(
        "Merged against each channel",
        "Merged minus channel, same users, 95 % bootstrap interval. Right of the line the merge \
         is better; a hollow dot marks an interval that touches 0. Square-root scale.",
        &forest::draw(report),
        false,
    ));
    page.push_str(&chart(
        &format!("Overlap of the first {} items", report.equal_k),
        "Of the row's items, the share that the column returned to the same user too.",
        &heat::draw(&report.overlap_at_equal_k),
        false,
    ));
    page.push_str(&chart(
        "Time a request",
        "Solid: half of the requests took no longer (p50). Pale: 99 of 100 took no longer (p99). \
         Measured under the load of judging.",
        &bars::latencies(report),
        false,
    ));
    page.push_str(&chart(
        "Coverage and novelty",
        "Right: more of the catalogue is shown to somebody. Up: the items shown are less popular.",
        &scatter::draw(report),
        false,
    ));
    page
}

fn scene_chart(report: &EvaluationReport) -> String {
    if report.by_scene.is_empty() {
        return String::new();
    }
    chart(
        &format!("{} by scene", report.headline.name),
        &format!(
            "Bars: the merge of all channels, for held-out items by the scene in which the user \
             met them. The mark is the best single channel there. Every request asks scene {}.",
            report.scene
        ),
        &ages::draw_scenes(report),
        false,
    )
}

fn chart(title: &str, how: &str, body: &str, wide: bool) -> String {
    let class = if wide { " class=\"wide\"" } else { "" };
    format!(
        "<figure{class}><figcaption><h2>{}</h2><p>{}</p></figcaption>\
         <div class=\"chart\">{body}</div></figure>",
        escape(title),
        escape(how)
    )
}

fn table_html(table: &Table) -> String {
    let class = |at: usize| if table.columns[at].numeric { " class=\"n\"" } else { "" };
    let cells = |row: &[String], tag: &str| -> String {
        row.iter()
            .enumerate()
            .map(|(at, cell)| format!("<{tag}{}>{}</{tag}>", class(at), escape(cell)))
            .collect()
    };
    let heads: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let rows: String =
        table.rows.iter().map(|row| format!("<tr>{}</tr>", cells(row, "td"))).collect();
    format!(
        "<details open><summary>{}</summary><p>{}</p><div class=\"scroll\"><table><thead><tr>{}\
         </tr></thead><tbody>{rows}</tbody></table></div></details>",
        escape(&table.title),
        escape(&table.note),
        cells(&heads, "th"),
    )
}
