//! The report as rows of text: what a terminal prints and what the page shows below its charts.

use serde::Serialize;

use crate::report::{
    AgeHeadline, ChannelEvaluation, EvaluationReport, ListSummary, OverlapMatrix, Segment,
};

/// A table of plain text; escaping is for whoever prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// How to read it, in one line.
    pub note: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// One cell a column.
    pub rows: Vec<Vec<String>>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// Whether it holds numbers, which stand right.
    pub numeric: bool,
}

impl EvaluationReport {
    /// Every number of the report, the most wanted tables first.
    pub fn tables(&self) -> Vec<Table> {
        let mut tables = self.by_age();
        tables.extend(self.by_scene());
        tables.extend([
            self.curves(),
            self.headlines(),
            self.contributions(),
            self.rivals(),
            self.properties(),
            self.latencies(),
            overlap("Overlap at equal K", &self.equal_k.to_string(), &self.overlap_at_equal_k),
            overlap("Overlap at fetch_k", "fetch_k", &self.overlap_at_fetch_k),
        ]);
        let segments = [
            ("Users with and without history", "users", &self.by_history),
            ("Users by training events", "users", &self.by_user_events),
        ];
        for (title, counted, segments) in segments {
            if !segments.is_empty() {
                tables.push(self.segments(title, counted, segments));
            }
        }
        tables
    }

    /// The headline.
    fn by_age(&self) -> Vec<Table> {
        let AgeHeadline { name, by_item_age, by_user_age, .. } = &self.headline;
        [
            (
                "age of the item",
                "items",
                by_item_age,
                "hits over held-out items; age at the request",
            ),
            (
                "age of the user",
                "users",
                by_user_age,
                "mean over users; time since the first event",
            ),
        ]
        .into_iter()
        .filter(|(_, _, segments, _)| !segments.is_empty())
        .map(|(by, counted, segments, note)| {
            let table = self.segments(&format!("{name} by {by}"), counted, segments);
            Table { note: note.to_owned(), ..table }
        })
        .collect()
    }

    fn by_scene(&self) -> Option<Table> {
        let title = format!("{} by scene of the held-out event", self.headline.name);
        let note = format!("hits over held-out items; every request asks scene {}", self.scene);
        let segments = &self.by_scene;
        let table = || Table { note, ..self.segments(&title, "items", segments) };
        (!segments.is_empty()).then(table)
    }

    fn lists(&self) -> impl Iterator<Item = (&str, &ListSummary)> {
        let channels = self.channels.iter().map(|one| (one.channel.as_str(), &one.list));
        channels.chain([("merged", &self.merged.list)])
    }

    fn curves(&self) -> Table {
        let name = self.profile.recall_name();
        let points = &self.merged.list.curve;
        let heads = points.iter().map(|point| format!("@{}", point.k));
        let rows = self.lists().map(|(list, summary)| {
            let recalls = summary.curve.iter().map(|point| share(point.recall));
            [list.to_owned()].into_iter().chain(recalls).collect()
        });
        table(
            &format!("{name}@K"),
            &format!("{}: {}", self.profile.as_str(), self.profile.definition()),
            &["list"],
            heads,
            rows,
        )
    }

    fn headlines(&self) -> Table {
        let heads = self.merged.list.headline.iter().map(|one| one.name.clone());
        let ndcg_heads = self.merged.list.curve.iter().map(|point| format!("ndcg@{}", point.k));
        let rows = self.lists().map(|(list, summary)| {
            let values = summary.headline.iter().map(|one| share(one.value));
            let ndcg = summary.curve.iter().map(|point| share(point.ndcg));
            [list.to_owned()].into_iter().chain(values).chain(ndcg).collect()
        });
        table(
            &format!("As the {} papers print it", self.profile.as_str()),
            "the profile's own figures, then NDCG along the curve",
            &["list"],
            heads.chain(ndcg_heads),
            rows,
        )
    }

    fn contributions(&self) -> Table {
        let handover = self.handover;
        let heads = [
            "fetch_k".to_owned(),
            format!("standalone@{handover}"),
            format!("marginal@{handover}"),
            "95 % low".to_owned(),
            "95 % high".to_owned(),
            "exclusive@fetch_k".to_owned(),
            "hits".to_owned(),
            format!("exclusive@{}", self.equal_k),
            "hits".to_owned(),
        ];
        let row = |one: &ChannelEvaluation| {
            vec![
                one.channel.clone(),
                one.fetch_k.to_string(),
                share(one.standalone_recall),
                signed(one.marginal_recall.mean),
                signed(one.marginal_recall.low),
                signed(one.marginal_recall.high),
                share(one.exclusive_recall_at_fetch_k),
                one.exclusive_hits_at_fetch_k.to_string(),
                share(one.exclusive_recall_at_equal_k),
                one.exclusive_hits_at_equal_k.to_string(),
            ]
        };
        let union = &self.merged.union;
        let note = format!(
            "merged {} at {handover}; union of all lists {} at fetch_k, {} at {}",
            share(self.merged.recall),
            share(union.recall_at_fetch_k),
            share(union.recall_at_equal_k),
            self.equal_k
        );
        let rows = self.channels.iter().map(row);
        table("What each channel brings", &note, &["channel"], heads.into_iter(), rows)
    }

