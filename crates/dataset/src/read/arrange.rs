//! The order of the normal form: ids by [`natural_order`], events by user, time and ties.

use std::cmp::Ordering;

use gannet_core::{Interaction, UserIndex};
use rayon::prelude::*;

use crate::dataset::Events;
use crate::normal_form::{Ties, natural_order};

/// The positions of ids in their natural order.
///
/// Most comparisons are settled by the length of a number and the first eight bytes, kept beside
/// each position: five million ids would miss the cache a hundred million times otherwise.
pub(crate) fn natural_positions<'a>(
    count: usize,
    id: impl Fn(usize) -> &'a str + Sync,
) -> Vec<u32> {
    let mut keys: Vec<(u16, u64, u32)> = (0..count)
        .map(|at| {
            let (class, head) = head(id(at));
            (class, head, at as u32)
        })
        .collect();
    keys.par_sort_unstable_by(|a, b| {
        (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| match a.2 == b.2 {
            true => Ordering::Equal,
            false => natural_order(id(a.2 as usize), id(b.2 as usize)),
        })
    });
    keys.into_iter().map(|(_, _, at)| at).collect()
}

/// What orders an id before its whole text is looked at: the number of its digits (names of any
/// other kind come behind all numbers), and its first bytes.
fn head(id: &str) -> (u16, u64) {
    let number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let (class, text) = match number {
        true => {
            let digits = id.trim_start_matches('0');
            (digits.len() as u16, digits)
        }
        false => (u16::MAX, id),
    };
    let mut bytes = [0u8; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    (class, u64::from_be_bytes(bytes))
}

/// The place of each position in an order.
pub(crate) fn ranks(order: &[u32]) -> Vec<u32> {
    let mut ranks = vec![0; order.len()];
    for (rank, position) in order.iter().enumerate() {
        ranks[*position as usize] = rank as u32;
    }
    ranks
}

/// Events by user, then time, then ties. A counting sort by user keeps the file's order, so that
/// only each user's few events are compared; events that stand in order already are not copied.
pub(crate) fn arrange(events: Events, user_count: usize, ties: Ties) -> Events {
    let Events { mut users, mut interactions } = events;
    let mut ends = vec![0usize; user_count];
    for user in &users {
        ends[user.at()] += 1;
    }
    let mut next = 0;
    for end in &mut ends {
        next += std::mem::replace(end, next);
    }
    if !users.is_sorted() {
        let Some(filler) = interactions.first().copied() else {
            return Events { users, interactions };
        };
        let mut sorted = vec![filler; interactions.len()];
        for (user, event) in users.iter().zip(&interactions) {
            let slot = &mut ends[user.at()];
            sorted[*slot] = *event;
            *slot += 1;
        }
        interactions = sorted;
        let mut start = 0;
        for (user, end) in ends.iter().enumerate() {
            users[start..*end].fill(UserIndex(user as u32));
            start = *end;
        }
    }
    let mut rest = interactions.as_mut_slice();
    for own in users.chunk_by(|a, b| a == b) {
        let (events, behind) = std::mem::take(&mut rest).split_at_mut(own.len());
        rest = behind;
        sort_ties(events, ties);
    }
    Events { users, interactions }
}

fn sort_ties(events: &mut [Interaction], ties: Ties) {
    match ties {
        Ties::FileOrder if events.is_sorted_by_key(|event| event.time) => {}
        Ties::FileOrder => events.sort_by_key(|event| event.time),
        Ties::ItemId => events.sort_by_key(|event| (event.time, event.item)),
    }
}

#[cfg(test)]
mod tests {
    use gannet_core::{ItemIndex, KindIndex, Timestamp};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn heads_give_the_natural_order(ids in prop::collection::vec("[0-2a]{0,12}", 0..40)) {
            let found = natural_positions(ids.len(), |at| &ids[at]);
            let mut expected: Vec<&String> = ids.iter().collect();
            expected.sort_by(|a, b| natural_order(a, b));
            let found: Vec<&String> = found.iter().map(|at| &ids[*at as usize]).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn events_are_arranged_as_by_a_stable_sort(
            rows in prop::collection::vec((0..4u32, 0..3u32, 0..3i64), 0..40),
            by_item in any::<bool>(),
        ) {
            let ties = if by_item { Ties::ItemId } else { Ties::FileOrder };
            let mut events = Events::default();
            for (at, (user, item, time)) in rows.iter().enumerate() {
                events.users.push(UserIndex(*user));
                events.interactions.push(Interaction {
                    item: ItemIndex(*item),
                    kind: KindIndex(0),
                    value: at as f32,
                    time: Some(Timestamp(*time)),
                    scene: None,
                });
            }
            let both = events.users.iter().copied().zip(events.interactions.iter().copied());
            let mut expected: Vec<(UserIndex, Interaction)> = both.collect();
            expected.sort_by_key(|(user, event)| {
                (*user, event.time, if by_item { event.item.0 } else { 0 })
            });
            let found = arrange(events, 4, ties);
            let found: Vec<_> = found.users.into_iter().zip(found.interactions).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
