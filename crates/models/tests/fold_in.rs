//! Folding in a user against a plain Gaussian elimination in f64.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]
#![allow(clippy::needless_range_loop, reason = "indices as the paper writes them")]

use std::sync::Arc;

use gannet_core::ItemIndex;
use gannet_models::{Factors, FactorsError, FoldIn};
use gannet_vectors::Matrix;
use proptest::prelude::*;

fn factors(items: Matrix, fold_in: Option<FoldIn>) -> Factors {
    let users = Arc::new(Matrix::zeros(0, items.dim()));
    Factors { version: "1".into(), items: Arc::new(items), users, fold_in }
}

/// The normal equations written down as in the paper and eliminated in f64.
fn oracle(items: &Matrix, events: &[(ItemIndex, f32)], problem: &FoldIn) -> Vec<f64> {
    let (dim, alpha0) = (items.dim(), f64::from(problem.alpha0));
    let value = |row: usize, at: usize| f64::from(items.row(row)[at]);
    let mut system = vec![vec![0.0; dim + 1]; dim];
    for row in 0..items.height() {
        for a in 0..dim {
            for b in 0..dim {
                system[a][b] += alpha0 * value(row, a) * value(row, b);
            }
        }
    }
    for (item, strength) in events {
        let weight = f64::from(problem.alpha * strength);
        for a in 0..dim {
            for b in 0..dim {
                system[a][b] += weight * value(item.at(), a) * value(item.at(), b);
            }
            system[a][dim] += weight * value(item.at(), a);
        }
    }
    let scale = events.len() as f64 + alpha0 * items.height() as f64;
    for (a, row) in system.iter_mut().enumerate() {
        row[a] += f64::from(problem.lambda) * scale.powf(f64::from(problem.nu));
    }
    for a in 0..dim {
        for b in 0..dim {
            if a != b {
                let factor = system[b][a] / system[a][a];
                let pivot = system[a].clone();
                system[b].iter_mut().zip(&pivot).for_each(|(value, p)| *value -= factor * p);
            }
        }
    }
    (0..dim).map(|a| system[a][dim] / system[a][a]).collect()
}

proptest! {
    #[test]
    fn equals_the_normal_equations_in_f64(
        dim in 1usize..9,
        values in prop::collection::vec(-1f32..1.0, 9 * 12),
        strengths in prop::collection::btree_map(0u32..12, 0.1f32..3.0, 1..12),
        alpha0 in 0.01f32..1.0,
        nu in 0f32..1.0,
    ) {
        let items = Matrix::from_values(values[..dim * 12].to_vec(), dim).unwrap();
        let problem = FoldIn::new(&items, 1.0, 0.05, alpha0, nu);
        let events: Vec<_> = strengths.into_iter().map(|(item, s)| (ItemIndex(item), s)).collect();
        let expected = oracle(&items, &events, &problem);
        let got = factors(items, Some(problem)).fold_in(&events).unwrap();
        for (got, expected) in got.iter().zip(&expected) {
            prop_assert!((f64::from(*got) - expected).abs() < 1e-3, "{} against {}", got, expected);
        }
    }
}

#[test]
fn more_events_than_one_product_takes_are_all_counted() {
    let values = (0..1000 * 4).map(|at| ((at * 7919) % 1009) as f32 / 1009.0 - 0.4).collect();
    let items = Matrix::from_values(values, 4).unwrap();
    let problem = FoldIn::new(&items, 1.0, 0.01, 0.1, 1.0);
    let events: Vec<_> = (0..777).map(|item| (ItemIndex(item), 1.0)).collect();
    let expected = oracle(&items, &events, &problem);
    let got = factors(items, Some(problem)).fold_in(&events).unwrap();
    for (got, expected) in got.iter().zip(&expected) {
        assert!((f64::from(*got) - expected).abs() < 1e-3, "{got} against {expected}");
    }
}

#[test]
fn order_repeats_and_dislikes_do_not_matter() {
    let items = Matrix::from_values(vec![1.0, 0.0, 0.3, 0.8, -0.5, 0.2], 2).unwrap();
    let problem = FoldIn::new(&items, 1.0, 0.1, 0.1, 1.0);
    let model = factors(items, Some(problem));
    let plain = model.fold_in(&[(ItemIndex(0), 1.0), (ItemIndex(1), 2.0)]).unwrap();
    let events = [(1, 2.0), (0, 0.5), (2, -1.0), (0, 1.0), (2, 0.0)];
    let events: Vec<_> = events.iter().map(|(item, s)| (ItemIndex(*item), *s)).collect();
    assert_eq!(model.fold_in(&events).unwrap(), plain);
    assert_eq!(model.fold_in(&[]).unwrap(), [0.0, 0.0]);
}

#[test]
fn what_cannot_be_solved_is_an_error() {
    let items = Matrix::from_values(vec![1.0, 0.0], 2).unwrap();
    let singular = FoldIn { lambda: 0.0, ..FoldIn::new(&items, 1.0, 0.0, 0.0, 1.0) };
    let model = factors(items.clone(), Some(singular));
    assert_eq!(model.fold_in(&[(ItemIndex(0), 1.0)]), Err(FactorsError::Singular));
    let unknown = model.fold_in(&[(ItemIndex(9), 1.0)]);
    assert_eq!(unknown, Err(FactorsError::UnknownItem { item: 9, items: 1 }));
    assert_eq!(factors(items, None).fold_in(&[]), Err(FactorsError::NoFoldIn));
}
