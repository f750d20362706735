//! What a checker can find.

use std::collections::BTreeMap;

/// How many findings are told in words.
const TOLD_MAX: usize = 40;

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Acknowledged or seen, and not there.
    Lost,
    /// There twice.
    Duplicated,
    /// Behind what its writer sent later.
    Reordered,
    /// At another offset than the acknowledged one.
    Misplaced,
    /// Not what was written.
    Damaged,
    /// An offset has another record than before, or another one for another reader.
    Rewritten,
    /// An offset without a record, where no transaction could have left one.
    Skipped,
    /// A part of a transaction.
    Torn,
    /// A record of an aborted transaction for a reader of committed ones.
    Aborted,
    /// A record for a reader of committed ones before its transaction was to be committed.
    Early,
    /// A reader's offset went back.
    WentBack,
    /// A reader is told that its offset is not in the log.
    OutOfRange,
    /// A committed offset was forgotten.
    Forgotten,
    /// The relay's output has a record twice.
    RelayedTwice,
    /// The relay's output leaves a record out.
    NotRelayed,
    /// A writer that was replaced could still commit.
    Zombie,
    /// A client was told that it can't go on.
    Fatal,
    /// Something does not go on although nothing is in its way.
    Stuck,
    /// The broker ended by itself, or panicked.
    Crashed,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    counts: BTreeMap<Fault, usize>,
    told: Vec<String>,
}

impl Findings {
    /// Adds one.
    pub fn add(&mut self, fault: Fault, what: impl FnOnce() -> String) {
        *self.counts.entry(fault).or_default() += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(format!("{fault:?}: {}", what()));
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.counts.values().sum()
    }

    /// How many of each.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<Fault, usize> {
        &self.counts
    }

    /// The first ones in words.
    #[must_use]
    pub fn told(&self) -> &[String] {
        &self.told
    }
}
