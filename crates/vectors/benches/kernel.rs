//! What each form of the kernels is worth: `cargo bench -p gannet-vectors`. The `unsafe` in the
//! kernels stands as long as the portable form is well behind here.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gannet_vectors::{AllRows, ExactSearch, Kernel, Matrix, VectorSearch};

fn rows(height: usize, dim: usize) -> Matrix {
    let value = |at: usize| ((at * 7919) % 1009) as f32 / 1009.0 - 0.5;
    Matrix::from_values((0..height * dim).map(value).collect(), dim).expect("finite values")
}

fn kernels(criterion: &mut Criterion) {
    let (dim, height) = (64, 1024);
    let block = rows(height, dim);
    let query = rows(1, dim);
    let mut group = criterion.benchmark_group("dot_rows 1024 x 64");
    group.throughput(Throughput::Elements(height as u64));
    for kernel in Kernel::all() {
        let mut scores = vec![0.0; height];
        group.bench_function(format!("{kernel:?}"), |bencher| {
            bencher.iter(|| kernel.dot_rows(query.row(0), black_box(block.values()), &mut scores));
        });
    }
    group.finish();
}

fn search(criterion: &mut Criterion) {
    let (dim, height) = (64, 40_000);
    let (items, query) = (Arc::new(rows(height, dim)), rows(1, dim));
    let mut group = criterion.benchmark_group("exact search, 40,000 x 64, k 500");
    group.throughput(Throughput::Elements(height as u64));
    for kernel in Kernel::all() {
        let index = ExactSearch::with_kernel(items.clone(), kernel);
        group.bench_function(format!("{kernel:?}"), |bencher| {
            bencher.iter(|| index.search(black_box(query.row(0)), 500, &AllRows, &|| false));
        });
    }
    group.finish();
}

fn at_least(criterion: &mut Criterion) {
    let numbers: Vec<[i64; 64]> =
        (0..512i64).map(|row| std::array::from_fn(|at| (row * 64 + at as i64) % 1009)).collect();
    let mut group = criterion.benchmark_group("at_least, 512 x 64");
    group.throughput(Throughput::Elements(64 * numbers.len() as u64));
    for kernel in Kernel::all() {
        group.bench_function(format!("{kernel:?}"), |bencher| {
            bencher.iter(|| {
                let found = |numbers| kernel.at_least(numbers, 1000).count_ones();
                black_box(&numbers).iter().map(found).sum::<u32>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, kernels, search, at_least);
criterion_main!(benches);
