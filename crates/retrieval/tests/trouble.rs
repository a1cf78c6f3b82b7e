//! The short form of the example `stuck`: what a channel that hangs costs the requests beside it.

mod support;

use support::trouble::{DEADLINE_MS, Trouble, never_returns, returns_late};

/// What a machine that builds and tests other things may add.
const BUSY_MS: f64 = 45.0;

fn assert_sound(trouble: &Trouble) {
    assert!(trouble.faults().is_empty(), "{:?}", trouble.faults());
    assert!(trouble.took_ms_of(0.5) < DEADLINE_MS + BUSY_MS, "{trouble:?}");
}

#[test]
fn requests_that_wait_for_a_channel_that_returns_late_leave_at_their_deadline() {
    let trouble = returns_late(150);
    assert_sound(&trouble);
    assert!(trouble.waited >= 50, "{} of {} waited", trouble.waited, trouble.requests);
    assert!(trouble.took_ms_of(0.5) >= DEADLINE_MS, "{trouble:?}");
}

#[test]
fn a_channel_that_never_returns_holds_few_threads_and_gives_them_back() {
    let trouble = never_returns(300);
    assert_sound(&trouble);
    assert!((1..=10).contains(&trouble.waited), "{} waited", trouble.waited);
    assert!(trouble.threads.most > trouble.threads.before, "{trouble:?}");
    assert!(trouble.threads.most <= trouble.threads.before + 3, "{trouble:?}");
}
