//! Who may run: a bounded number at once, a bounded number waiting, all others refused at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::error::ApiError;
use crate::notices::tell_panic;

/// A short queue keeps the answers of an overloaded server on time: what would wait longer than
/// its client does is worth nothing when it is through.
pub(crate) struct Admission {
    running: Arc<Semaphore>,
    running_max: usize,
    /// Running and waiting together.
    places: Arc<Semaphore>,
    places_max: usize,
}

impl Admission {
    pub(crate) fn new(running_max: usize, waiting_max: usize) -> Self {
        let running = running_max.clamp(1, Semaphore::MAX_PERMITS);
        let places = running.saturating_add(waiting_max).min(Semaphore::MAX_PERMITS);
        Self {
            running: Arc::new(Semaphore::new(running)),
            running_max: running,
            places: Arc::new(Semaphore::new(places)),
            places_max: places,
        }
    }

    /// Runs work on a thread that may block. The permits go with the work, not with the request:
    /// a client that hangs up does not make room for more than the threads can do.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        wait_max: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| ApiError::overloaded())?;
        let permit = tokio::time::timeout(wait_max, self.running.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(ApiError::overloaded()) };
        let done = spawn_blocking(move || {
            let _held = (place, permit);
            work()
        });
        done.await.map_err(|error| {
            if let Ok(panic) = error.try_into_panic() {
                tell_panic(&*panic);
            }
            ApiError::internal()
        })
    }

    /// Requests that run, and requests that wait.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let running = self.running_max - self.running.available_permits();
        let inside = self.places_max - self.places.available_permits();
        (running, inside.saturating_sub(running))
    }
}
