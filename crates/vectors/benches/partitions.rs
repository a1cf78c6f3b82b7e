//! Approximate search over partitions beside exact search, on simulated items: recall and queries a
//! second by number of partitions looked into, on one thread.
//! `cargo bench -p gannet-vectors --bench partitions -- [ROWS] [PARTITIONS]`

#![allow(clippy::print_stdout, reason = "what is measured is a table")]

#[path = "support/items.rs"]
mod items;

use std::sync::Arc;
use std::time::Instant;

use gannet_vectors::{AllRows, Effort, Int8Search, PartitionIndex, PartitionOptions, Query};
use items::Items;

const QUERIES: usize = 1_000;

fn main() {
    let mut numbers = std::env::args().filter_map(|one| one.parse::<usize>().ok());
    let (count, partitions) = (numbers.next().unwrap_or(1_000_000), numbers.next());
    let started = Instant::now();
    let items = Items::new(count, 64, 1);
    let queries = items.queries(QUERIES, 2);
    let rows = Arc::new(items.rows);
    println!("{count} items made in {:.1} s", started.elapsed().as_secs_f32());

    let exact = Int8Search::new(rows.clone());
    let asked: Vec<Query<'_>> =
        queries.rows().map(|values| Query { values, mask: &AllRows }).collect();
    let started = Instant::now();
    let truth = exact.search_batch(&asked, 500, &|| false).expect("sound queries");
    println!(
        "exact: {:.0} queries/s, all threads",
        QUERIES as f32 / started.elapsed().as_secs_f32()
    );

    let started = Instant::now();
    let options = PartitionOptions { partitions, ..PartitionOptions::default() };
    let mut index = PartitionIndex::build(rows.clone(), &options);
    println!("{} partitions in {:.1} s", index.partitions(), started.elapsed().as_secs_f32());
    println!(
        "{:>5} {:>5} {:>5} {:>7} {:>7} {:>8}",
        "k", "lean", "reach", "blocks", "recall", "1/s"
    );
    for k in [10, 100, 500] {
        for lean in [0.0, 0.1, 0.2, 0.3] {
            for reach in [1.1, 1.0, 0.9] {
                index.set_effort(Effort { lean, reach });
                let (mut hits, mut blocks, mut seconds) = (0, 0, f32::MAX);
                for _ in 0..2 {
                    (hits, blocks) = (0, 0);
                    let started = Instant::now();
                    for (query, truth) in queries.rows().zip(&truth) {
                        let found = index.search_counted(query, k, &AllRows, &|| false);
                        let (found, looked) = found.expect("sound");
                        let last = truth.neighbours[k - 1].score;
                        hits += found.neighbours.iter().filter(|one| one.score >= last).count();
                        blocks += looked;
                    }
                    seconds = seconds.min(started.elapsed().as_secs_f32());
                }
                let (recall, rate) = (hits as f32 / (k * QUERIES) as f32, QUERIES as f32 / seconds);
                let blocks = blocks / QUERIES;
                println!("{k:>5} {lean:>5} {reach:>5} {blocks:>7} {recall:>7.4} {rate:>8.0}");
            }
        }
    }
}
