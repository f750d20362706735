//! `cargo xtask scale`: how many partitions, connections, groups, bytes and series a node takes
//! (tests/interop).

use std::path::Path;

use anyhow::Result;

use crate::interop_bin::{self, option};

/// What is measured, and how often.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only these questions, separated by commas: crowd, groups, recovery, scrapes, large
    #[arg(long)]
    only: Option<String>,
    /// How often what goes by turns is done
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Partitions of the crowd (10,000), or of large (40,000, with a group for every four)
    #[arg(long)]
    partitions: Option<u32>,
    /// GiB to recover after a crash; as much must be free, and 14 more
    #[arg(long, default_value_t = 10.0)]
    gib: f64,
}

/// Builds the measuring program and the broker (or takes the one that `LIMPID_BIN` names), and measures.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut options = Vec::new();
    options.extend(option("--rounds", arguments.rounds));
    if let Some(partitions) = arguments.partitions {
        options.extend(option("--partitions", partitions));
    }
    options.extend(option("--gib", arguments.gib));
    if let Some(only) = &arguments.only {
        options.extend(option("--only", only));
    }
    interop_bin::run(root, "scale", true, &options)
}
