//! Taking the configuration and the current snapshot again while the server runs: asked for,
//! signalled, or found changed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::app::App;

/// How often the configuration and the current snapshot are looked at for changes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How a server gets at its configuration and its snapshot, which are not its own business to
/// read.
#[derive(Clone)]
pub struct Reloader {
    /// Reads both, checks all of it and puts it in force; what is refused leaves what it would
    /// have replaced as it was. May block.
    pub reload: Arc<dyn Fn() -> Reloaded + Send + Sync>,
    /// Whether either has changed since this was last asked. Asked once a second.
    pub is_due: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// What came of taking configuration and snapshot again.
#[derive(Debug, Clone, PartialEq)]
pub struct Reloaded {
    /// Whether the configuration is in force, or why the old one stays.
    pub config: Result<(), String>,
    /// The snapshot that was put in force, `None` where the current one served already; or why
    /// the old one stays.
    pub snapshot: Result<Option<NewSnapshot>, String>,
}

/// A snapshot that serves from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSnapshot {
    /// Its version.
    pub version: String,
    /// Its evaluation's report as a page, where there is one.
    pub report_html: Option<Arc<str>>,
}

/// Why what was last taken again was refused; `None` where it was not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refused {
    pub(crate) config: Option<String>,
    pub(crate) snapshot: Option<String>,
}

/// Of the last reload; empty before the first.
pub(crate) type LastRefused = Mutex<Refused>;

impl App {
    /// Takes configuration and snapshot again; the outcome is logged, counted and kept for the
    /// operator. `None` where the server was not told how.
    pub(crate) async fn reload(&self) -> Option<Reloaded> {
        let reload = self.options.reloader.as_ref()?.reload.clone();
        // One after the other: the page and the refusal that are remembered are the last one's,
        // and whoever asks again and again holds one thread.
        let _reloading = self.reloading.lock().await;
        let outcome = tokio::task::spawn_blocking(move || reload()).await;
        let outcome = outcome.unwrap_or_else(|_| {
            let why = "reading it panicked".to_owned();
            Reloaded { config: Err(why.clone()), snapshot: Err(why) }
        });
        match &outcome.config {
            Ok(()) => tracing::warn!("the configuration was taken again"),
            Err(why) => tracing::error!(%why, "the configuration was refused: the old one stays"),
        }
        self.metrics.count_config_reload(outcome.config.is_ok());
        match &outcome.snapshot {
            Ok(None) => {}
            Ok(Some(new)) => {
                tracing::warn!(snapshot = %new.version, "another snapshot serves");
                self.metrics.count_snapshot_reload(true);
                *self.page.lock().unwrap_or_else(PoisonError::into_inner) = new.report_html.clone();
            }
            Err(why) => {
                tracing::error!(%why, "the current snapshot was refused: the old one serves on");
                self.metrics.count_snapshot_reload(false);
            }
        }
        *self.last_refused.lock().unwrap_or_else(PoisonError::into_inner) = Refused {
            config: outcome.config.clone().err(),
            snapshot: outcome.snapshot.as_ref().err().cloned(),
        };
        Some(outcome)
    }
}

/// Reloads whenever configuration or snapshot have changed or a hang-up signal comes. Never ends.
pub(crate) async fn watch(app: Arc<App>, mut hang_up: HangUp) {
    let Some(reloader) = app.options.reloader.clone() else { return };
    loop {
        let is_due = tokio::select! {
            () = hang_up.next() => true,
            () = tokio::time::sleep(LOOK_EVERY) => {
                let is_due = reloader.is_due.clone();
                tokio::task::spawn_blocking(move || is_due()).await.unwrap_or(false)
            }
        };
        if is_due {
            app.reload().await;
        }
    }
}

/// The signal by which a service is asked to read its settings again.
#[cfg(unix)]
pub(crate) struct HangUp(Option<tokio::signal::unix::Signal>);

/// Must be called before the first request is answered: without a handler the signal ends the
/// process.
#[cfg(unix)]
pub(crate) fn hang_up_signal() -> HangUp {
    HangUp(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok())
}

#[cfg(unix)]
impl HangUp {
    async fn next(&mut self) {
        let came = match &mut self.0 {
            Some(signal) => signal.recv().await.is_some(),
            None => false,
        };
        if !came {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
pub(crate) struct HangUp;

#[cfg(not(unix))]
pub(crate) fn hang_up_signal() -> HangUp {
    HangUp
}

#[cfg(not(unix))]
impl HangUp {
    async fn next(&mut self) {
        std::future::pending().await
    }
}
