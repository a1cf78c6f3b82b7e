//! Who has placed what: keeps every merge within the quotas and the handover size.

use super::pool::Pool;
use crate::Plan;

/// A merge goes through its items three times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// Up to the targets, with places held back for minima that are not met yet.
    Reserve,
    /// Up to the targets, with what was held back in vain.
    Target,
    /// Up to the maxima.
    Refill,
}

impl Pass {
    pub(super) const ALL: [Pass; 3] = [Pass::Reserve, Pass::Target, Pass::Refill];
}

/// One placed item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    slot: u32,
    /// The channel that placed it, by its place in the plan.
    pub(super) channel: usize,
    /// Its rank in that channel's list.
    pub(super) rank: u32,
    /// How many items had been placed before.
    pub(super) order: usize,
    /// Whether it came past the channel's target.
    pub(super) refill: bool,
}

/// The answer while it is put together.
pub(super) struct Places<'a> {
    pool: &'a Pool<'a>,
    plan: &'a Plan,
    pass: Pass,
    /// Places held back for minima.
    reserved: usize,
    taken: Vec<bool>,
    counts: Vec<usize>,
    /// Each list's first entry that was not looked at.
    next: Vec<usize>,
    places: Vec<Place>,
}

impl<'a> Places<'a> {
    pub(super) fn new(pool: &'a Pool<'a>, plan: &'a Plan) -> Self {
        let channels = plan.channels.len();
        Self {
            pool,
            plan,
            pass: Pass::Reserve,
            reserved: plan.channels.iter().map(|channel| channel.quota.min).sum(),
            taken: vec![false; pool.len()],
            counts: vec![0; channels],
            next: vec![0; channels],
            places: Vec::with_capacity(plan.handover.min(pool.len())),
        }
    }

    /// Starts a pass; past the first nothing is held back any more.
    pub(super) fn begin(&mut self, pass: Pass) {
        self.pass = pass;
        if pass != Pass::Reserve {
            self.reserved = 0;
        }
    }

    pub(super) fn channel_count(&self) -> usize {
        self.counts.len()
    }

    pub(super) fn is_taken(&self, slot: u32) -> bool {
        self.taken[slot as usize]
    }

    pub(super) fn is_full(&self) -> bool {
        self.places.len() >= self.plan.handover
    }

    /// Whether the channel may place one more in this pass: quota and places.
    pub(super) fn is_open(&self, channel: usize) -> bool {
        let quota = &self.plan.channels[channel].quota;
        let limit = match self.pass {
            Pass::Refill => quota.max,
            Pass::Reserve | Pass::Target => quota.target.min(quota.max),
        };
        let held_back = if self.owes(channel) { 0 } else { self.reserved };
        self.counts[channel] < limit && self.places.len() + held_back < self.plan.handover
    }

    /// Whether a place is held back for the channel.
    fn owes(&self, channel: usize) -> bool {
        self.pass == Pass::Reserve && self.counts[channel] < self.plan.channels[channel].quota.min
    }

    /// Channels whose minimum is not met place their best; the end of the first pass of a merge
    /// in which channels have no turns of their own.
    pub(super) fn take_minima(&mut self) {
        for channel in 0..self.channel_count() {
            while self.owes(channel) && self.is_open(channel) && self.take_next(channel) {}
        }
    }

    /// Places the best of a channel's list that nobody has placed; false where there is none.
    pub(super) fn take_next(&mut self, channel: usize) -> bool {
        while let Some((slot, rank)) = self.pool.lists[channel].get(self.next[channel]).copied() {
            self.next[channel] += 1;
            if !self.is_taken(slot) {
                self.take(slot, channel, rank);
                return true;
            }
        }
        false
    }

    pub(super) fn take(&mut self, slot: u32, channel: usize, rank: u32) {
        if self.owes(channel) {
            self.reserved -= 1;
        }
        let (order, refill) = (self.places.len(), self.pass == Pass::Refill);
        self.places.push(Place { slot, channel, rank, order, refill });
        self.counts[channel] += 1;
        self.taken[slot as usize] = true;
    }

    /// The placed slots by a key.
    pub(super) fn in_order_of<K: Ord>(mut self, key: impl Fn(&Place) -> K) -> Vec<u32> {
        self.places.sort_by_key(key);
        self.places.iter().map(|place| place.slot).collect()
    }
}
