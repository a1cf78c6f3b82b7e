//! The headline: recall at the handover size by age of item and of user, and by scene.

use super::svg::{Scale, image, line, short, text};
use crate::report::{EvaluationReport, Segment};
use crate::tables::share;

const ROW: f64 = 28.0;

/// Two panels side by side, one row a segment.
pub(super) fn draw(report: &EvaluationReport) -> String {
    let headline = &report.headline;
    let rows = headline.by_item_age.len().max(headline.by_user_age.len());
    let body = panel("held-out items", 0.0, &headline.by_item_age)
        + &panel("users", 430.0, &headline.by_user_age);
    image(860.0, 42.0 + ROW * rows as f64, "recall by age of item and of user", &body)
}

/// One panel, one row a scene.
pub(super) fn draw_scenes(report: &EvaluationReport) -> String {
    let body = panel("held-out items", 0.0, &report.by_scene);
    image(430.0, 42.0 + ROW * report.by_scene.len() as f64, "recall by scene", &body)
}

fn panel(title: &str, left: f64, segments: &[Segment]) -> String {
    let from = left + 150.0;
    let most = segments.iter().flat_map(|one| &one.recall).map(|one| one.recall);
    let scale = Scale { low: 0.0, high: most.fold(1e-9, f64::max), from, to: from + 150.0 };
    let mut body = text(from, 18.0, "head", title);
    for (at, segment) in segments.iter().enumerate() {
        let middle = 34.0 + ROW * (at as f64 + 0.5);
        let label = format!("{} ({})", short(&segment.name, 20), segment.count);
        body += &text(from - 10.0, middle + 4.5, "name end", &label);
        let Some((merged, channels)) = segment.recall.split_last() else { continue };
        body += &format!(
            "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"16\" rx=\"2\" \
             class=\"bar merged\"/>",
            middle - 8.0,
            (scale.at(merged.recall) - from).max(1.0)
        );
        let best = channels.iter().max_by(|a, b| a.recall.total_cmp(&b.recall));
        let best = best.map_or(merged, |best| best);
        let x = scale.at(best.recall);
        body += &line(x, middle - 11.0, x, middle + 11.0, "whisker");
        let end = scale.at(merged.recall).max(x) + 6.0;
        let value = format!("{} / {}", share(merged.recall), short(&best.list, 12));
        body += &text(end, middle + 4.5, "value", &value);
    }
    body
}
