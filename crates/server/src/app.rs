//! What all requests share.

use std::sync::{Arc, Mutex, OnceLock};

use gannet_retrieval::Engine;

use crate::admission::Admission;
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::notices::Notices;
use crate::options::ServeOptions;
use crate::reload::LastRefused;

/// A place for the engine, which may arrive after the server has started: until then `/readyz`
/// and every request answer 503.
#[derive(Clone, Default)]
pub struct EngineSlot(Arc<OnceLock<Arc<Engine>>>);

impl EngineSlot {
    /// No engine yet.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Puts the engine in, once; a later snapshot goes through `Engine::publish`. Returns false
    /// where an engine is there already, which then stays.
    pub fn fill(&self, engine: Arc<Engine>) -> bool {
        self.0.set(engine).is_ok()
    }

    /// The engine, where it has arrived.
    pub fn get(&self) -> Option<&Arc<Engine>> {
        self.0.get()
    }
}

impl From<Arc<Engine>> for EngineSlot {
    fn from(engine: Arc<Engine>) -> Self {
        let slot = Self::empty();
        slot.fill(engine);
        slot
    }
}

pub(crate) struct App {
    pub(crate) options: ServeOptions,
    pub(crate) engine: EngineSlot,
    /// The report of the snapshot that serves.
    pub(crate) page: Mutex<Option<Arc<str>>>,
    pub(crate) metrics: Metrics,
    pub(crate) notices: Notices,
    pub(crate) admission: Admission,
    pub(crate) last_refused: LastRefused,
    /// Held over a reload and what is remembered of it.
    pub(crate) reloading: tokio::sync::Mutex<()>,
}

impl App {
    pub(crate) fn new(options: ServeOptions, engine: EngineSlot, page: Option<Arc<str>>) -> Self {
        let admission = Admission::new(options.running_max, options.waiting_max);
        let notices = Notices::new(options.clock.clone());
        Self {
            options,
            engine,
            page: Mutex::new(page),
            metrics: Metrics::new(),
            notices,
            admission,
            last_refused: LastRefused::default(),
            reloading: tokio::sync::Mutex::default(),
        }
    }

    /// Runs work on a thread that may block, once there is one for it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        self.admission.run(self.options.request_timeout, work).await
    }

    pub(crate) fn ready(&self) -> Result<&Arc<Engine>, ApiError> {
        self.engine.get().ok_or_else(ApiError::not_ready)
    }
}
