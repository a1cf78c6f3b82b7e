//! One file a command.

pub(crate) mod advise;
pub(crate) mod bench;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod evaluate;
pub(crate) mod fetch;
pub(crate) mod ingest;
pub(crate) mod inspect;
pub(crate) mod retrieve;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod train;
pub(crate) mod vectors;
