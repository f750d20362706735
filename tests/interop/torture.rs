//! The torture: a short run in which nothing is found, and the proof that its checker finds bugs.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::Kind;
use limpid_interop::process::{Finished, run, tail};
use limpid_interop::tools::{build_sabotaged, target_dir};

/// Seconds of the short run.
const SHORT: u64 = 90;
/// Seconds within which a planted bug must be found.
const FIND: u64 = 240;
/// What a run takes beside its faults.
const AROUND: Duration = Duration::from_secs(500);

/// Each planted bug, and the findings of which one must be told. What else a bug leads to does not end
/// a run: who forgets producers forgets their open transactions too, for example, so that readers of
/// committed records may see those early before anything comes twice.
const BUGS: [(&str, &[&str]); 9] = [
    ("AckBeforeAppend", &["Lost", "Misplaced"]),
    (
        "ForgetProducers",
        &["Duplicated", "Misplaced", "Early", "Aborted"],
    ),
    ("CutTail", &["Lost", "Rewritten", "OutOfRange", "Forgotten"]),
    ("IgnoreSequences", &["Reordered", "Duplicated"]),
    ("ReadPastStable", &["Early", "Aborted"]),
    ("TearTransactions", &["Torn"]),
    ("ForgetOffsets", &["Forgotten"]),
    ("ForgetTransactionalOffsets", &["RelayedTwice"]),
    ("PraiseZombies", &["Zombie"]),
];

/// Kills, stops, cut wires, full, slow and broken disks: every promise is kept.
pub fn nothing_is_found_in_a_short_run(lab: &mut Lab) -> Result<()> {
    let mut torture = torture(SHORT);
    if let Kind::Limpid(program) = lab.kind() {
        torture.env("LIMPID_BIN", program);
    }
    let done = finish(torture, SHORT)?;
    ensure!(done.status.success(), "{}", done.stderr);
    eprintln!("{}", tail(&done.stderr));
    Ok(())
}

/// Each bug is found, as what it is.
pub fn every_planted_bug_is_found(lab: &mut Lab) -> Result<()> {
    let folder = target_dir()?.join("sabotage");
    // What they keep of a run with findings goes with this test's own files.
    let kept = lab.folder("planted")?;
    for (bug, kinds) in BUGS {
        let mut torture = torture(FIND);
        torture
            .args(["--until-found", &kinds.join(",")])
            .env("TMPDIR", &kept)
            .env("LIMPID_BIN", build_sabotaged(&folder, bug)?);
        let said = finish(torture, FIND)?.stderr;
        let found = said.lines().rev().find(|line| line.contains(" findings {"));
        let found = found.with_context(|| format!("{bug}: {said}"))?;
        eprintln!("{bug}: {found}");
        let told = kinds.iter().any(|kind| found.contains(kind));
        ensure!(told, "{bug} is not found as one of {kinds:?}: {said}");
    }
    Ok(())
}

fn torture(seconds: u64) -> Command {
    let mut torture = Command::new(env!("CARGO_BIN_EXE_torture"));
    torture.args(["--seconds", &seconds.to_string()]);
    torture
}

fn finish(mut torture: Command, seconds: u64) -> Result<Finished> {
    run(&mut torture, b"", Duration::from_secs(seconds) + AROUND)
}
