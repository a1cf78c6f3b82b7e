//! Which items have expired, exact to the millisecond, without a look at every item's column.
//!
//! Requests of the present share one mask. It holds until the next item expires; then a few row
//! numbers beside it say what has expired since, and only when they are many is the mask copied
//! (625 KB at 5 million items). A request for another moment (evaluation, replay) looks into the
//! column: it must not move what the present shares.

use std::sync::Arc;

use arc_swap::ArcSwap;
use gannet_core::{Bitmap, Catalogue, ItemIndex, Timestamp};

use crate::KeySet;
use crate::eligibility::{bits, confirmed, select};

/// How many expired rows are kept beside the mask before it is copied: sorting them takes about
/// as long as the copy.
const TAIL_MAX: usize = 1_024;

/// All items that expire, in the order in which they do.
pub(crate) struct Expiries {
    order: Vec<(i64, u32)>,
    present: ArcSwap<Expired>,
}

/// What has expired at any moment from `from` to before `until`.
#[derive(Debug)]
pub(crate) struct Expired {
    from: i64,
    until: i64,
    rows: Arc<Bitmap>,
    /// How many of the order are in `rows`.
    settled: usize,
    tail: KeySet,
}

impl Expired {
    #[inline]
    fn contains(&self, row: u32) -> bool {
        self.rows.contains(row) || self.tail.contains(row)
    }
}

/// What one request sees as expired.
#[derive(Debug, Clone)]
pub(crate) enum Expiry {
    /// No item of the catalogue expires.
    Never,
    /// The shared mask of the present.
    Present(Arc<Expired>),
    /// Another moment.
    At(Timestamp),
}

impl Expiries {
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        let expires = |item: ItemIndex| Some((catalogue.expires(item)?.0, item.0));
        let mut order: Vec<(i64, u32)> = catalogue.indices().filter_map(expires).collect();
        order.sort_unstable();
        let present = ArcSwap::from_pointee(Expired {
            from: i64::MIN,
            until: order.first().map_or(i64::MAX, |first| first.0),
            rows: Arc::new(Bitmap::empty(if order.is_empty() { 0 } else { catalogue.len() })),
            settled: 0,
            tail: KeySet::default(),
        });
        Self { order, present }
    }

    /// What has expired at `now`; `clock` is what the clock says.
    pub(crate) fn at(&self, now: Timestamp, clock: Timestamp) -> Expiry {
        if self.order.is_empty() {
            return Expiry::Never;
        }
        let present = self.present.load();
        if (present.from..present.until).contains(&now.0) {
            return Expiry::Present(present.clone());
        }
        if now != clock || now.0 < present.from {
            return Expiry::At(now);
        }
        let next = Arc::new(self.advanced(&present, now));
        // Of two requests that get here at once the later moment may be overwritten by the
        // earlier: it is made again when it is needed.
        self.present.store(next.clone());
        Expiry::Present(next)
    }

    fn advanced(&self, last: &Expired, now: Timestamp) -> Expired {
        let end = self.order.partition_point(|(time, _)| *time <= now.0);
        let mut settled = last.settled;
        let mut rows = last.rows.clone();
        if end - settled > TAIL_MAX {
            let mut copy = (*rows).clone();
            self.order[settled..end].iter().for_each(|(_, row)| copy.set(*row));
            (rows, settled) = (Arc::new(copy), end);
        }
        let tail = self.order[settled..end].iter().map(|(_, row)| *row).collect();
        let from = self.order[..end].last().map_or(i64::MIN, |last| last.0);
        let until = self.order.get(end).map_or(i64::MAX, |next| next.0);
        Expired { from, until, rows, settled, tail }
    }
}

impl Expiry {
    #[inline]
    pub(crate) fn contains(&self, row: u32, catalogue: &Catalogue) -> bool {
        match self {
            Expiry::Never => false,
            Expiry::Present(expired) => expired.contains(row),
            Expiry::At(now) => {
                catalogue.expires(ItemIndex(row)).is_some_and(|expires| expires <= *now)
            }
        }
    }

