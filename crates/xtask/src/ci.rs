//! `cargo xtask ci`: the gate, step by step, with a total at the end.
//!
//! `.ci/run` has run README's test command before, so the tests are left out unless asked for.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Also run the tests, as README says
    #[arg(long)]
    with_tests: bool,
    /// Leave out the fuzz smoke run, which compiles with the nightly toolchain
    #[arg(long)]
    without_fuzz: bool,
    /// Leave out the steps that fetch something (Kafka's specifications, the spell checker)
    #[arg(long)]
    offline: bool,
}

/// One step: a name for people and the words of its command.
struct Step {
    name: &'static str,
    words: Vec<&'static str>,
    env: Vec<(&'static str, &'static str)>,
}

impl Step {
    fn new(name: &'static str, words: &[&'static str]) -> Self {
        Self {
            name,
            words: words.to_vec(),
            env: Vec::new(),
        }
    }
}

/// Runs the steps in order and stops at the first that fails.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let started = Instant::now();
    let mut times: Vec<(&str, Duration)> = Vec::new();
    for step in steps(arguments) {
        println!("\n== {}: {}", step.name, step.words.join(" "));
        let began = Instant::now();
        execute(root, &step)?;
        times.push((step.name, began.elapsed()));
    }
    println!("\n== tidy");
    let began = Instant::now();
    crate::tidy::run(root)?;
    times.push(("tidy", began.elapsed()));
    println!(
        "\nci: {} steps passed in {:.0?}",
        times.len(),
        started.elapsed()
    );
    for (name, time) in times {
        println!("  {:>7.1} s  {name}", time.as_secs_f64());
    }
    Ok(())
}

fn steps(arguments: &Arguments) -> Vec<Step> {
    let mut steps = vec![Step::new(
        "formatted",
        &["cargo", "fmt", "--all", "--check"],
    )];
    steps.push(Step::new(
        "clippy",
        &[
            "cargo",
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
    ));
    let mut doc = Step::new(
        "documented",
        &["cargo", "doc", "--workspace", "--no-deps", "--locked"],
    );
    doc.env.push(("RUSTDOCFLAGS", "-D warnings"));
    steps.push(doc);
    if arguments.with_tests {
        steps.push(Step::new("tests", &["cargo", "test", "--locked"]));
    }
    if !arguments.offline {
        steps.push(Step::new(
            "generated files are up to date",
            &["bash", ".ci/codegen-check"],
        ));
        steps.push(Step::new("spelled", &["bash", ".ci/typos"]));
    }
    if !arguments.without_fuzz {
        steps.push(Step::new("fuzz smoke", &["bash", "fuzz/smoke.sh"]));
    }
    steps
}

fn execute(root: &Path, step: &Step) -> Result<()> {
    let (program, words) = step
        .words
        .split_first()
        .context("a step without a command")?;
    let status = Command::new(program)
        .args(words)
        .envs(step.env.iter().copied())
        .current_dir(root)
        .status()
        .with_context(|| format!("can't run `{program}`"))?;
    if !status.success() {
        bail!("step `{}` failed: {status}", step.name);
    }
    Ok(())
}
