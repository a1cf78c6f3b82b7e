//! The merge minus each channel, as intervals beside the line of no difference.

use super::svg::{Scale, brief, escape, hue, image, line, short, text};
use crate::report::EvaluationReport;
use crate::tables::signed;

const ROW: f64 = 24.0;
const LEFT: f64 = 128.0;
const RIGHT: f64 = 430.0;

pub(super) fn draw(report: &EvaluationReport) -> String {
    let all = &report.comparisons;
    let ends = all.iter().flat_map(|one| [one.recall.low, one.recall.high]);
    let (low, high) = ends.fold((0f64, 0f64), |(low, high), end| (low.min(end), high.max(end)));
    let (low, high) = (root(low), root(high.max(1e-6)));
    let scale = Scale { low: low.min(-0.05 * high), high, from: LEFT, to: RIGHT };
    let marks = [-0.5, -0.2, -0.05, -0.01, 0.0, 0.01, 0.05, 0.2, 0.5];
    let ticks = marks.into_iter().filter(|mark| (scale.low..=high).contains(&root(*mark)));
    let (mut body, mut y, mut k) = (String::new(), 0.0, 0);
    for (at, one) in all.iter().enumerate() {
        if one.k != k {
            (k, y) = (one.k, y + ROW + if k == 0 { 0.0 } else { 6.0 });
            body += &text(LEFT - 10.0, y - 4.0, "head end", &format!("K = {k}"));
        }
        y += ROW;
        let (class, middle) = (hue(at % report.channels.len().max(1)), y - ROW / 2.0);
        let hollow = if one.recall.excludes_zero() { "" } else { " hollow" };
        let value = format!(
            "merged minus {} at K = {k}: {} [{}, {}]",
            one.channel,
            signed(one.recall.mean),
            signed(one.recall.low),
            signed(one.recall.high)
        );
        let (from, to) = (scale.at(root(one.recall.low)), scale.at(root(one.recall.high)));
        let label = format!("name end {class}");
        body += &text(LEFT - 10.0, middle + 4.5, &label, &short(&one.channel, 15));
        body += &line(from, middle, to, middle, &format!("interval {class}"));
        body += &format!(
            "<circle cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"5\" class=\"dot {class}{hollow}\">\
             <title>{}</title></circle>",
            scale.at(root(one.recall.mean)),
            escape(&value)
        );
        body += &text(RIGHT + 80.0, middle + 4.5, "value end", &signed(one.recall.mean));
    }
    let grid: String = ticks.map(|tick| grid(&scale, tick, y)).collect();
    image(520.0, y + 28.0, "merged minus each channel with 95 % intervals", &(grid + &body))
}

/// The near rivals are those that matter; on a linear axis the far ones squeeze them to a dot.
fn root(difference: f64) -> f64 {
    difference.abs().sqrt().copysign(difference)
}

fn grid(scale: &Scale, tick: f64, bottom: f64) -> String {
    let class = if tick == 0.0 { "zero" } else { "grid" };
    let x = scale.at(root(tick));
    let label = if tick > 0.0 { format!("+{}", brief(tick)) } else { brief(tick) };
    line(x, 8.0, x, bottom + 4.0, class) + &text(x, bottom + 22.0, "tick mid", &label)
}
