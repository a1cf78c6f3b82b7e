//! Vectors as a recommender's are: clusters of uneven size and shape, long and short rows, and
//! queries that are not distributed like the rows.

use gannet_vectors::{Matrix, normalize};

const CLUSTERS: usize = 2_000;
/// Directions in which a cluster is wide.
const INTRINSIC: usize = 15;

/// SplitMix64, and normal numbers from it.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    pub(crate) fn uniform(&mut self) -> f32 {
        ((self.next() >> 40) as f32 + 0.5) / (1u64 << 24) as f32
    }

    pub(crate) fn normal(&mut self) -> f32 {
        let (radius, angle) = ((-2.0 * self.uniform().ln()).sqrt(), self.uniform());
        radius * (std::f32::consts::TAU * angle).cos()
    }
}

pub(crate) struct Items {
    pub(crate) rows: Matrix,
    members: Vec<Vec<u32>>,
}

impl Items {
    pub(crate) fn new(count: usize, dim: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let unit = |random: &mut Random| {
            let mut row: Vec<f32> = (0..dim).map(|_| random.normal()).collect();
            normalize(&mut row);
            row
        };
        let shapes: Vec<(Vec<f32>, Vec<Vec<f32>>)> = (0..CLUSTERS)
            .map(|_| {
                let axes = (0..INTRINSIC).map(|at| {
                    let width = 0.3 / (1.0 + at as f32 * 0.15);
                    unit(&mut random).iter().map(|x| x * width).collect()
                });
                let axes = axes.collect();
                (unit(&mut random), axes)
            })
            .collect();
        // Sizes fall as a power of the rank.
        let shares: Vec<f32> = (0..CLUSTERS).map(|at| (at as f32 + 10.0).powf(-0.8)).collect();
        let mut ends: Vec<f32> = Vec::new();
        for share in shares {
            ends.push(ends.last().unwrap_or(&0.0) + share);
        }
        let mut rows = Matrix::zeros(count, dim);
        let mut members = vec![Vec::new(); CLUSTERS];
        for at in 0..count {
            let place = random.uniform() * ends[CLUSTERS - 1];
            let cluster = ends.partition_point(|end| *end < place).min(CLUSTERS - 1);
            members[cluster].push(at as u32);
            let row = rows.row_mut(at);
            row.copy_from_slice(&shapes[cluster].0);
            for axis in &shapes[cluster].1 {
                let by = random.normal();
                row.iter_mut().zip(axis).for_each(|(x, axis)| *x += by * axis);
            }
            row.iter_mut().for_each(|x| *x += 0.03 * random.normal());
            normalize(row);
            let length = (0.35 * random.normal()).exp();
            row.iter_mut().for_each(|x| *x *= length);
        }
        Self { rows, members }
    }

    /// A user: the mean of one to nine items of one to three clusters, and some noise.
    pub(crate) fn queries(&self, count: usize, seed: u64) -> Matrix {
        let mut random = Random(seed);
        let dim = self.rows.dim();
        let mut queries = Matrix::zeros(count, dim);
        for at in 0..count {
            let clusters: Vec<usize> = (0..1 + random.below(3))
                .map(|_| {
                    loop {
                        let item = random.below(self.rows.height()) as u32;
                        let of = |members: &Vec<u32>| members.binary_search(&item).is_ok();
                        if let Some(cluster) = self.members.iter().position(of) {
                            break cluster;
                        }
                    }
                })
                .collect();
            let query = queries.row_mut(at);
            for _ in 0..1 + random.below(9) {
                let members = &self.members[clusters[random.below(clusters.len())]];
                let item = members[random.below(members.len())];
                query.iter_mut().zip(self.rows.row(item as usize)).for_each(|(x, y)| *x += y);
            }
            query.iter_mut().for_each(|x| *x += 0.05 * random.normal());
            normalize(query);
        }
        queries
    }
}
