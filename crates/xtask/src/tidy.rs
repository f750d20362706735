//! `cargo xtask tidy`: the conventions of the house that no compiler checks.
//!
//! Each check returns what it found as sentences with the cure in them.

mod arrows;
mod circles;
mod files;
mod observed;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Runs every check on the tree at `root`; fails with all findings.
pub fn run(root: &Path) -> Result<()> {
    let sources = rust_sources(root)?;
    let mut findings = arrows::check(root)?;
    findings.extend(circles::check(root, &sources)?);
    findings.extend(files::check(root, &sources)?);
    findings.extend(observed::check(root, &tracked_files(root)?)?);
    findings.extend(crate::alerts::check(root)?);
    findings.extend(crate::dashboards::check(root)?);
    if findings.is_empty() {
        println!("tidy: {} Rust files, nothing to say", sources.len());
        return Ok(());
    }
    for finding in &findings {
        println!("tidy: {finding}");
    }
    bail!("tidy: {} findings", findings.len())
}

/// The committed Rust files, relative to `root`, without generated ones.
fn rust_sources(root: &Path) -> Result<Vec<PathBuf>> {
    let is_ours = |path: &PathBuf| {
        path.extension().is_some_and(|e| e == "rs")
            && !path.starts_with("crates/protocol/src/messages")
            && !path.ends_with("crates/protocol/src/messages.rs")
    };
    Ok(tracked_files(root)?.into_iter().filter(is_ours).collect())
}

/// Files that git tracks or would track.
fn tracked_files(root: &Path) -> Result<Vec<PathBuf>> {
    let output = std::process::Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("git ls-files")?;
    let names = String::from_utf8(output.stdout).context("a file name that is not UTF-8")?;
    let files = names
        .split('\0')
        .filter(|n| !n.is_empty())
        .map(PathBuf::from);
    Ok(files.filter(|f| root.join(f).is_file()).collect())
}
