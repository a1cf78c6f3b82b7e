//! The inner loops. The portable form is the oracle.

/// Inner product of two rows of equal length.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `target += scale * row`.
pub fn add_scaled(target: &mut [f32], scale: f32, row: &[f32]) {
    for (target, value) in target.iter_mut().zip(row) {
        *target += scale * value;
    }
}

/// Scales a row to length 1; a zero row stays as it is.
pub fn normalize(row: &mut [f32]) {
    let length = dot(row, row).sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|value| *value /= length);
    }
}
