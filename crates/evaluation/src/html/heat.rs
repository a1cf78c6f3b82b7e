//! The overlap of channels as a matrix of shares.

use super::svg::{escape, image, short, text};
use crate::report::OverlapMatrix;

pub(super) fn draw(matrix: &OverlapMatrix) -> String {
    let count = matrix.channels.len().max(1) as f64;
    let cell = (392.0 / count).min(64.0);
    let height = (cell * 0.72).max(24.0);
    let mut body = String::new();
    for (row, channel) in matrix.channels.iter().enumerate() {
        let (x, y) = (128.0 + (row as f64 + 0.5) * cell, 100.0 + (row as f64 + 0.5) * height);
        body += &text(118.0, y + 4.5, "name end", &short(channel, 15));
        body += &format!(
            "<text transform=\"translate({:.1} 92) rotate(-40)\" class=\"name\">{}</text>",
            x - 6.0,
            escape(&short(channel, 15))
        );
        for (column, share) in matrix.shares[row].iter().enumerate() {
            body += &square(matrix, row, column, *share, (cell, height));
        }
    }
    let tall = 100.0 + height * matrix.channels.len() as f64 + 6.0;
    image(560.0, tall, "share of the row's items that the column returned too", &body)
}

fn square(
    matrix: &OverlapMatrix,
    row: usize,
    column: usize,
    share: f64,
    (width, height): (f64, f64),
) -> String {
    let (x, y) = (128.0 + column as f64 * width, 100.0 + row as f64 * height);
    let own = if row == column { " own" } else { "" };
    let told = format!(
        "{:.1} % of the items of {} are in {} too",
        share * 100.0,
        matrix.channels[row],
        matrix.channels[column]
    );
    let tone = if share > 0.5 { "on" } else { "off" };
    format!(
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"3\" \
         class=\"cell{own}\" style=\"--v:{share:.3}\"><title>{}</title></rect>{}",
        x + 1.0,
        y + 1.0,
        width - 2.0,
        height - 2.0,
        escape(&told),
        text(
            x + width / 2.0,
            y + height / 2.0 + 4.5,
            &format!("mid cell-{}", if row == column { "own" } else { tone }),
            &format!("{:.0}", share * 100.0)
        )
    )
}
