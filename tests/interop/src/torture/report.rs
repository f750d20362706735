//! What is told of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::checker::Tally;
use super::findings::Findings;
use super::nemesis::Done;
use super::run::Run;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Repeats the run.
    pub seed: u64,
    /// What was found.
    pub findings: Findings,
    /// What was counted.
    pub tally: Tally,
    /// The faults by their kind.
    pub faults: Done,
    /// What clients were told, by what they asked.
    pub errors: BTreeMap<String, u64>,
    time: Duration,
}

impl Report {
    pub(super) fn new(run: &Run, faults: &Done, seed: u64, time: Duration) -> Self {
        let checker = run.checker.lock();
        Self {
            seed,
            findings: checker.findings.clone(),
            tally: checker.tally,
            faults: faults.clone(),
            errors: run.errors(),
            time,
        }
    }

    /// How many faults there were.
    #[must_use]
    pub fn fault_count(&self) -> u64 {
        self.faults.values().map(|(count, _)| count).sum()
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "seed {}, {:.0?}, {} faults:",
            self.seed,
            self.time,
            self.fault_count()
        )?;
        for (fault, (count, took)) in &self.faults {
            let each = took.as_secs_f64() / *count as f64;
            writeln!(f, "  {count:>7} {fault:?}, {each:.1} s each")?;
        }
        writeln!(f, "{}", show(&self.tally))?;
        writeln!(f, "clients were told:")?;
        for (error, count) in &self.errors {
            writeln!(f, "  {count:>7} {error}")?;
        }
        writeln!(
            f,
            "{} findings {:?}",
            self.findings.count(),
            self.findings.counts()
        )?;
        for told in self.findings.told() {
            writeln!(f, "  {told}")?;
        }
        Ok(())
    }
}

/// Tells how far a run is.
#[expect(clippy::print_stderr, reason = "a person or a CI log waits for it")]
pub(super) fn progress(run: &Run, faults: u64, time: Duration) {
    let checker = run.checker.lock();
    let (seconds, found) = (time.as_secs(), checker.findings.count());
    eprintln!(
        "{seconds:>5} s, {faults} faults, {}, {found} findings",
        show(&checker.tally)
    );
}

fn show(tally: &Tally) -> String {
    let Tally {
        acknowledged,
        given_up,
        committed,
        aborted,
        unknown,
        ..
    } = tally;
    let Tally {
        seen,
        seen_committed,
        seen_again,
        relayed,
        ..
    } = tally;
    let Tally {
        offsets_committed,
        offsets_asked,
        ..
    } = tally;
    format!(
        "{acknowledged} acknowledged, {given_up} given up, transactions: {committed} committed, \
         {aborted} aborted, {unknown} unknown; {seen} seen, {seen_committed} as committed, \
         {seen_again} again, {relayed} relayed; offsets {offsets_committed} committed, \
         {offsets_asked} asked"
    )
}
