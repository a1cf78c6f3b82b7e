//! Recall by K: one line a list, named at its end.

use super::svg::{Scale, brief, escape, hue, image, line, short, spread, text};
use crate::report::{EvaluationReport, ListSummary};
use crate::tables::share;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 352.0;

pub(super) fn draw(report: &EvaluationReport) -> String {
    let points = &report.merged.list.curve;
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let log = |k: usize| (k as f64).log10();
    let across = Scale { low: log(first.k), high: log(last.k), from: LEFT + 8.0, to: RIGHT };
    let lists: Vec<(String, String, &ListSummary)> = report
        .channels
        .iter()
        .enumerate()
        .map(|(at, one)| (one.channel.clone(), hue(at), &one.list))
        .chain([("merged".to_owned(), "merged".to_owned(), &report.merged.list)])
        .collect();
    let all = lists.iter().flat_map(|(_, _, list)| list.curve.iter().map(|point| point.recall));
    let most = all.fold(0.0, f64::max);
    let (up, ticks) = Scale { low: 0.0, high: most, from: BOTTOM, to: TOP }.rounded(5);
    let mut body = String::new();
    for tick in ticks {
        let y = up.at(tick);
        body += &line(LEFT, y, RIGHT, y, "grid");
        body += &text(LEFT - 8.0, y + 4.0, "tick end", &brief(tick));
    }
    for point in points {
        let x = across.at(log(point.k));
        body += &line(x, BOTTOM, x, BOTTOM + 5.0, "axis");
        body += &text(x, BOTTOM + 20.0, "tick mid", &point.k.to_string());
    }
    body += &line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis");
    body += &text((LEFT + RIGHT) / 2.0, HEIGHT - 6.0, "tick mid", "K, candidates (log scale)");
    let ends: Vec<f64> = lists
        .iter()
        .map(|(_, _, list)| up.at(list.curve.last().map_or(0.0, |point| point.recall)))
        .collect();
    let labels = spread(&ends, 17.0, TOP + 4.0, BOTTOM);
    for (((name, class, list), end), label) in lists.iter().zip(&ends).zip(labels) {
        let places: Vec<(f64, f64)> =
            list.curve.iter().map(|point| (across.at(log(point.k)), up.at(point.recall))).collect();
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        body += &format!("<polyline points=\"{}\" class=\"curve {class}\"/>", path.join(" "));
        for ((x, y), point) in places.iter().zip(&list.curve) {
            let value = format!("{name}: {} at K = {}", share(point.recall), point.k);
            body += &format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" class=\"dot {class}\">\
                 <title>{}</title>\
                 </circle>",
                escape(&value)
            );
        }
        body += &line(RIGHT + 7.0, *end, RIGHT + 20.0, label, &format!("leader {class}"));
        let named = format!("{} {}", short(name, 16), share(list.recall_at(last.k).unwrap_or(0.0)));
        body += &text(RIGHT + 24.0, label + 4.5, &format!("name {class}"), &named);
    }
    image(WIDTH, HEIGHT, "recall by number of candidates, one line a list", &body)
}
