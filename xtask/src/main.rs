//! `cargo xtask tidy`, `cargo xtask map` and `cargo xtask measure`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use xtask::{measure, tidy};

/// The project's own chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check what the compiler cannot: who may depend on whom, sizes, banned names and calls.
    Tidy,
    /// Write the code map of ARCHITECTURE.md from each file's opening sentence.
    Map,
    /// Measure the figures that the project promises, each under its own name.
    Measure(measure::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Tidy => run_tidy(),
        Command::Map => root().and_then(|root| tidy::write_code_map(&root)).map(|_| true),
        Command::Measure(options) => root().and_then(|root| measure::run(&root, &options)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_tidy() -> Result<bool> {
    let findings = tidy::check(&root()?)?;
    let mut out = std::io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    match findings.len() {
        0 => writeln!(out, "tidy")?,
        count => writeln!(out, "{count} findings")?,
    }
    Ok(findings.is_empty())
}

fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(root.context("xtask lies in the workspace's folder")?.to_owned())
}
