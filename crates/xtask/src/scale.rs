//! `cargo xtask scale`: how many partitions, connections, groups, bytes and series a node takes
//! (tests/interop).

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// What is measured, and how often.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only these questions, separated by commas: crowd, groups, recovery, scrapes, large
    #[arg(long)]
    only: Option<String>,
    /// How often what goes by turns is done
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Partitions of the crowd
    #[arg(long, default_value_t = 10_000)]
    partitions: u32,
    /// GiB to recover after a crash; as much must be free, and 14 more
    #[arg(long, default_value_t = 10.0)]
    gib: f64,
}

/// Builds the measuring program and the broker (or takes the one that `LIMPID_BIN` names), and measures.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--release", "--package", "limpid-interop"]);
    cargo.args(["--bin", "scale", "--"]);
    cargo.args(["--rounds", &arguments.rounds.to_string()]);
    cargo.args(["--partitions", &arguments.partitions.to_string()]);
    cargo.args(["--gib", &arguments.gib.to_string()]);
    if let Some(only) = &arguments.only {
        cargo.args(["--only", only]);
    }
    let status = cargo.current_dir(root).status();
    let status = status.context("can't run cargo")?;
    ensure!(status.success(), "the run failed: {status}");
    Ok(())
}
