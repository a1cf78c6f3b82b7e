//! Exact search over 8-bit codes beside the scan of f32 rows, one query at a time and in batches:
//! `cargo bench -p gannet-vectors --bench int8`. The bare kernel is the arithmetic floor.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gannet_vectors::{AllRows, ExactSearch, Int8Kernel, Int8Search, Matrix, Query, VectorSearch};

const ROWS: usize = 1_000_000;
const DIM: usize = 64;
const K: usize = 100;
const BATCH: usize = 128;

/// Sums of a few hashes: near enough to normal numbers.
fn matrix(rows: usize, seed: u64) -> Matrix {
    let mut state = seed;
    let mut uniform = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let values = (0..rows * DIM).map(|_| uniform() + uniform() + uniform()).collect();
    Matrix::from_values(values, DIM).expect("finite values")
}

fn search(criterion: &mut Criterion) {
    let (rows, queries) = (Arc::new(matrix(ROWS, 1)), matrix(BATCH, 2));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    let mut group = criterion.benchmark_group("1 million x 64, k 100");
    group.sample_size(10);
    group.throughput(Throughput::Elements(1));
    let exact = ExactSearch::new(rows.clone());
    let mut next = (0..BATCH).cycle();
    let mut query = || queries.row(next.next().unwrap_or(0));
    group.bench_function("f32", |bencher| {
        bencher.iter(|| exact.search(black_box(query()), K, &AllRows, &|| false));
    });
    for kernel in Int8Kernel::all().into_iter().skip(1) {
        let int8 = Int8Search::with_kernel(rows.clone(), kernel);
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("int8 {kernel:?}"), |bencher| {
            bencher.iter(|| int8.search(black_box(query()), K, &AllRows, &|| false));
        });
        let batch: Vec<Query<'_>> =
            queries.rows().map(|values| Query { values, mask: &AllRows }).collect();
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function(format!("int8 {kernel:?}, {BATCH} together"), |bencher| {
            bencher.iter(|| pool.install(|| int8.search_batch(black_box(&batch), K, &|| false)));
        });
    }
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);
