//! `kill -9` at random moments under load, and the proof that the checker would notice.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use limpid_interop::kills::{Acknowledged, Verdict, torture};
use limpid_interop::lab::Lab;
use limpid_interop::peer::Kind;
use limpid_interop::tools::{build_sabotaged, target_dir};

/// Rounds unless `LIMPID_INTEROP_ROUNDS` says otherwise.
const ROUNDS: u32 = 10;
/// Kills after which a sabotaged build must have been found out.
const SABOTAGE_ROUNDS: u32 = 6;

fn rounds() -> Result<u32> {
    match std::env::var("LIMPID_INTEROP_ROUNDS") {
        Ok(text) => text.parse().context("LIMPID_INTEROP_ROUNDS is no number"),
        Err(_) => Ok(ROUNDS),
    }
}

/// A new seed for each run; the report names it and `LIMPID_INTEROP_SEED` repeats it.
fn seed() -> Result<u64> {
    match std::env::var("LIMPID_INTEROP_SEED") {
        Ok(text) => text.parse().context("LIMPID_INTEROP_SEED is no number"),
        Err(_) => Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros() as u64),
    }
}

/// Nothing that was acknowledged is lost, doubled, misplaced or out of order.
pub fn no_acknowledged_record_is_lost_or_doubled(lab: &mut Lab) -> Result<()> {
    let rounds = rounds()?;
    let verdict = keeps_its_word(lab, "kill9", rounds, Acknowledged::OnceAppended)?;
    let least = 500 * usize::try_from(rounds)?;
    ensure!(
        verdict.acknowledged >= least,
        "too little was written: {verdict:?}"
    );
    Ok(())
}

/// The same with `flush.messages=1`, where a kill nearly always leaves batches that are in the log
/// and come again.
pub fn nothing_comes_twice_when_the_disk_is_awaited(lab: &mut Lab) -> Result<()> {
    let rounds = rounds()?.div_ceil(2);
    keeps_its_word(lab, "kill9-flushed", rounds, Acknowledged::OnceFlushed)?;
    Ok(())
}

fn keeps_its_word(lab: &Lab, folder: &str, rounds: u32, acks: Acknowledged) -> Result<Verdict> {
    let seed = seed()?;
    let folder = lab.folder(folder)?;
    let verdict = torture(lab.kind(), &lab.tools, &folder, (rounds, seed), acks)?;
    eprintln!("{rounds} kills with seed {seed}: {verdict:?}");
    ensure!(
        verdict.is_clean(),
        "after {rounds} kills with seed {seed}: {verdict:?}"
    );
    Ok(verdict)
}

/// A broker that acknowledges before it appends is found to lose records.
pub fn the_checker_notices_early_acknowledgements(lab: &mut Lab) -> Result<()> {
    let verdict = sabotaged(lab, "AckBeforeAppend", Acknowledged::OnceAppended)?;
    ensure!(verdict.lost > 0, "no loss was noticed: {verdict:?}");
    Ok(())
}

/// A broker that forgets its producers at a start is found to double records: what it had appended
/// but not acknowledged when it was killed is sent again.
pub fn the_checker_notices_forgotten_producers(lab: &mut Lab) -> Result<()> {
    let verdict = sabotaged(lab, "ForgetProducers", Acknowledged::OnceFlushed)?;
    ensure!(
        verdict.doubled > 0,
        "no doubled record was noticed: {verdict:?}"
    );
    Ok(())
}

fn sabotaged(lab: &mut Lab, bug: &str, acks: Acknowledged) -> Result<Verdict> {
    let program = build_sabotaged(&target_dir()?.join("sabotage"), bug)?;
    let folder = lab.folder(bug)?;
    let verdict = torture(
        &Kind::Limpid(program),
        &lab.tools,
        &folder,
        (SABOTAGE_ROUNDS, seed()?),
        acks,
    )?;
    eprintln!("{bug}: {verdict:?}");
    Ok(verdict)
}