    fn rivals(&self) -> Table {
        let heads = ["recall", "95 % low", "95 % high", "better", "ndcg", "95 % low", "95 % high"];
        let rows = self.comparisons.iter().map(|one| {
            let better = if one.merged_is_better { "yes" } else { "no" };
            vec![
                one.k.to_string(),
                one.channel.clone(),
                signed(one.recall.mean),
                signed(one.recall.low),
                signed(one.recall.high),
                better.to_owned(),
                signed(one.ndcg.mean),
                signed(one.ndcg.low),
                signed(one.ndcg.high),
            ]
        });
        let note = format!(
            "merged minus channel over the same users, {} resamples; better: the \
             interval lies above 0",
            self.resamples
        );
        let heads = heads.iter().map(|head| (*head).to_owned());
        table("Merged against every single channel", &note, &["K", "channel"], heads, rows)
    }

    fn properties(&self) -> Table {
        let heads = ["coverage", "novelty bits", "median age days", "empty share", "mean length"];
        let rows = self.lists().map(|(list, summary)| {
            vec![
                list.to_owned(),
                share(summary.coverage),
                format!("{:.2}", summary.novelty_bits),
                summary.days_old_median.map_or_else(|| "-".to_owned(), |days| days.to_string()),
                share(summary.empty_share),
                format!("{:.1}", summary.length_mean),
            ]
        });
        table(
            "What the lists show",
            "coverage: share of the catalogue returned to anybody; novelty: mean -log2 of the \
             share of training users; age: since publishing",
            &["list"],
            heads.iter().map(|head| (*head).to_owned()),
            rows,
        )
    }

    fn latencies(&self) -> Table {
        let rows = self.lists().map(|(list, summary)| {
            let name = if list == "merged" { "whole request" } else { list };
            let took = &summary.latency;
            vec![
                name.to_owned(),
                format!("{:.0}", took.mean_us),
                took.p50_us.to_string(),
                took.p99_us.to_string(),
            ]
        });
        table(
            "Microseconds",
            "measured while requests ran side by side and with the lists of judging: an idle \
             server is faster",
            &["stage"],
            ["mean", "p50", "p99"].iter().map(|head| (*head).to_owned()),
            rows,
        )
    }

    fn segments(&self, title: &str, counted: &str, segments: &[Segment]) -> Table {
        let lists = segments[0].recall.iter().map(|one| one.list.clone());
        let rows = segments.iter().map(|segment| {
            let recalls = segment.recall.iter().map(|one| share(one.recall));
            [segment.name.clone(), segment.count.to_string()].into_iter().chain(recalls).collect()
        });
        let note = format!("recall at {}", self.handover);
        let heads = [counted.to_owned()].into_iter().chain(lists);
        table(title, &note, &["part"], heads, rows)
    }
}

fn overlap(title: &str, cut: &str, matrix: &OverlapMatrix) -> Table {
    let rows = matrix.channels.iter().zip(&matrix.shares).map(|(channel, shares)| {
        [channel.clone()].into_iter().chain(shares.iter().map(|one| share(*one))).collect()
    });
    let note = format!("share of the row's items that the column returned too; lists cut at {cut}");
    table(title, &note, &["channel"], matrix.channels.iter().cloned(), rows)
}

fn table(
    title: &str,
    note: &str,
    words: &[&str],
    numbers: impl Iterator<Item = String>,
    rows: impl Iterator<Item = Vec<String>>,
) -> Table {
    let words = words.iter().map(|name| Column { name: (*name).to_owned(), numeric: false });
    let columns = words.chain(numbers.map(|name| Column { name, numeric: true })).collect();
    Table { title: title.to_owned(), note: note.to_owned(), columns, rows: rows.collect() }
}

/// A share to four decimals.
pub(crate) fn share(value: f64) -> String {
    format!("{value:.4}")
}

/// A difference to four decimals, with its sign.
pub(crate) fn signed(value: f64) -> String {
    format!("{value:+.4}")
}
