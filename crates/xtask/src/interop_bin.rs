//! The programs of tests/interop that a person runs: built together with what they need, and run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Runs one of them, optimized or as the tests are, with its options.
pub fn run(root: &Path, name: &str, is_optimized: bool, options: &[String]) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet"]);
    cargo.args(is_optimized.then_some("--release"));
    cargo.args(["--package", "limpid-interop", "--bin", name, "--"]);
    let status = cargo.args(options).current_dir(root).status();
    let status = status.context("can't run cargo")?;
    ensure!(status.success(), "`{name}` failed: {status}");
    Ok(())
}

/// An option with its value.
pub fn option(name: &str, value: impl ToString) -> [String; 2] {
    [name.to_owned(), value.to_string()]
}
