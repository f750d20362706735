//! `cargo xtask hostile`: a client that does its worst, and what another one feels of it
//! (tests/interop).

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// How often and for how long.
#[derive(clap::Args)]
pub struct Arguments {
    /// How often each attack is made, calm and attack in turn
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long each phase is
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Only these attacks, separated by commas
    #[arg(long)]
    only: Option<String>,
    /// Fail if the broker's resident memory is ever beyond this
    #[arg(long)]
    mib_at_most: Option<u64>,
}

/// Builds the attackers and the broker (or takes the one that `LIMPID_BIN` names), and lets them.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--package", "limpid-interop"]);
    cargo.args(["--bin", "hostile", "--"]);
    cargo.args(["--rounds", &arguments.rounds.to_string()]);
    cargo.args(["--seconds", &arguments.seconds.to_string()]);
    if let Some(only) = &arguments.only {
        cargo.args(["--only", only]);
    }
    if let Some(most) = arguments.mib_at_most {
        cargo.args(["--mib-at-most", &most.to_string()]);
    }
    let status = cargo.current_dir(root).status();
    let status = status.context("can't run cargo")?;
    ensure!(status.success(), "the run failed: {status}");
    Ok(())
}
