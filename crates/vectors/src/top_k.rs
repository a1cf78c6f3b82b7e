//! The best k of a stream of scored rows, by selection: a full sort is never needed.

use crate::search::Neighbour;

/// Keeps the `k` best neighbours seen: higher score first, the lower row among equals.
///
/// A buffer of 2k is cut back to k by quick-select whenever it is full, so a stream of n costs
/// O(n + k log k) and most rows only one comparison with the threshold. Score and row are one
/// whole number there: numbers are selected and sorted without a branch that could be guessed
/// wrong.
#[derive(Debug, Clone)]
pub struct TopK {
    k: usize,
    /// [`pack`]ed.
    buffer: Vec<u64>,
    /// A row at or below it can no longer enter; rows arrive in any order, so ties need a look.
    threshold: f32,
}

/// A buffer's first capacity: a giant `k` must not allocate before there is something to keep.
const CAPACITY_FIRST_MAX: usize = 4096;

const SIGN: u32 = 1 << 31;

/// The smaller the better: the score's bits, in an order that falls as the score rises, then the
/// row.
#[inline]
fn pack(row: u32, score: f32) -> u64 {
    let bits = score.to_bits();
    let rising = if bits & SIGN == 0 { bits | SIGN } else { !bits };
    u64::from(!rising) << 32 | u64::from(row)
}

#[inline]
fn unpack(packed: u64) -> Neighbour {
    let rising = !((packed >> 32) as u32);
    let bits = if rising & SIGN == 0 { !rising } else { rising & !SIGN };
    Neighbour { row: packed as u32, score: f32::from_bits(bits) }
}

impl TopK {
    /// Keeps at most `k`.
    pub fn new(k: usize) -> Self {
        let capacity = k.saturating_mul(2).min(CAPACITY_FIRST_MAX);
        Self { k, buffer: Vec::with_capacity(capacity), threshold: f32::NEG_INFINITY }
    }

    /// Scores below it cannot enter any more: lets the caller skip work (a mask test, say).
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Offers a row. NaN is never kept.
    #[inline]
    pub fn offer(&mut self, row: u32, score: f32) {
        if score >= self.threshold {
            // -0.0 becomes 0.0: equal scores are ordered by row, whatever their sign of zero.
            self.keep(pack(row, score + 0.0));
        }
    }

    fn keep(&mut self, packed: u64) {
        if self.k == 0 {
            return;
        }
        self.buffer.push(packed);
        if self.buffer.len() >= self.k.saturating_mul(2) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.buffer.len() > self.k {
            self.buffer.select_nth_unstable(self.k - 1);
            self.buffer.truncate(self.k);
            self.threshold = unpack(self.buffer[self.k - 1]).score;
        }
    }

    /// The kept rows, best first.
    pub fn into_sorted(mut self) -> Vec<Neighbour> {
        self.cut();
        self.buffer.sort_unstable();
        self.buffer.into_iter().map(unpack).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_a_full_sort(
            scores in prop::collection::vec(prop_oneof![-3i8..3, any::<i8>()], 0..300),
            k in 0usize..40,
        ) {
            let mut top = TopK::new(k);
            let mut sorted = Vec::new();
            for (row, score) in scores.iter().enumerate() {
                let (row, score) = (row as u32, f32::from(*score));
                top.offer(row, score);
                sorted.push(Neighbour { row, score });
            }
            sorted.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
            sorted.truncate(k);
            prop_assert_eq!(top.into_sorted(), sorted);
        }
    }

    proptest! {
        #[test]
        fn a_packed_neighbour_comes_back_and_orders_as_it_did(
            a in (any::<u32>(), any::<f32>().prop_filter("a number", |score| !score.is_nan())),
            b in (any::<u32>(), any::<f32>().prop_filter("a number", |score| !score.is_nan())),
        ) {
            let [one, other] = [a, b].map(|(row, score)| pack(row, score));
            prop_assert_eq!(unpack(one), Neighbour { row: a.0, score: a.1 });
            prop_assert_eq!(one.cmp(&other), b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        }
    }

    #[test]
    fn zeros_of_either_sign_are_equal() {
        let mut top = TopK::new(2);
        top.offer(0, -0.0);
        top.offer(1, 0.0);
        let rows: Vec<u32> = top.into_sorted().iter().map(|found| found.row).collect();
        assert_eq!(rows, [0, 1]);
    }

    #[test]
    fn nan_never_ranks_and_a_giant_k_allocates_little() {
        let mut top = TopK::new(usize::MAX);
        top.offer(1, f32::NAN);
        top.offer(2, 1.0);
        assert_eq!(top.into_sorted(), [Neighbour { row: 2, score: 1.0 }]);
    }
}
