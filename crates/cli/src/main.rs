//! The `gannet` binary: the only crate that knows a terminal.
//!
//! Each command of `args` has a file in `commands`; what several of them share (training,
//! opening a snapshot, the report) lies beside this file.

mod advice;
mod app;
mod args;
mod clock;
mod commands;
mod config;
mod folders;
mod judging;
mod memory;
mod output;
mod pipeline;
mod progress;
mod reloading;
mod serving;
mod source;
mod split_text;
mod study;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{BenchCommand, Cli, Command, ConfigCommand, VectorsCommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let app = app::App::new(&cli.common)?;
    match cli.command {
        Command::Demo(args) => commands::demo::run(&app, &args),
        Command::Fetch(args) => commands::fetch::run(&app, &args),
        Command::Ingest(args) => commands::ingest::run(&app, &args),
        Command::Simulate(args) => commands::simulate::run(&app, &args),
        Command::Train(args) => commands::train::run(&app, &args),
        Command::Evaluate(args) => commands::evaluate::run(&app, &args),
        Command::Retrieve(args) => commands::retrieve::run(&app, &args),
        Command::Serve(args) => commands::serve::run(&app, &args),
        Command::Advise(args) => commands::advise::run(&app, &args),
        Command::Inspect(args) => commands::inspect::run(&app, &args),
        Command::Config(args) => match args.command {
            ConfigCommand::Show => commands::config::show(&app),
        },
        Command::Vectors(args) => match args.command {
            VectorsCommand::Import(args) => commands::vectors::import(&app, &args),
            VectorsCommand::Show => commands::vectors::show(&app),
            VectorsCommand::Export(args) => commands::vectors::export(&app, &args),
        },
        Command::Bench(args) => match args.command {
            BenchCommand::Retrieve(args) => commands::bench::retrieve(&app, &args),
        },
    }
}
