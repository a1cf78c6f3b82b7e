//! Latency against rate as one HTML page with nothing from outside.

use std::fmt::Write;

use super::search::Search;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 48.0;

const STYLE: &str = ":root{--bg:#fff;--ink:#16202c;--soft:#5b6878;--line:#dfe4ea;--a:#0072b2;\
    --b:#d98200;--c:#b8558f}@media (prefers-color-scheme:dark){:root{--bg:#18212b;--ink:#eaf0f6;\
    --soft:#9cabba;--line:#2c3946;--a:#5aa9e6;--b:#f0a830;--c:#e08fc0}}body{background:var(--bg);\
    color:var(--ink);font:15px/1.5 system-ui,sans-serif;max-width:760px;margin:24px auto;padding:0 \
    16px}svg{width:100%}text{fill:var(--soft);font-size:12px}.grid{stroke:var(--line)}.target{\
    stroke:var(--ink);stroke-dasharray:5 4}path{fill:none;stroke-width:2}";

/// One figure of many times.
type Quantile = fn(&super::times::Times) -> f64;

/// The page: p50, p99 and p99.9 in microseconds (logarithmic) against requests a second.
pub(super) fn page(title: &str, search: &Search) -> String {
    let points = &search.points;
    let rate_max = points.iter().map(|point| point.rate).fold(1.0, f64::max);
    let all = || {
        let of = |point: &super::search::RatePoint| [point.latency.p50_us, point.latency.p999_us];
        points.iter().flat_map(of).chain([search.p99_us_max]).map(|us| us.max(1.0))
    };
    let low = all().fold(f64::INFINITY, f64::min).log10().floor();
    let high = all().fold(1.0, f64::max).log10().ceil().max(low + 1.0);
    let x = |rate: f64| LEFT + rate / rate_max * (WIDTH - LEFT - RIGHT);
    let y = |us: f64| {
        let share = (us.max(1.0).log10() - low) / (high - low);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    };
    let mut body = String::new();
    for power in low as i32..=high as i32 {
        let (us, right) = (10f64.powi(power), WIDTH - RIGHT);
        let at = y(us);
        let _ = write!(
            body,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{us} µs</text>",
            LEFT - 6.0,
            at + 4.0
        );
    }
    for part in 0..=4 {
        let rate = rate_max * f64::from(part) / 4.0;
        let _ = write!(
            body,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{rate:.0}/s</text>",
            x(rate),
            HEIGHT - BOTTOM + 20.0
        );
    }
    let target = y(search.p99_us_max);
    let _ = write!(
        body,
        "<line class=\"target\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{target:.1}\" y2=\"{target:.1}\"/>",
        WIDTH - RIGHT
    );
    let curves: [(&str, &str, Quantile); 3] = [
        ("p50", "a", |times| times.p50_us),
        ("p99", "b", |times| times.p99_us),
        ("p99.9", "c", |times| times.p999_us),
    ];
    for (at, (name, hue, of)) in curves.iter().enumerate() {
        let mut path = String::new();
        for (at, point) in points.iter().enumerate() {
            let step = if at == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{step}{:.1} {:.1}", x(point.rate), y(of(&point.latency)));
        }
        let _ = write!(
            body,
            "<path d=\"{path}\" style=\"stroke:var(--{hue})\"/><text x=\"{:.1}\" y=\"{:.1}\" \
             style=\"fill:var(--{hue})\">{name}</text>",
            LEFT + 14.0,
            TOP + 14.0 + 16.0 * at as f64
        );
    }
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body>\
         <h1>{title}</h1><p>Latency from when each request was due, against the rate at which they \
         were due. Dashed: the target of {} µs for p99; it held up to {:.0} requests a second.</p>\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"latency against rate\">\
         {body}</svg></body></html>\n",
        search.p99_us_max, search.rate
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::search::RatePoint;
    use super::super::times::Times;
    use super::*;

    #[test]
    fn draws_every_point_and_escapes_names() {
        let point = |rate: f64, p99_us: f64| RatePoint {
            rate,
            served_rate: rate,
            unserved: 0,
            degraded: 0,
            latency: Times { p50_us: 100.0, p99_us, p999_us: 2.0 * p99_us, ..Times::default() },
        };
        let points = vec![point(100.0, 300.0), point(400.0, 900.0), point(800.0, 0.0)];
        let search = Search { p99_us_max: 1_000.0, rate: 400.0, points };
        let page = page("a <b> & c", &search);
        assert!(page.contains("a &lt;b&gt; &amp; c") && !page.contains("NaN"));
        assert_eq!(page.matches("<path").count(), 3);
        assert_eq!(page.matches('L').count() - page.matches("Latency").count(), 6);
    }

    #[test]
    fn an_empty_search_is_an_empty_picture() {
        let search = Search { p99_us_max: 50.0, rate: 0.0, points: vec![] };
        assert!(!page("x", &search).contains("NaN"));
    }
}
