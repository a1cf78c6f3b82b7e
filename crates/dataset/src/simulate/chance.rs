//! Streams of random numbers: one for every item, user and session, so that each can be made alone.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What a stream is for; streams of different purposes have nothing to do with one another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Item = 1,
    Author,
    Music,
    User,
    Session,
}

/// The stream of one thing. A [`Stream::Session`] is numbered by user and session.
pub(super) fn stream(seed: u64, of: Stream, number: u64) -> Xoshiro256PlusPlus {
    let salted = mix(seed ^ mix(of as u64));
    Xoshiro256PlusPlus::seed_from_u64(mix(salted.wrapping_add(mix(number))))
}

/// A number made of all bits of another: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A number from 0 to 1, without 1.
pub(super) fn unit(random: &mut Xoshiro256PlusPlus) -> f32 {
    random.random()
}

/// A rank below `count` by a power law: the first `x` of them get the share `(x / count)^(1 / 2)`.
pub(super) fn ranked(random: &mut Xoshiro256PlusPlus, count: u32) -> u32 {
    let point: f64 = random.random();
    ((point * point * f64::from(count)) as u32).min(count.saturating_sub(1))
}
