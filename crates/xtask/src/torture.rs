//! `cargo xtask torture`: real clients on a broker that is killed, frozen, cut off and starved, and a
//! checker that watches over what it promised (tests/interop).

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// For how long, and how.
#[derive(clap::Args)]
pub struct Arguments {
    /// How long there are faults
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Repeats the faults of the run that printed it
    #[arg(long)]
    seed: Option<u64>,
    /// End at the first finding
    #[arg(long)]
    until_found: bool,
}

/// Builds the torturer and the broker (or takes the one that `LIMPID_BIN` names), and lets them.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "run",
        "--quiet",
        "--package",
        "limpid-interop",
        "--bin",
        "torture",
        "--",
    ]);
    cargo.args(["--minutes", &arguments.minutes.to_string()]);
    if let Some(seed) = arguments.seed {
        cargo.args(["--seed", &seed.to_string()]);
    }
    if arguments.until_found {
        cargo.args(["--until-found", "any"]);
    }
    let status = cargo
        .current_dir(root)
        .status()
        .context("can't run cargo")?;
    ensure!(
        status.success(),
        "something was found, or the run failed: {status}"
    );
    Ok(())
}
