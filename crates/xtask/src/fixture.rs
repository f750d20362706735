//! `cargo xtask fixture`: a small data directory of this commit, kept for the tests of upgrades.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The test that makes it, and what tells it to keep it (tests/it/upgrades.rs).
const TEST: &str = "upgrades::data_of_this_commit_is_opened";
const NAME: &str = "LIMPID_NEW_FIXTURE";

/// Names it after the last commit and its day. What is not committed yet belongs to the next one:
/// commit the change of the format first, then the fixture.
pub fn run(root: &Path) -> Result<()> {
    let mut git = Command::new("git");
    git.args(["log", "-1", "--format=%cs-%h"]);
    let output = git.current_dir(root).output().context("can't run git")?;
    ensure!(output.status.success(), "not in a git checkout");
    let name = String::from_utf8(output.stdout)?.trim().to_owned();
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--test", "it", "--", "--exact", TEST]);
    let status = cargo.current_dir(root).env(NAME, &name).status();
    let status = status.context("can't run cargo")?;
    ensure!(status.success(), "it could not be made: {status}");
    println!("tests/it/fixtures/{name}: commit it, and leave the older ones alone");
    Ok(())
}
