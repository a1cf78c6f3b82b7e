//! Whether one should sort: the best 500 of 5 million scores by selection, by parts, by quick-
//! select of the standard library, and by sorting: `cargo bench -p gannet-vectors --bench select`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use gannet_vectors::TopK;

const COUNT: u32 = 5_000_000;
const K: usize = 500;

/// Scores without order: a multiplicative hash of the row.
fn scores() -> Vec<f32> {
    (0..COUNT).map(|row| (row.wrapping_mul(2_654_435_761) >> 8) as f32).collect()
}

fn top(scores: &[f32], first: u32) -> Vec<(f32, u32)> {
    let mut top = TopK::new(K);
    for (row, score) in scores.iter().enumerate() {
        top.offer(first + row as u32, *score);
    }
    top.into_sorted().iter().map(|one| (one.score, one.row)).collect()
}

fn select(criterion: &mut Criterion) {
    let scores = scores();
    let mut group = criterion.benchmark_group("best 500 of 5 million scores");
    group.sample_size(10);
    group.bench_function("only look at them", |bencher| {
        bencher.iter(|| black_box(&scores).iter().copied().fold(f32::MIN, f32::max));
    });
    group.bench_function("TopK", |bencher| bencher.iter(|| top(black_box(&scores), 0)));
    group.bench_function("TopK of 8 parts, merged", |bencher| {
        bencher.iter(|| {
            let part = scores.len().div_ceil(8);
            let mut all: Vec<(f32, u32)> = Vec::with_capacity(8 * K);
            for (at, scores) in black_box(&scores).chunks(part).enumerate() {
                all.extend(top(scores, (at * part) as u32));
            }
            all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            all.truncate(K);
            all
        });
    });
    group.bench_function("quick-select, then sort 500", |bencher| {
        bencher.iter(|| {
            let mut all: Vec<(f32, u32)> = black_box(&scores).iter().copied().zip(0..).collect();
            let by = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
            all.select_nth_unstable_by(K, by);
            all.truncate(K);
            all.sort_unstable_by(by);
            all
        });
    });
    group.bench_function("sort all", |bencher| {
        bencher.iter(|| {
            let mut all: Vec<(f32, u32)> = black_box(&scores).iter().copied().zip(0..).collect();
            all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            all.truncate(K);
            all
        });
    });
    group.finish();
}

criterion_group!(benches, select);
criterion_main!(benches);
