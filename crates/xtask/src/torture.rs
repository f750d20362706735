//! `cargo xtask torture`: real clients on a broker that is killed, frozen, cut off and starved, and a
//! checker that watches over what it promised (tests/interop).

use std::path::Path;

use anyhow::{Context, Result};

use crate::interop_bin::{self, option};

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
    let mut options = Vec::new();
    options.extend(option("--minutes", arguments.minutes));
    if let Some(seed) = arguments.seed {
        options.extend(option("--seed", seed));
    }
    if arguments.until_found {
        options.extend(option("--until-found", "any"));
    }
    interop_bin::run(root, "torture", false, &options)
        .context("something was found, or the run failed")
}
