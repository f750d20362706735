//! One writer's transactions: whole or not at all.

use std::collections::BTreeMap;

use super::super::findings::Fault;

/// So many of a writer's transactions are looked after; older ones must be settled.
pub(super) const KEPT: usize = 512;

/// What is known of a transaction's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is under way.
    Open,
    /// Its commit was asked for.
    Committing,
    /// The client said that it is committed.
    Committed,
    /// The client said that it is aborted, and no commit was asked for.
    Aborted,
    /// Nobody knows; it is one or the other.
    Unknown,
}

#[derive(Debug)]
struct Txn {
    outcome: Outcome,
    records: u32,
    /// Seen by the reader of committed records.
    visible: u32,
    /// Passed over by it.
    passed: u32,
    is_faulty: bool,
}

impl Txn {
    fn fault(&self) -> Option<Fault> {
        match self.outcome {
            _ if self.is_faulty => None,
            Outcome::Open if self.visible > 0 => Some(Fault::Early),
            Outcome::Aborted if self.visible > 0 => Some(Fault::Aborted),
            Outcome::Committed if self.passed > 0 => Some(Fault::Torn),
            _ if self.passed > 0 && self.visible > 0 => Some(Fault::Torn),
            _ => None,
        }
    }

    fn is_settled(&self) -> bool {
        match self.outcome {
            Outcome::Open | Outcome::Committing => false,
            Outcome::Committed => self.visible >= self.records || self.is_faulty,
            Outcome::Aborted => true,
            Outcome::Unknown => self.visible == 0 || self.visible >= self.records || self.is_faulty,
        }
    }
}

/// A writer's latest transactions.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    kept: BTreeMap<u64, Txn>,
}

impl Transactions {
    /// A transaction of so many records begins. Tells whether one that is forgotten for it was
    /// committed and not seen whole.
    pub(super) fn begin(&mut self, number: u64, records: u32) -> Option<(u64, Fault)> {
        let txn = Txn {
            outcome: Outcome::Open,
            records,
            visible: 0,
            passed: 0,
            is_faulty: false,
        };
        self.kept.insert(number, txn);
        if self.kept.len() <= KEPT {
            return None;
        }
        let (oldest, txn) = self.kept.pop_first()?;
        (!txn.is_settled()).then_some((oldest, Fault::Torn))
    }

    /// What the writer knows of one.
    pub(super) fn set(&mut self, number: u64, outcome: Outcome) -> Option<Fault> {
        self.change(number, |txn| txn.outcome = outcome)
    }

    /// The reader of committed records saw a record of one.
    pub(super) fn visible(&mut self, number: u64) -> Option<Fault> {
        self.change(number, |txn| txn.visible += 1)
    }

    /// The reader of committed records passed a record of one over.
    pub(super) fn passed(&mut self, number: u64) -> Option<Fault> {
        self.change(number, |txn| txn.passed += 1)
    }

    fn change(&mut self, number: u64, change: impl FnOnce(&mut Txn)) -> Option<Fault> {
        let txn = self.kept.get_mut(&number)?;
        change(txn);
        let fault = txn.fault();
        txn.is_faulty |= fault.is_some();
        fault
    }

    /// Those that are committed, or half seen, and not seen whole yet.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = (u64, String)> {
        let open = self.kept.iter().filter(|(_, txn)| !txn.is_settled());
        open.map(|(number, txn)| (*number, format!("{txn:?}")))
    }
}