    /// The expired among up to 64 items, the first in the lowest bit.
    #[inline]
    pub(crate) fn among(&self, items: &[ItemIndex], catalogue: &Catalogue) -> u64 {
        match self {
            Expiry::Never => 0,
            Expiry::Present(expired) => {
                let Expired { rows, tail, .. } = &**expired;
                let may_be = bits(items, |item| tail.may_contain(item.0));
                let settled = bits(items, |item| rows.contains(item.0));
                settled | confirmed(items, may_be, |item| tail.contains(item.0))
            }
            Expiry::At(_) => {
                bits(items, |item| item.at() < catalogue.len() && self.contains(item.0, catalogue))
            }
        }
    }

    /// The expired among rows `64 * at ..`, as far as they are among `open`.
    #[inline]
    pub(crate) fn word(&self, at: usize, open: u64, catalogue: &Catalogue) -> u64 {
        match self {
            Expiry::Never => 0,
            Expiry::Present(expired) => expired.rows.word(at) | expired.tail.word(at as u32),
            Expiry::At(_) => select(at, open, |row| self.contains(row, catalogue)),
        }
    }

    /// How many items have expired, as far as that is known without counting: a planner's hint.
    pub(crate) fn count(&self) -> usize {
        match self {
            Expiry::Present(expired) => expired.settled + expired.tail.len(),
            Expiry::Never | Expiry::At(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use gannet_core::{Item, ItemId};
    use proptest::prelude::*;

    use super::*;

    fn catalogue(expires: &[Option<i64>]) -> Catalogue {
        let item = |(at, expires): (usize, &Option<i64>)| Item {
            expires: expires.map(Timestamp),
            ..Item::bare(ItemId::new(at.to_string()).expect("an id"))
        };
        let items: Vec<Item> = expires.iter().enumerate().map(item).collect();
        Catalogue::from_items(&items).expect("distinct ids")
    }

    proptest! {
        #[test]
        fn is_what_the_column_says_at_any_moment_in_any_order(
            expires in prop::collection::vec(prop::option::of(0i64..50), 0..200),
            moments in prop::collection::vec((-5i64..60, any::<bool>()), 1..30),
        ) {
            let catalogue = catalogue(&expires);
            let expiries = Expiries::new(&catalogue);
            for (now, of_the_clock) in moments {
                let clock = Timestamp(if of_the_clock { now } else { 10 });
                let expiry = expiries.at(Timestamp(now), clock);
                for row in 0..expires.len() as u32 {
                    let expected = expires[row as usize].is_some_and(|time| time <= now);
                    prop_assert_eq!(expiry.contains(row, &catalogue), expected);
                    let at = row as usize / 64;
                    let bit = expiry.word(at, Bitmap::full(expires.len()).word(at), &catalogue);
                    prop_assert_eq!(bit >> (row % 64) & 1 == 1, expected);
                }
            }
        }
    }

    #[test]
    fn a_request_for_the_far_future_leaves_the_present_alone() {
        let catalogue = catalogue(&[Some(10), Some(1_000_000)]);
        let expiries = Expiries::new(&catalogue);
        let future = expiries.at(Timestamp(2_000_000), Timestamp(20));
        assert!(matches!(future, Expiry::At(_)) && future.contains(1, &catalogue));
        let present = expiries.at(Timestamp(20), Timestamp(20));
        assert!(matches!(present, Expiry::Present(_)));
        assert!(present.contains(0, &catalogue) && !present.contains(1, &catalogue));
    }

    #[test]
    fn many_expired_items_move_into_the_mask() {
        let expires: Vec<Option<i64>> = (0..3_000).map(Some).collect();
        let catalogue = catalogue(&expires);
        let expiries = Expiries::new(&catalogue);
        for now in 0..3_000 {
            let Expiry::Present(expired) = expiries.at(Timestamp(now), Timestamp(now)) else {
                panic!("the present is shared");
            };
            assert_eq!(expired.settled + expired.tail.len(), now as usize + 1);
            assert_eq!(expired.rows.count(), expired.settled);
            assert!(expired.tail.len() <= TAIL_MAX);
        }
    }
}
