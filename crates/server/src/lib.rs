//! The HTTP server: JSON in, candidates out, and what an operator needs beside it.
//!
//! ```text
//! connection > header timeout > route > body limit > JSON > admission > Engine::retrieve > JSON
//! ```
//!
//! Retrieval is work for a processor and blocks until its deadline, so it never runs on the
//! threads that hold the connections. What cannot be admitted is refused at once.
//!
//! What goes wrong inside is told through `tracing`, which says nothing unless the program
//! installs a subscriber; clients see codes only.
//!
//! Invariant: the server reads no clock and no disk of its own; both are handed in.

mod admin;
mod admission;
mod answer;
mod answer_socket;
mod app;
mod blocked;
mod body;
mod error;
mod extract;
mod handlers;
mod metrics;
mod notices;
mod openapi;
mod options;
mod plans_answer;
mod reload;
mod request;
mod responses;
mod router;
mod serve;

pub use app::EngineSlot;
pub use options::{AdminAccess, ServeOptions};
pub use reload::{NewSnapshot, Reloaded, Reloader};
pub use router::{ROUTES, router};
pub use serve::{ServeError, serve, serve_on, shutdown_signal};
