//! `cargo xtask`: the project's own chores.
#![allow(clippy::print_stdout, reason = "chores report to a terminal")]

mod alerts;
mod bench;
mod ci;
mod codegen;
mod dashboards;
mod fixture;
mod hostile;
mod instructions;
mod interop_bin;
mod scale;
mod tidy;
mod torture;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write alerts/ for Prometheus' operator and for Grafana, from the rule file
    Alerts,
    /// Measure Limpid beside Apache Kafka on this machine (`cargo xtask bench --help`)
    Bench(bench::Arguments),
    /// Write the protocol crate's messages from Kafka's message specifications
    Codegen(codegen::Arguments),
    /// Run the gate: format, lints, docs, generated files, spelling, fuzz smoke, tidy
    Ci(ci::Arguments),
    /// Write dashboards/*.json from dashboards/dashboards.yml
    Dashboards,
    /// Count the instructions of requests and scrapes, and compare them with the baseline
    Instructions(instructions::Arguments),
    /// Keep a small data directory of this commit, which changed a format on disk
    Fixture,
    /// Check the conventions of the house that no compiler checks
    Tidy,
    /// Break everything around a broker under load and check what it promised
    Torture(torture::Arguments),
    /// Let a hostile client loose on a broker and measure what another one feels
    Hostile(hostile::Arguments),
    /// Measure how large a node may get
    Scale(scale::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Alerts => alerts::run(&root()?),
        Command::Bench(arguments) => bench::run(&root()?, &arguments),
        Command::Codegen(arguments) => codegen::run(&arguments),
        Command::Ci(arguments) => ci::run(&root()?, &arguments),
        Command::Dashboards => dashboards::run(&root()?),
        Command::Instructions(arguments) => instructions::run(&root()?, &arguments),
        Command::Fixture => fixture::run(&root()?),
        Command::Tidy => tidy::run(&root()?),
        Command::Torture(arguments) => torture::run(&root()?, &arguments),
        Command::Hostile(arguments) => hostile::run(&root()?, &arguments),
        Command::Scale(arguments) => scale::run(&root()?, &arguments),
    }
}

/// The root of the working tree, wherever in it the command was called.
fn root() -> anyhow::Result<std::path::PathBuf> {
    let output = std::process::Command::new("git")
        .args(["rev-parse", "--show-toplevel"])
        .output()?;
    anyhow::ensure!(output.status.success(), "not in a git checkout");
    Ok(String::from_utf8(output.stdout)?.trim_end().into())
}
