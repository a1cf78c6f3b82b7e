//! What every channel of one request is given: shared, immutable, and alive as long as the
//! slowest channel holds it.

use std::sync::Arc;
use std::time::Duration;

use gannet_core::Clock;

use crate::{Eligibility, EngineState, UserProfile};

/// The moment by which an answer is due.
#[derive(Clone)]
pub struct Deadline {
    clock: Arc<dyn Clock>,
    at: Duration,
}

impl Deadline {
    /// Due `after` from now.
    pub fn after(clock: Arc<dyn Clock>, after: Duration) -> Self {
        let at = clock.elapsed().saturating_add(after);
        Self { clock, at }
    }

    /// Whether it has passed. Costs a clock reading: ask every few hundred steps, not every one.
    pub fn is_past(&self) -> bool {
        self.clock.elapsed() >= self.at
    }

    /// Time left; zero where it has passed.
    pub fn left(&self) -> Duration {
        self.at.saturating_sub(self.clock.elapsed())
    }

    /// The earlier of this deadline and one that is `after` from now.
    pub fn or_after(&self, after: Duration) -> Self {
        let at = self.at.min(self.clock.elapsed().saturating_add(after));
        Self { clock: self.clock.clone(), at }
    }

    /// The moment at which half of the time left from now will have passed.
    pub fn halfway(&self) -> Self {
        self.before(self.left() / 2)
    }

    /// A deadline that is `margin` earlier.
    pub(crate) fn before(&self, margin: Duration) -> Self {
        Self { clock: self.clock.clone(), at: self.at.saturating_sub(margin) }
    }

    /// The moment, on the clock's own scale.
    pub(crate) fn at(&self) -> Duration {
        self.at
    }
}

/// One request as one channel sees it. Every part is shared, so that the answer can leave while
/// a stuck channel still holds it: borrowed work would have to be joined.
#[derive(Clone)]
pub struct Ask {
    /// Who asks.
    pub profile: Arc<UserProfile>,
    /// What may be shown.
    pub eligible: Arc<Eligibility>,
    /// One generation of everything.
    pub state: Arc<EngineState>,
    /// When this channel's list is due.
    pub deadline: Deadline,
}

impl Ask {
    /// Puts the parts together.
    pub fn new(
        profile: UserProfile,
        eligible: Eligibility,
        state: Arc<EngineState>,
        deadline: Deadline,
    ) -> Self {
        Self { profile: Arc::new(profile), eligible: Arc::new(eligible), state, deadline }
    }

    /// The same request with another deadline.
    pub(crate) fn due(&self, deadline: Deadline) -> Self {
        Self { deadline, ..self.clone() }
    }
}
