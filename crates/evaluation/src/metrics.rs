//! The metrics of one list, all computed from the ranks of its hits.
//!
//! NDCG is Jarvelin and Kekalainen 2002 with binary gains and log2.

use gannet_core::ItemIndex;

/// The ranks, from 1 and rising, at which `list` has an item of `held_out` (ascending). An item
/// that the list names twice counts once, at its first rank.
pub fn hit_ranks(list: impl IntoIterator<Item = ItemIndex>, held_out: &[ItemIndex]) -> Vec<u32> {
    let mut seen = vec![false; held_out.len()];
    let mut ranks = Vec::new();
    for (item, rank) in list.into_iter().zip(1..) {
        if let Ok(at) = held_out.binary_search(&item)
            && !std::mem::replace(&mut seen[at], true)
        {
            ranks.push(rank);
        }
    }
    ranks
}

/// How many hits are among the first `k`.
pub fn hits_at(ranks: &[u32], k: usize) -> usize {
    ranks.partition_point(|rank| *rank as usize <= k)
}

/// NDCG@k: the hits' discounts 1/log2(rank + 1) over those of the best possible list, which has
/// min(k, held_out) hits. 0 where nothing is held out.
///
/// ```
/// // Hits at ranks 1 and 3, two items held out: (1 + 1/2) / (1 + 1/log2(3)).
/// let ndcg = gannet_evaluation::ndcg_at(&[1, 3], 10, 2);
/// assert!((ndcg - 1.5 / (1.0 + 1.0 / 3f64.log2())).abs() < 1e-12);
/// ```
pub fn ndcg_at(ranks: &[u32], k: usize, held_out: usize) -> f64 {
    let discount = |rank: f64| 1.0 / (rank + 1.0).log2();
    let ideal: f64 = (1..=k.min(held_out)).map(|rank| discount(rank as f64)).sum();
    if ideal == 0.0 {
        return 0.0;
    }
    let hits = &ranks[..hits_at(ranks, k)];
    // From 0.0, because an empty `sum` is -0.0, which is printed.
    let got = hits.iter().fold(0.0, |sum, rank| sum + discount(f64::from(*rank)));
    got / ideal
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(indices: &[u32]) -> Vec<ItemIndex> {
        indices.iter().copied().map(ItemIndex).collect()
    }

    #[test]
    fn no_hits_are_a_plain_zero() {
        assert!(ndcg_at(&[], 10, 3).is_sign_positive());
    }

    #[test]
    fn by_hand() {
        let ranks = hit_ranks(items(&[7, 2, 9, 4]), &items(&[2, 4, 5]));
        assert_eq!(ranks, [2, 4]);
        assert_eq!((hits_at(&ranks, 1), hits_at(&ranks, 2), hits_at(&ranks, 100)), (0, 1, 2));
        let gains = 1.0 / 3f64.log2() + 1.0 / 5f64.log2();
        let ideal = 1.0 + 1.0 / 3f64.log2() + 0.5;
        assert!((ndcg_at(&ranks, 10, 3) - gains / ideal).abs() < 1e-12);
        let at_two = (1.0 / 3f64.log2()) / (1.0 + 1.0 / 3f64.log2());
        assert!((ndcg_at(&ranks, 2, 3) - at_two).abs() < 1e-12);
    }

    #[test]
    fn nothing_held_out_or_k_of_zero_scores_zero() {
        assert_eq!(ndcg_at(&[], 10, 0), 0.0);
        assert_eq!(ndcg_at(&[1], 0, 1), 0.0);
    }

    /// The definition, word by word.
    fn slow_ndcg(list: &[u32], held_out: &[u32], k: usize) -> f64 {
        let (mut got, mut ideal) = (0.0, 0.0);
        for position in 0..k.min(list.len()) {
            let first = !list[..position].contains(&list[position]);
            if first && held_out.contains(&list[position]) {
                got += 1.0 / ((position + 2) as f64).log2();
            }
        }
        for position in 0..k.min(held_out.len()) {
            ideal += 1.0 / ((position + 2) as f64).log2();
        }
        if ideal == 0.0 { 0.0 } else { got / ideal }
    }

    proptest! {
        #[test]
        fn agree_with_the_definitions(
            list in prop::collection::vec(0u32..30, 0..25),
            held_out in prop::collection::btree_set(0u32..30, 0..12),
            k in 0usize..40,
        ) {
            let held_out: Vec<u32> = held_out.into_iter().collect();
            let ranks = hit_ranks(items(&list), &items(&held_out));
            let top: std::collections::BTreeSet<u32> = list.iter().take(k).copied().collect();
            let hits = held_out.iter().filter(|item| top.contains(item)).count();
            prop_assert_eq!(hits_at(&ranks, k), hits);
            let slow = slow_ndcg(&list, &held_out, k);
            prop_assert!((ndcg_at(&ranks, k, held_out.len()) - slow).abs() < 1e-12);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&slow));
        }
    }
}
