//! `cargo xtask hostile`: a client that does its worst, and what another one feels of it
//! (tests/interop).

use std::path::Path;

use anyhow::Result;

use crate::interop_bin::{self, option};

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
    /// Give the broker half of the processors for itself, as on a machine of its own
    #[arg(long)]
    apart: bool,
}

/// Builds the attackers and the broker (or takes the one that `LIMPID_BIN` names), and lets them.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut options = Vec::new();
    options.extend(option("--rounds", arguments.rounds));
    options.extend(option("--seconds", arguments.seconds));
    if let Some(only) = &arguments.only {
        options.extend(option("--only", only));
    }
    if let Some(most) = arguments.mib_at_most {
        options.extend(option("--mib-at-most", most));
    }
    options.extend(arguments.apart.then(|| "--apart".to_owned()));
    interop_bin::run(root, "hostile", false, &options)
}
