//! Taking the configuration again while the server runs: asked for, signalled, or found changed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::app::App;

/// How often the configuration is looked at for changes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How a server gets at its configuration, which is not its own business to read.
#[derive(Clone)]
pub struct Reloader {
    /// Reads the configuration, checks all of it and puts it in force, or says why not and leaves
    /// everything as it was. May block.
    pub reload: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
    /// Whether the configuration has changed since this was last asked. Asked once a second.
    pub is_due: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// The outcome of the last reload; `None` before the first.
pub(crate) type LastReload = Mutex<Option<Result<(), String>>>;

impl App {
    /// Takes the configuration again; the outcome is logged, counted and kept for the operator.
    /// `None` where the server was not told how.
    pub(crate) async fn reload(&self) -> Option<Result<(), String>> {
        let reload = self.options.reloader.as_ref()?.reload.clone();
        let outcome = tokio::task::spawn_blocking(move || reload()).await;
        let outcome = outcome.unwrap_or_else(|_| Err("reading it panicked".to_owned()));
        match &outcome {
            Ok(()) => tracing::warn!("the configuration was taken again"),
            Err(why) => tracing::error!(%why, "the configuration was refused: the old one stays"),
        }
        self.metrics.count_reload(outcome.is_ok());
        *self.last_reload.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome.clone());
        Some(outcome)
    }
}

/// Reloads whenever the configuration has changed or a hang-up signal comes. Never ends.
pub(crate) async fn watch(app: Arc<App>) {
    let Some(reloader) = app.options.reloader.clone() else { return };
    let mut hang_up = hang_up_signal();
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

#[cfg(unix)]
struct HangUp(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
fn hang_up_signal() -> HangUp {
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
struct HangUp;

#[cfg(not(unix))]
fn hang_up_signal() -> HangUp {
    HangUp
}

#[cfg(not(unix))]
impl HangUp {
    async fn next(&mut self) {
        std::future::pending().await
    }
}
