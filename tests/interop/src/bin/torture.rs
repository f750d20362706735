//! Tortures a broker and tells what was found; `cargo xtask torture` runs it.
#![allow(clippy::print_stderr, reason = "a person or a CI log waits for it")]

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use limpid_interop::peer::Kind;
use limpid_interop::tools::Tools;
use limpid_interop::torture::{Plan, torture};

/// Set within the namespaces of our own.
const INSIDE: &str = "TORTURE_INSIDE";
const USAGE: &str =
    "torture [--minutes N] [--seconds N] [--seed N] [--until-found any|FINDING,…] [--only FAULT,…]";

fn main() -> ExitCode {
    match start() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::from(2)
        }
    }
}

/// Runs in namespaces of its own: what is mounted is seen by nobody else, and every process ends
/// with this one.
fn start() -> Result<bool> {
    let plan = plan()?;
    if std::env::var_os(INSIDE).is_some() {
        return tell(&plan);
    }
    let mut unshare = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    unshare
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1));
    unshare
        .args(["--seed", &plan.seed.to_string()])
        .env(INSIDE, "1");
    Err(unshare.exec()).context("unshare")
}

fn tell(plan: &Plan) -> Result<bool> {
    let kind = match std::env::var("LIMPID_INTEROP_PEER").as_deref() {
        Err(_) | Ok("limpid") => Kind::limpid()?,
        Ok("kafka") => Kind::Kafka,
        Ok(other) => bail!("LIMPID_INTEROP_PEER is {other:?}, not \"limpid\" or \"kafka\""),
    };
    eprintln!(
        "torture of {kind:?} for {:?} with seed {}",
        plan.time, plan.seed
    );
    let folder = tempfile::Builder::new()
        .prefix("limpid-torture-")
        .tempdir()?;
    let report = torture(&kind, &Tools::open()?, folder.path(), plan)?;
    eprint!("{report}");
    let clean = report.findings.count() == 0;
    if !clean {
        let kept = folder.keep();
        eprintln!("kept in {kept:?}: the broker's log, and its data");
    }
    Ok(clean)
}

fn plan() -> Result<Plan> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut plan = Plan {
        time: Duration::from_secs(90),
        seed: now.as_micros() as u64,
        until_found: Vec::new(),
        only: Vec::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().context(USAGE)?;
        let number = || value.parse::<u64>().context(USAGE);
        let names = || value.split(',').map(str::to_owned).collect();
        match word.as_str() {
            "--minutes" => plan.time = Duration::from_secs(60 * number()?),
            "--seconds" => plan.time = Duration::from_secs(number()?),
            "--seed" => plan.seed = number()?,
            "--only" => plan.only = names(),
            "--until-found" => plan.until_found = names(),
            _ => bail!(USAGE),
        }
    }
    Ok(plan)
}
