//! Measures Limpid beside Apache Kafka on this machine; `cargo xtask bench` runs it.
#![allow(clippy::print_stdout, reason = "the tables are this program's result")]

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use limpid_interop::bench::cases::CASES;
use limpid_interop::bench::plan::{Plan, USAGE};
use limpid_interop::bench::{document, raw, report, run};
use limpid_interop::tools::helpers;

fn main() -> Result<()> {
    if std::env::args().any(|word| word == "--help" || word == "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    let plan = Plan::parse(std::env::args().skip(1))?;
    if plan.list {
        for case in &CASES {
            println!("{:<24} {:?}", case.name, case.work);
        }
        return Ok(());
    }
    let text = if plan.report.is_empty() {
        let file = plan.raw.clone().unwrap_or_else(default_file);
        report::markdown(&run::run(&plan, &file)?)
    } else {
        let reports: Result<Vec<String>> = plan.report.iter().map(|file| again(file)).collect();
        reports?.join("\n")
    };
    if plan.write {
        let path = helpers().join("../../BENCHMARKS.md");
        let whole = std::fs::read_to_string(&path)?;
        std::fs::write(&path, document::with_report(&whole, &text)?)?;
    }
    match &plan.out {
        Some(file) => std::fs::write(file, text)?,
        None => println!("{text}"),
    }
    Ok(())
}

/// The report of a run that was measured before.
fn again(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("no {file:?}"))?;
    let measured = raw::read(&text).with_context(|| format!("{file:?}"))?;
    Ok(report::markdown(&measured))
}

/// Measurements are kept even if nobody asked for them.
fn default_file() -> PathBuf {
    let name = format!("limpid-bench-{}.jsonl", std::process::id());
    std::env::temp_dir().join(name)
}
