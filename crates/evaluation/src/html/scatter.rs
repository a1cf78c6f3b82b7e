//! Coverage against novelty: one dot a list.

use super::svg::{Scale, brief, escape, hue, image, line, short, spread, text};
use crate::report::EvaluationReport;

const LEFT: f64 = 48.0;
const RIGHT: f64 = 410.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 262.0;

pub(super) fn draw(report: &EvaluationReport) -> String {
    let lists: Vec<_> = report
        .channels
        .iter()
        .enumerate()
        .map(|(at, one)| (one.channel.clone(), hue(at), &one.list))
        .chain([("merged".to_owned(), "merged".to_owned(), &report.merged.list)])
        .filter(|(_, _, list)| list.length_mean > 0.0)
        .collect();
    let high = |value: fn(&crate::ListSummary) -> f64| {
        lists.iter().map(|(_, _, list)| value(list)).fold(0.0, f64::max)
    };
    let wide = Scale { low: 0.0, high: high(|list| list.coverage), from: LEFT, to: RIGHT };
    let tall = Scale { low: 0.0, high: high(|list| list.novelty_bits), from: BOTTOM, to: TOP };
    let ((across, xs), (up, ys)) = (wide.rounded(4), tall.rounded(4));
    let mut body = String::new();
    for x in xs {
        body += &line(across.at(x), TOP, across.at(x), BOTTOM, "grid");
        let percent = format!("{} %", brief(x * 100.0));
        body += &text(across.at(x), BOTTOM + 18.0, "tick mid", &percent);
    }
    for y in ys {
        body += &line(LEFT, up.at(y), RIGHT, up.at(y), "grid");
        body += &text(LEFT - 8.0, up.at(y) + 4.0, "tick end", &brief(y));
    }
    body += &line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis");
    body += &text((LEFT + RIGHT) / 2.0, BOTTOM + 38.0, "tick mid", "coverage of the catalogue");
    body += &format!(
        "<text transform=\"translate(13 {:.0}) rotate(-90)\" class=\"tick mid\">\
         novelty, bits</text>",
        (TOP + BOTTOM) / 2.0
    );
    let wanted: Vec<f64> = lists.iter().map(|(_, _, list)| up.at(list.novelty_bits)).collect();
    let labels = spread(&wanted, 16.0, TOP + 2.0, BOTTOM - 4.0);
    for (((name, class, list), y), label) in lists.iter().zip(&wanted).zip(labels) {
        let x = across.at(list.coverage);
        let told = format!("{name}: {:.1} %, {:.2} bits", list.coverage * 100.0, list.novelty_bits);
        body += &line(x, *y, RIGHT + 12.0, label, &format!("leader {class}"));
        body += &format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\" class=\"dot {class}\"><title>{}</title>\
             </circle>",
            escape(&told)
        );
        body += &text(RIGHT + 16.0, label + 4.5, &format!("name {class}"), &short(name, 14));
    }
    image(520.0, 306.0, "coverage against novelty, one dot a list", &body)
}
