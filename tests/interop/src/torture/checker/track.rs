//! What becomes of one writer's records in one place, for a reader of everything.

use std::collections::{BTreeMap, BTreeSet};

use super::super::findings::Fault;

/// Numbers of records that nobody knows the end of (given up by the client) are forgotten beyond
/// this many.
const OPEN_MAX: usize = 20_000;

/// One writer in one place. Its records are numbered as it sent them.
#[derive(Debug, Default)]
pub(super) struct Track {
    last: Option<u64>,
    /// Numbers that were passed over and not (yet) acknowledged.
    skipped: BTreeSet<u64>,
    /// Acknowledged and not yet seen.
    acked: BTreeMap<u64, Option<i64>>,
    /// Seen and not yet acknowledged.
    seen: BTreeMap<u64, i64>,
}

impl Track {
    /// Record `number` is acknowledged, perhaps with its offset.
    pub(super) fn acked(&mut self, number: u64, offset: Option<i64>) -> Option<Fault> {
        if self.last.is_none_or(|last| number > last) {
            self.acked.insert(number, offset);
            return None;
        }
        if self.skipped.remove(&number) {
            return Some(Fault::Lost);
        }
        let seen = self.seen.remove(&number)?;
        offset
            .is_some_and(|offset| offset != seen)
            .then_some(Fault::Misplaced)
    }

    /// The client gave up on `number`: it may be there or not.
    pub(super) fn given_up(&mut self, number: u64) {
        self.seen.remove(&number);
    }

    /// A reader of everything sees `number` for the first time at `offset`.
    pub(super) fn seen(&mut self, number: u64, offset: i64) -> Vec<Fault> {
        if self.last.is_some_and(|last| number <= last) {
            return match self.skipped.remove(&number) {
                true => vec![Fault::Reordered],
                false => vec![Fault::Duplicated],
            };
        }
        let mut faults = Vec::new();
        let first = self.last.map_or(0, |last| last + 1);
        for passed in first..number {
            match self.acked.remove(&passed) {
                Some(_) => faults.push(Fault::Lost),
                None => {
                    self.skipped.insert(passed);
                }
            }
        }
        self.last = Some(number);
        match self.acked.remove(&number) {
            Some(Some(acked)) if acked != offset => faults.push(Fault::Misplaced),
            Some(_) => {}
            None => {
                self.seen.insert(number, offset);
            }
        }
        while self.skipped.len() > OPEN_MAX {
            self.skipped.pop_first();
        }
        while self.seen.len() > OPEN_MAX {
            self.seen.pop_first();
        }
        faults
    }

    /// How many are acknowledged and not yet seen.
    pub(super) fn awaited(&self) -> usize {
        self.acked.len()
    }
}
