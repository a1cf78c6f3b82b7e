//! Horizontal bars: what each channel brings, and how long it takes.

use super::svg::{Scale, escape, hue, image, line, short, text};
use crate::report::EvaluationReport;
use crate::tables::{share, signed};

const ROW: f64 = 30.0;

struct Bar {
    class: String,
    value: f64,
    /// The ends of its interval.
    whisker: Option<(f64, f64)>,
    label: String,
}

/// Three panels side by side, one row a channel.
pub(super) fn contributions(report: &EvaluationReport) -> String {
    let channels = &report.channels;
    let height = 34.0 + ROW * channels.len() as f64 + 8.0;
    let mut body = String::new();
    for (at, one) in channels.iter().enumerate() {
        let y = 34.0 + ROW * (at as f64 + 0.5);
        body += &text(128.0, y + 4.5, &format!("name end {}", hue(at)), &short(&one.channel, 16));
    }
    let bar = |at: usize, value: f64, whisker, label| Bar { class: hue(at), value, whisker, label };
    let standalone = channels
        .iter()
        .enumerate()
        .map(|(at, one)| bar(at, one.standalone_recall, None, share(one.standalone_recall)));
    let marginal = channels.iter().enumerate().map(|(at, one)| {
        let interval = one.marginal_recall;
        bar(at, interval.mean, Some((interval.low, interval.high)), signed(interval.mean))
    });
    let exclusive = channels.iter().enumerate().map(|(at, one)| {
        bar(at, one.exclusive_recall_at_fetch_k, None, share(one.exclusive_recall_at_fetch_k))
    });
    body +=
        &panel(&format!("standalone@{}", report.handover), 140.0, &standalone.collect::<Vec<_>>());
    body += &panel(&format!("marginal@{}", report.handover), 390.0, &marginal.collect::<Vec<_>>());
    body += &panel("exclusive@fetch_k", 640.0, &exclusive.collect::<Vec<_>>());
    image(860.0, height, "standalone, marginal and exclusive recall of each channel", &body)
}

fn panel(title: &str, left: f64, bars: &[Bar]) -> String {
    let mut body = text(left, 18.0, "head", title);
    let ends = bars.iter().flat_map(|bar| {
        let (low, high) = bar.whisker.unwrap_or((bar.value, bar.value));
        [low, high, bar.value]
    });
    let (low, high) = ends.fold((0f64, 1e-9f64), |(low, high), end| (low.min(end), high.max(end)));
    let scale = Scale { low, high, from: left, to: left + 150.0 };
    for (at, bar) in bars.iter().enumerate() {
        let middle = 34.0 + ROW * (at as f64 + 0.5);
        let (from, to) = (scale.at(bar.value.min(0.0)), scale.at(bar.value.max(0.0)));
        body += &format!(
            "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"16\" rx=\"2\" \
             class=\"bar {}\"><title>{}</title></rect>",
            middle - 8.0,
            (to - from).max(1.0),
            bar.class,
            escape(&bar.label)
        );
        let mut end = to;
        if let Some((low, high)) = bar.whisker {
            body += &line(scale.at(low), middle, scale.at(high), middle, "whisker");
            end = end.max(scale.at(high));
        }
        body += &text(end + 6.0, middle + 4.5, "value", &bar.label);
    }
    let zero = scale.at(0.0);
    body + &line(zero, 28.0, zero, 34.0 + ROW * bars.len() as f64, "axis")
}

/// One row a channel and one for the whole request: p50 in front of p99.
pub(super) fn latencies(report: &EvaluationReport) -> String {
    let merged = [("whole request".to_owned(), "merged".to_owned(), &report.merged.list.latency)];
    let rows: Vec<_> = report
        .channels
        .iter()
        .enumerate()
        .map(|(at, one)| (one.channel.clone(), hue(at), &one.list.latency))
        .chain(merged)
        .collect();
    let most = rows.iter().map(|(_, _, took)| took.p99_us).max().unwrap_or(0);
    let scale = Scale { low: 0.0, high: f64::from(most.max(1)), from: 128.0, to: 390.0 };
    let mut body = String::new();
    for (at, (name, class, took)) in rows.iter().enumerate() {
        let middle = 4.0 + ROW * (at as f64 + 0.5);
        body += &text(118.0, middle + 4.5, &format!("name end {class}"), &short(name, 15));
        for (value, kind) in [(took.p99_us, "pale"), (took.p50_us, "bar")] {
            body += &format!(
                "<rect x=\"128\" y=\"{:.1}\" width=\"{:.1}\" height=\"16\" rx=\"2\" \
                 class=\"{kind} {class}\"/>",
                middle - 8.0,
                (scale.at(f64::from(value)) - 128.0).max(1.0)
            );
        }
        let label = format!("{} / {} \u{b5}s", took.p50_us, took.p99_us);
        let end = scale.at(f64::from(took.p99_us));
        body += &text(end + 6.0, middle + 4.5, "value", &label);
    }
    let height = 12.0 + ROW * rows.len() as f64;
    image(520.0, height, "p50 and p99 of each channel and of the request", &body)
}
