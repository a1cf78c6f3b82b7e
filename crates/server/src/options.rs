//! What a server can be told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gannet_core::Clock;
use serde::Deserialize;

use crate::reload::Reloader;

/// Limits and addresses of a server. Every limit exists so that one client cannot take what all
/// others need.
#[derive(Clone)]
pub struct ServeOptions {
    /// Where to listen.
    pub address: SocketAddr,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Requests that run at once; each holds a thread until its deadline at the latest.
    pub running_max: usize,
    /// Requests that may wait for a thread; more are refused with 503.
    pub waiting_max: usize,
    /// Bytes of a request's body; more are refused with 413.
    pub body_bytes_max: usize,
    /// How long the head of a request may take, and how long a connection may idle.
    pub header_timeout: Duration,
    /// How long a body may take to arrive, and a request to be admitted.
    pub request_timeout: Duration,
    /// How long a client may take to read an answer, once it has fallen behind; then the
    /// connection is closed.
    pub answer_timeout: Duration,
    /// Connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// How long requests under way may take to finish after the signal to stop.
    pub shutdown_grace: Duration,
    /// Who may see and change what is in force.
    pub admin: AdminAccess,
    /// How configuration and snapshot are taken again; `None`: they are not.
    pub reloader: Option<Reloader>,
}

/// Who may use the endpoints under `/v1/admin`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminAccess {
    /// Direct connections from a loopback address.
    #[default]
    Loopback,
    /// Nobody.
    Off,
}

impl ServeOptions {
    /// Sensible limits for one machine.
    pub fn new(address: SocketAddr, clock: Arc<dyn Clock>) -> Self {
        let threads = std::thread::available_parallelism().map_or(4, usize::from);
        Self {
            address,
            clock,
            running_max: threads * 2,
            waiting_max: threads * 32,
            body_bytes_max: 1 << 20,
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            connections_max: 1024,
            shutdown_grace: Duration::from_secs(10),
            admin: AdminAccess::default(),
            reloader: None,
        }
    }
}
