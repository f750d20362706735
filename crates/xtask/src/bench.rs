//! `cargo xtask bench`: Limpid beside Apache Kafka, in turns, as tables with the goals of the project
//! (tests/interop).

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Everything is handed on to the harness, which says what it takes.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Arguments {
    /// Options of the harness
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Builds the harness and the broker (or takes the one that `LIMPID_BIN` names), optimized, and lets them.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--release"]);
    cargo.args(["--package", "limpid-interop", "--bin", "bench", "--"]);
    cargo.args(&arguments.words);
    let status = cargo.current_dir(root).status();
    let status = status.context("can't run cargo")?;
    ensure!(status.success(), "the run failed: {status}");
    Ok(())
}
