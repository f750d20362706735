//! `cargo xtask instructions`: how many instructions the broker takes for a request, a scrape.
//!
//! The cases are those of benches/instructions, run under callgrind, which counts every instruction of
//! what is measured and nothing else: numbers that are the same on a busy machine and an idle one, so
//! that a gate of 5 % can stand on them. They depend on the compiler, which is pinned, and a little on
//! the C library and on what the processor offers it (callgrind makes believe it is one with AVX2 and
//! SSE 4.2, whatever it runs on). What the kernel does is not in them.
//!
//! `--price` builds a second time, without all instrumentation, and tells what that costs.

mod baseline;
mod callgrind;
mod price;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use self::callgrind::Case;

/// What to measure.
#[derive(clap::Args)]
pub struct Arguments {
    /// Compare with a build that counts and times nothing, instead of with the baseline
    #[arg(long)]
    price: bool,
    /// How often each request is counted
    #[arg(long, default_value_t = 200)]
    requests: usize,
    /// Measure so many times and tell how far the numbers lie apart
    #[arg(long, default_value_t = 1)]
    runs: usize,
}

/// The feature that leaves out all instrumentation.
const UNSEEN: &str = "unseen";

/// Measures, and compares with the baseline.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    callgrind::install()?;
    if arguments.price {
        return price::run(root, arguments.requests);
    }
    let program = build(root, None)?;
    let measure = || callgrind::run(&program, "all", arguments.requests);
    let mut runs = (0..arguments.runs.max(1)).map(|_| measure());
    let first = runs.next().context("no run")??;
    let others: Vec<Vec<Case>> = runs.collect::<Result<_>>()?;
    if !others.is_empty() {
        baseline::tell_spread(&first, &others);
    }
    baseline::compare(
        &root.join("benches/instructions/baseline.tsv"),
        first,
        measure,
    )
}

/// Builds the cases as the product is built, and tells where the program is.
fn build(root: &Path, feature: Option<&str>) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--bench", "instructions"]);
    cargo.arg("--message-format=json-render-diagnostics");
    cargo.args(feature.map(|feature| format!("--features={feature}")));
    // What cargo told this program of its own package would have ring, and all above it, built anew.
    let of_package =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars().filter(|(name, _)| of_package(name)) {
        cargo.env_remove(name);
    }
    let built = cargo.current_dir(root).stderr(Stdio::inherit()).output()?;
    ensure!(built.status.success(), "the cases can't be built");
    for line in String::from_utf8(built.stdout)?.lines() {
        let message: serde_json::Value = serde_json::from_str(line)?;
        if message["target"]["name"] == "instructions"
            && let Some(program) = message["executable"].as_str()
        {
            return Ok(program.into());
        }
    }
    bail!("cargo names no program")
}
