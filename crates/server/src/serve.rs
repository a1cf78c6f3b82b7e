//! Connections: accepted up to a limit, closed when they dawdle, finished before the end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use crate::admin::Peer;
use crate::answer_socket::AnswerSocket;
use crate::app::{App, EngineSlot};
use crate::options::ServeOptions;
use crate::reload::{hang_up_signal, watch};
use crate::router::router_of;

/// Why a server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}; choose another address or stop what uses it")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// The longest head of a request in bytes: an id of 256 bytes is 768 when encoded.
const HEAD_BYTES_MAX: usize = 32 << 10;

/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Listens and answers until `shutdown` is ready, then finishes what is under way.
pub async fn serve(
    options: ServeOptions,
    engine: impl Into<EngineSlot>,
    report_html: Option<Arc<str>>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let address = options.address;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|source| ServeError::Listen { address, source })?;
    serve_on(listener, options, engine, report_html, shutdown).await;
    Ok(())
}

/// The same on a listener that is there already, such as one on a port of the system's choice.
pub async fn serve_on(
    listener: TcpListener,
    options: ServeOptions,
    engine: impl Into<EngineSlot>,
    report_html: Option<Arc<str>>,
    shutdown: impl Future<Output = ()> + Send,
) {
    let limits = options.clone();
    let app = Arc::new(App::new(options, engine.into(), report_html));
    let watching = tokio::spawn(watch(app.clone(), hang_up_signal()));
    let router = router_of(app);
    let connections_max = limits.connections_max.clamp(1, Semaphore::MAX_PERMITS);
    let connections = Arc::new(Semaphore::new(connections_max));
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        // A place first: what cannot be served waits in the system's queue and costs nothing.
        let accept = async {
            let place = connections.clone().acquire_owned().await;
            (place.expect("the semaphore is never closed"), listener.accept().await)
        };
        tokio::select! {
            (place, accepted) = accept => match accepted {
                Ok((stream, peer)) => {
                    start_connection((stream, peer), place, router.clone(), &limits, &graceful);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            () = &mut shutdown => break,
        }
    }
    watching.abort();
    drop(listener);
    // Past the grace the connections are dropped with the runtime.
    if tokio::time::timeout(limits.shutdown_grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("the grace is over: connections that were still busy are cut off");
    }
}

fn start_connection(
    (stream, peer): (TcpStream, SocketAddr),
    place: OwnedSemaphorePermit,
    router: Router,
    limits: &ServeOptions,
    graceful: &GracefulShutdown,
) {
    // Small answers leave at once. Where it fails they leave a little later.
    let _ = stream.set_nodelay(true);
    let stream = AnswerSocket::new(stream, limits.answer_timeout);
    let router = router.map_request(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        // A client that breaks off is the client's business.
        let _ = connection.await;
        drop(place);
    });
}

/// Ready when the process is asked to stop: Ctrl-C, or SIGTERM where there is one.
pub async fn shutdown_signal() {
    let interrupt = async {
        // Without a handler the signal ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
