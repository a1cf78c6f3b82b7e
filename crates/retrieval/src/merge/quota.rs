//! Who has placed what: keeps every merge within quotas, caps and the handover size.

use super::caps::Caps;
use super::pool::Pool;
use crate::Plan;

/// A merge goes through its items three times, and once more where soft caps kept any out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pass {
    /// Up to the targets, with places held back for minima that are not met yet.
    Reserve,
    /// Up to the targets, with what was held back in vain.
    Target,
    /// Up to the maxima.
    Refill,
    /// Up to the maxima, with what soft caps kept out.
    Relax,
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
    /// The pass in which it came.
    pub(super) pass: Pass,
}

/// The answer while it is put together.
pub(super) struct Places<'a> {
    pool: &'a Pool<'a>,
    plan: &'a Plan,
    caps: Caps<'a>,
    /// The present pass; `None` before the first.
    pass: Option<Pass>,
    /// Places held back for minima.
    reserved: usize,
    taken: Vec<bool>,
    counts: Vec<usize>,
    /// Each list's first entry that was not looked at.
    next: Vec<usize>,
    places: Vec<Place>,
}

impl<'a> Places<'a> {
    pub(super) fn new(pool: &'a Pool<'a>, plan: &'a Plan, caps: Caps<'a>) -> Self {
        let channels = plan.channels.len();
        Self {
            pool,
            plan,
            caps,
            pass: None,
            reserved: plan.channels.iter().map(|channel| channel.quota.min).sum(),
            taken: vec![false; pool.len()],
            counts: vec![0; channels],
            next: vec![0; channels],
            places: Vec::with_capacity(plan.handover.min(pool.len())),
        }
    }

    /// Starts the next pass; past the first nothing is held back any more.
    pub(super) fn next_pass(&mut self) -> Option<Pass> {
        let next = match self.pass {
            None => Pass::Reserve,
            Some(Pass::Reserve) => Pass::Target,
            Some(Pass::Target) => Pass::Refill,
            Some(Pass::Refill) if !self.is_full() && self.caps.relax_soft() => Pass::Relax,
            Some(Pass::Refill | Pass::Relax) => return None,
        };
        if next != Pass::Reserve {
            self.reserved = 0;
        }
        if next == Pass::Relax {
            // What was passed over is looked at again.
            self.next.fill(0);
        }
        self.pass = Some(next);
        self.pass
    }

    pub(super) fn has_caps(&self) -> bool {
        !self.caps.is_empty()
    }

    pub(super) fn fits_caps(&self, slot: u32) -> bool {
        self.caps.is_empty() || self.caps.fits(self.pool.item(slot))
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
            Some(Pass::Refill | Pass::Relax) => quota.max,
            Some(Pass::Reserve | Pass::Target) | None => quota.target.min(quota.max),
        };
        let held_back = if self.owes(channel) { 0 } else { self.reserved };
        self.counts[channel] < limit && self.places.len() + held_back < self.plan.handover
    }

    /// Whether a place is held back for the channel.
    fn owes(&self, channel: usize) -> bool {
        self.pass == Some(Pass::Reserve)
            && self.counts[channel] < self.plan.channels[channel].quota.min
    }

    /// Channels whose minimum is not met place their best; the end of the first pass of a merge
    /// in which channels have no turns of their own.
    pub(super) fn take_minima(&mut self) {
        for channel in 0..self.channel_count() {
            while self.owes(channel) && self.is_open(channel) && self.take_next(channel) {}
        }
    }

    /// Places the best of a channel's list that nobody has placed and that the caps let in; false
    /// where there is none. What a cap keeps out once it keeps out until it is relaxed.
    pub(super) fn take_next(&mut self, channel: usize) -> bool {
        while let Some((slot, rank)) = self.pool.lists[channel].get(self.next[channel]).copied() {
            self.next[channel] += 1;
            if !self.is_taken(slot) && self.fits_caps(slot) {
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
        let (order, pass) = (self.places.len(), self.pass.unwrap_or(Pass::Reserve));
        self.places.push(Place { slot, channel, rank, order, pass });
        if self.has_caps() {
            self.caps.add(self.pool.item(slot));
        }
        self.counts[channel] += 1;
        self.taken[slot as usize] = true;
    }

    /// The placed slots by a key.
    pub(super) fn in_order_of<K: Ord>(mut self, key: impl Fn(&Place) -> K) -> Vec<u32> {
        self.places.sort_by_key(key);
        self.places.iter().map(|place| place.slot).collect()
    }
}
