//! Small pieces of SVG, and the scales of axes.

/// Text as it may stand in HTML, in an attribute or between tags.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// An image of this size in its own units; the page scales it.
pub(super) fn image(width: f64, height: f64, label: &str, body: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" style=\"--w:{width:.0}px\" role=\"img\" \
         aria-label=\"{}\">{body}</svg>",
        escape(label)
    )
}

/// A line of text.
pub(super) fn text(x: f64, y: f64, class: &str, content: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{}</text>", escape(content))
}

/// A straight line.
pub(super) fn line(x1: f64, y1: f64, x2: f64, y2: f64, class: &str) -> String {
    format!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>")
}

/// The class that colours the channel at a position: eight hues that stay apart for the
/// colour-blind (Okabe and Ito 2008), then round again.
pub(super) fn hue(channel: usize) -> String {
    format!("c{}", channel % 8)
}

/// A name that fits into `most` characters.
pub(super) fn short(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars().take(most - 1).chain(['\u{2026}']).collect()
}

/// A linear scale from a span of values to a span of places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Scale {
    /// The place of a value.
    pub(super) fn at(&self, value: f64) -> f64 {
        let span = if self.high > self.low { self.high - self.low } else { 1.0 };
        self.from + (value - self.low) / span * (self.to - self.from)
    }

    /// The same scale, widened to round ends, with the values to mark.
    pub(super) fn rounded(mut self, count: usize) -> (Self, Vec<f64>) {
        let step = round_step((self.high - self.low).max(1e-9) / count as f64);
        let first = (self.low / step).floor() as i64;
        let last = (self.high / step).ceil().max(first as f64 + 1.0) as i64;
        (self.low, self.high) = (first as f64 * step, last as f64 * step);
        (self, (first..=last).map(|at| at as f64 * step).collect())
    }
}

/// The next of 1, 2, 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|one| one * power >= least * 0.999);
    factor.unwrap_or(10.0) * power
}

/// Moves wanted places apart to at least `gap`, as little as a downward and an upward sweep allow,
/// within `low..=high`; the order is kept.
pub(super) fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut places = wanted.to_vec();
    let mut least = low;
    for at in &order {
        places[*at] = places[*at].max(least);
        least = places[*at] + gap;
    }
    let mut most = high;
    for at in order.iter().rev() {
        places[*at] = places[*at].min(most);
        most = places[*at] - gap;
    }
    places
}

/// A number as short as its step allows.
pub(super) fn brief(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_everything_that_could_end_a_tag_or_an_attribute() {
        assert_eq!(escape("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }

    #[test]
    fn axes_have_round_ends_that_hold_all_values() {
        let (scale, ticks) = Scale { low: 0.013, high: 0.47, from: 0.0, to: 100.0 }.rounded(5);
        assert_eq!((scale.low, scale.high), (0.0, 0.5));
        assert_eq!(ticks.len(), 6);
        let (scale, _) = Scale { low: 0.0, high: 0.0, from: 0.0, to: 1.0 }.rounded(5);
        assert!(scale.high > scale.low, "nothing but zeros still has an axis");
    }

    proptest! {
        #[test]
        fn labels_do_not_overlap(wanted in prop::collection::vec(0.0f64..300.0, 1..12)) {
            let places = spread(&wanted, 15.0, 0.0, 300.0);
            let mut sorted = places.clone();
            sorted.sort_by(f64::total_cmp);
            for pair in sorted.windows(2) {
                prop_assert!(pair[1] - pair[0] >= 15.0 - 1e-9);
            }
        }
    }
}
