//! The `limpid` command: parse, call, print. Whatever decides something lives elsewhere.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command talks to its terminal"
)]

mod allocator;
mod args;
mod commands;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command, MetricsCommand, StorageCommand};

fn storage(command: &StorageCommand) -> anyhow::Result<ExitCode> {
    match command {
        StorageCommand::Format(format) => commands::storage::format(format),
        StorageCommand::Info(info) => commands::storage::info(info),
        StorageCommand::Verify(verify) => commands::storage::verify(verify),
        StorageCommand::Backup(backup) => commands::storage::backup(backup),
        StorageCommand::Restore(restore) => commands::storage::restore(restore),
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.command {
        None => commands::serve::run(&args.serve),
        Some(Command::Serve(serve)) => commands::serve::run(&serve),
        Some(Command::Storage { command }) => storage(&command),
        Some(Command::Metrics {
            command: MetricsCommand::List(list),
        }) => commands::metrics::list(&list),
        Some(Command::Metrics {
            command: MetricsCommand::Cost(cost),
        }) => commands::cost::run(&cost),
        Some(Command::Check { command }) => commands::check::run(&command),
        Some(Command::Http { command }) => commands::http::run(&command),
        Some(Command::Status(ask)) => Ok(commands::status::run(&ask)),
        Some(Command::Why(why)) => Ok(commands::why::run(&why)),
        Some(Command::SupportBundle(bundle)) => commands::support_bundle::run(&bundle),
        Some(Command::Demo(demo)) => commands::demo::run(&demo),
        Some(Command::Config(config)) => commands::config::run(&config),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("limpid: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}
