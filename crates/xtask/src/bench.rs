//! `cargo xtask bench`: Limpid beside Apache Kafka, in turns, as tables with the goals of the project
//! (tests/interop).

use std::path::Path;

use anyhow::Result;

use crate::interop_bin;

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
    interop_bin::run(root, "bench", true, &arguments.words)
}
