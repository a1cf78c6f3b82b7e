//! All events of a simulation, part by part of the span, user by user, on all cores.

use gannet_core::Progress;
use rayon::prelude::*;

use super::SimulationOptions;
use super::item::Items;
use super::market::Market;
use super::session::{Session, Visitor};
use super::user::{Taste, event_counts};

/// In so many parts the span is simulated: after each, what was liked is met more often.
const PARTS: i64 = 24;
/// Users that one thread sees through a part of the span.
const CHUNK_USERS: usize = 512;
/// Chunks simulated at once: what waits to be written is bounded by their events.
const CHUNKS_AT_ONCE: usize = 32;

/// One event: 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Event {
    pub(super) user: u32,
    pub(super) item: u32,
    /// Milliseconds since the start.
    pub(super) time_ms: i64,
    pub(super) value: f32,
    pub(super) kind: u8,
    pub(super) scene: u8,
}

/// Some neighbouring users and what they have seen.
struct Chunk {
    first: u32,
    users: Vec<User>,
}

struct User {
    event_count: u32,
    visitor: Visitor,
    seen: Vec<u32>,
}

/// Makes every event and gives them away in order of part of the span, user and time, many at
/// once; stops where `take` returns an error. The order and the events are the same whatever the
/// number of threads: each user has random numbers of his own, and what one part of the span
/// changes is felt in the next only.
pub(super) fn make<E>(
    options: &SimulationOptions,
    items: &Items,
    progress: &dyn Progress,
    mut take: impl FnMut(Vec<Event>) -> Result<(), E>,
) -> Result<(), E> {
    let mut market = Market::new(items);
    let mut chunks = chunks(options, items);
    progress.begin("simulate events", Some(u64::from(options.event_count)), "events");
    for part in 1..=PARTS {
        market.open(items.span_ms * (part - 1) / PARTS);
        let ends_ms = items.span_ms * part / PARTS;
        for group in chunks.chunks_mut(CHUNKS_AT_ONCE) {
            let made: Vec<Vec<Event>> = group
                .par_iter_mut()
                .map(|chunk| chunk.live_until(ends_ms, options.seed, items, &market))
                .collect();
            for events in made {
                progress.advance(events.len() as u64);
                take(events)?;
            }
        }
    }
    progress.end();
    Ok(())
}

fn chunks(options: &SimulationOptions, items: &Items) -> Vec<Chunk> {
    let activity: Vec<f32> = (0..options.user_count)
        .into_par_iter()
        .map(|user| Taste::new(items, options.seed, user).activity)
        .collect();
    let counts = event_counts(options, &activity);
    let user = |event_count: &u32| User {
        event_count: *event_count,
        visitor: Visitor::default(),
        seen: Vec::new(),
    };
    counts
        .chunks(CHUNK_USERS)
        .enumerate()
        .map(|(at, counts)| Chunk {
            first: (at * CHUNK_USERS) as u32,
            users: counts.iter().map(user).collect(),
        })
        .collect()
}

impl Chunk {
    fn live_until(
        &mut self,
        ends_ms: i64,
        seed: u64,
        items: &Items,
        market: &Market<'_>,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for (at, user) in self.users.iter_mut().enumerate() {
            if user.visitor.places >= user.event_count {
                continue;
            }
            let number = self.first + at as u32;
            let taste = &Taste::new(items, seed, number);
            let event_count = user.event_count;
            let session = Session { seed, items, market, user: number, taste, event_count };
            while user.visitor.places < event_count {
                let beginning = session.begin(&user.visitor);
                if beginning.0 >= ends_ms {
                    break;
                }
                session.run(beginning, &mut user.visitor, &mut user.seen, &mut events);
            }
        }
        events
    }
}
