//! Serving a snapshot over HTTP until somebody says stop.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use gannet_models::Snapshot;
use gannet_retrieval::{Engine, LiveUsers};
use gannet_server::{Reloader, ServeOptions, serve_on, shutdown_signal};
use tokio::net::TcpListener;

use crate::app::App;
use crate::config::{self, Config, ServerConfig};

/// Serves until an interrupt or a request to end. `announce` gets the address, once it listens.
pub(crate) fn serve(
    app: &App,
    snapshot: Arc<Snapshot>,
    listen: Option<&str>,
    announce: impl FnOnce(SocketAddr) -> Result<()>,
) -> Result<()> {
    // A subscriber of somebody who embeds this stays; ours is for the terminal.
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .try_init();
    let page = std::fs::read_to_string(app.folders.report(&snapshot.version, "html")).ok();
    let users = Arc::new(LiveUsers::new(snapshot.clone()));
    let engine = Arc::new(app.engine_with(snapshot, &app.config.retrieval, Some(users))?);
    let address = listen.unwrap_or(&app.config.server.listen);
    let address: SocketAddr = address.parse().with_context(|| {
        format!("server.listen: expected an address such as 127.0.0.1:8080, this is {address:?}")
    })?;
    let reloader = Some(reloader(app, &engine));
    let options = ServeOptions { reloader, ..options(app, &app.config.server, address) };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the server's threads")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        announce(listener.local_addr()?)?;
        let page = page.map(Arc::from);
        serve_on(listener, options, engine, page, shutdown_signal()).await;
        Ok(())
    })
}

/// Takes the file, the variables and the flags again, and puts channels, plans, scenes, segments
/// and experiments in force. Everything else holds from the start to the end.
fn reloader(app: &App, engine: &Arc<Engine>) -> Reloader {
    let (engine, common) = (engine.clone(), app.common.clone());
    let reload = move || {
        let config = Config::load(&common).map_err(|error| format!("{error:#}"))?;
        engine.reload(&config.retrieval).map_err(|error| error.to_string())
    };
    let file = config::file_of(&app.common);
    let modified = move || std::fs::metadata(&file).and_then(|about| about.modified()).ok();
    let last = Mutex::new(modified());
    let is_due = move || {
        let now = modified();
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that is away for a moment is being replaced.
        now.is_some() && std::mem::replace(&mut *last, now) != now
    };
    Reloader { reload: Arc::new(reload), is_due: Arc::new(is_due) }
}

fn options(app: &App, config: &ServerConfig, address: SocketAddr) -> ServeOptions {
    let defaults = ServeOptions::new(address, app.clock.clone());
    let or = |configured: usize, default: usize| if configured == 0 { default } else { configured };
    ServeOptions {
        body_bytes_max: config.body_bytes_max,
        header_timeout: Duration::from_millis(config.header_timeout_ms),
        request_timeout: Duration::from_millis(config.request_timeout_ms),
        answer_timeout: Duration::from_millis(config.answer_timeout_ms),
        connections_max: config.connections_max,
        running_max: or(config.running_max, defaults.running_max),
        waiting_max: or(config.waiting_max, defaults.waiting_max),
        shutdown_grace: Duration::from_millis(config.shutdown_grace_ms),
        admin: config.admin,
        ..defaults
    }
}
