//! Serving a snapshot over HTTP until somebody says stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use gannet_models::Snapshot;
use gannet_retrieval::LiveUsers;
use gannet_server::{ServeOptions, serve_on, shutdown_signal};
use tokio::net::TcpListener;

use crate::app::App;
use crate::config::ServerConfig;
use crate::reloading::Reloading;

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
    let page = app.folders.report_html(&snapshot.version);
    let users = Arc::new(LiveUsers::with_limits(snapshot.clone(), app.config.users));
    let engine = app.engine_with(snapshot, &app.config.retrieval, Some(users.clone()))?;
    let engine = Arc::new(engine);
    let address = listen.unwrap_or(&app.config.server.listen);
    let address: SocketAddr = address.parse().with_context(|| {
        format!("server.listen: expected an address such as 127.0.0.1:8080, this is {address:?}")
    })?;
    let reloader = Some(Arc::new(Reloading::new(app, engine.clone(), users)?).reloader());
    let options = ServeOptions { reloader, ..options(app, &app.config.server, address) };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the server's threads")?;
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        announce(listener.local_addr()?)?;
        serve_on(listener, options, engine, page, shutdown_signal()).await;
        Ok(())
    });
    // A snapshot that is being read keeps nobody from ending.
    runtime.shutdown_background();
    served
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
