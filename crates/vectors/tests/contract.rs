//! What every `VectorSearch` promises, run against each implementation. A new index adds a line
//! to `implementations`.

use std::cell::Cell;
use std::sync::Arc;

use gannet_vectors::{
    AllRows, ExactSearch, Int8Kernel, Int8Search, Kernel, Matrix, Neighbour, RowMask, SearchError,
    VectorSearch,
};
use proptest::prelude::*;

/// Every implementation over the same rows.
fn implementations(rows: &Arc<Matrix>) -> Vec<(String, Box<dyn VectorSearch>)> {
    let exact = Kernel::all().into_iter().map(|kernel| {
        let search = ExactSearch::with_kernel(rows.clone(), kernel);
        (format!("exact {kernel:?}"), Box::new(search) as Box<dyn VectorSearch>)
    });
    let int8 = Int8Kernel::all().into_iter().map(|kernel| {
        let search = Int8Search::with_kernel(rows.clone(), kernel);
        (format!("int8 {kernel:?}"), Box::new(search) as Box<dyn VectorSearch>)
    });
    exact.chain(int8).collect()
}

/// Rows by a vector of bools; past its end it says yes, which no search may believe.
struct Bools(Vec<bool>);

impl RowMask for Bools {
    fn word(&self, at: usize) -> u64 {
        (0..64).fold(0, |word, bit| {
            let set = self.0.get(at * 64 + bit).copied().unwrap_or(true);
            word | u64::from(set) << bit
        })
    }

    fn selectivity(&self) -> f32 {
        0.5
    }
}

/// The oracle: score all in integers, sort all. Small integers are exact in f32.
fn sorted(rows: &Matrix, query: &[f32], mask: &[bool], k: usize) -> Vec<Neighbour> {
    let mut all: Vec<Neighbour> = (0..rows.height())
        .filter(|row| mask[*row])
        .map(|row| {
            let products = rows.row(row).iter().zip(query).map(|(a, b)| (*a as i64) * (*b as i64));
            Neighbour { row: row as u32, score: products.sum::<i64>() as f32 }
        })
        .collect();
    all.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    all.truncate(k);
    all
}

fn case() -> impl Strategy<Value = (Arc<Matrix>, Vec<f32>, Vec<bool>, usize)> {
    let density = prop_oneof![Just(0.02), Just(0.5), Just(0.95), Just(1.0)];
    (1usize..40, 0usize..300, density).prop_flat_map(|(dim, height, density)| {
        let value = || (-4i8..5).prop_map(f32::from);
        (
            prop::collection::vec(value(), dim * height),
            prop::collection::vec(value(), dim),
            prop::collection::vec(prop::bool::weighted(density), height),
            prop_oneof![0usize..40, Just(usize::MAX)],
        )
            .prop_map(move |(values, query, mask, k)| {
                (Arc::new(Matrix::from_values(values, dim).expect("finite")), query, mask, k)
            })
    })
}

proptest! {
    #[test]
    fn equals_a_full_sort((rows, query, mask, k) in case()) {
        let expected = sorted(&rows, &query, &mask, k);
        for (name, search) in implementations(&rows) {
            let found = search.search(&query, k, &Bools(mask.clone()), &|| false).unwrap();
            prop_assert!(found.complete, "{}", name);
            prop_assert_eq!(&found.neighbours, &expected, "{}", name);
        }
    }
}

fn some_rows(height: usize, dim: usize) -> Arc<Matrix> {
    let values = (0..height * dim).map(|at| ((at * 7919) % 1009) as f32 - 500.0).collect();
    Arc::new(Matrix::from_values(values, dim).expect("finite values"))
}

#[test]
fn an_empty_index_answers_nothing() {
    for (name, search) in implementations(&Arc::new(Matrix::zeros(0, 3))) {
        assert!(search.is_empty(), "{name}");
        let found = search.search(&[1.0, 2.0, 3.0], 10, &AllRows, &|| false).unwrap();
        assert!(found.complete && found.neighbours.is_empty(), "{name}");
    }
}

#[test]
fn a_query_of_another_dimension_or_not_finite_is_refused() {
    for (name, search) in implementations(&some_rows(10, 3)) {
        let ask = |query: &[f32]| search.search(query, 1, &AllRows, &|| false).unwrap_err();
        assert_eq!(ask(&[1.0]), SearchError::Dimension { got: 1, expected: 3 }, "{name}");
        assert_eq!(ask(&[]), SearchError::Dimension { got: 0, expected: 3 }, "{name}");
        assert_eq!(ask(&[0.0, f32::NAN, 0.0]), SearchError::NotFinite(1), "{name}");
        assert_eq!(ask(&[0.0, 0.0, f32::INFINITY]), SearchError::NotFinite(2), "{name}");
    }
}

#[test]
fn a_giant_k_returns_every_row_of_the_mask() {
    for (name, search) in implementations(&some_rows(1000, 5)) {
        let mask: Vec<bool> = (0..1000).map(|row| row % 3 == 0).collect();
        let found = search.search(&[1.0; 5], usize::MAX, &Bools(mask), &|| false).unwrap();
        assert_eq!(found.neighbours.len(), 334, "{name}");
    }
}

#[test]
fn a_score_that_overflows_is_never_nan_first() {
    let rows = Matrix::from_values(vec![f32::MAX, -f32::MAX, 1.0, 1.0], 2).unwrap();
    for (name, search) in implementations(&Arc::new(rows)) {
        let found = search.search(&[f32::MAX, f32::MAX], 2, &AllRows, &|| false).unwrap();
        assert!(found.neighbours.iter().all(|found| !found.score.is_nan()), "{name}");
    }
}

#[test]
fn stopping_keeps_the_best_so_far_and_says_so() {
    let rows = some_rows(100_000, 2);
    for (name, search) in implementations(&rows) {
        let stopped = search.search(&[1.0, 1.0], 5, &AllRows, &|| true).unwrap();
        assert!(!stopped.complete && stopped.neighbours.is_empty(), "{name}");

        let asked = Cell::new(0);
        let later = || {
            asked.set(asked.get() + 1);
            asked.get() > 3
        };
        let partial = search.search(&[1.0, 1.0], 5, &AllRows, &later).unwrap();
        assert!(!partial.complete, "{name} must ask more than three times in 100,000 rows");
        assert_eq!(partial.neighbours.len(), 5, "{name}");
    }
}
