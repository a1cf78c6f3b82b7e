//! What asking ahead saves: 4,000 postings of 16 entries read at random places of a 5-million-row
//! index, each by way of its end: `cargo bench -p gannet-vectors --bench prefetch`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use gannet_vectors::prefetch;

const ROWS: usize = 5_000_000;
const ENTRIES: usize = 16;
const READ: usize = 4_000;
const AHEAD: usize = 8;

/// The row read at a step: a multiplicative hash, so that no line follows from the one before.
fn row(step: u32) -> usize {
    ((u64::from(step.wrapping_mul(2_654_435_761)) * ROWS as u64) >> 32) as usize
}

fn sum(entries: &[u32]) -> u64 {
    entries.iter().map(|entry| u64::from(*entry)).sum()
}

fn read_ahead(criterion: &mut Criterion) {
    let ends: Vec<u32> = (1..=ROWS as u32).map(|row| row * ENTRIES as u32).collect();
    let entries: Vec<u32> = (0..(ROWS * ENTRIES) as u32).collect();
    let posting = |row: usize| &entries[ends[row] as usize - ENTRIES..ends[row] as usize];
    let mut group = criterion.benchmark_group("4,000 postings of 16 entries");
    // Each round reads other rows: what the round before left in the caches helps neither.
    let mut first = 0u32;
    let mut next = || {
        first = first.wrapping_add(READ as u32);
        first
    };
    group.bench_function("as they come", |bencher| {
        bencher.iter(|| {
            let first = next();
            (first..first + READ as u32).map(|at| sum(posting(black_box(row(at))))).sum::<u64>()
        });
    });
    group.bench_function("asked for 8 ahead", |bencher| {
        bencher.iter(|| {
            let first = next();
            let read = |at: u32| {
                prefetch(&ends, row(at + 2 * AHEAD as u32));
                prefetch(&entries, ends[row(at + AHEAD as u32)] as usize - ENTRIES);
                sum(posting(black_box(row(at))))
            };
            (first..first + READ as u32).map(read).sum::<u64>()
        });
    });
    group.finish();
}

criterion_group!(benches, read_ahead);
criterion_main!(benches);
