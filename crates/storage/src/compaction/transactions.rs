//! Which transactional records count, and which markers are still needed.
//!
//! A round reads a log in order. Everything it sees is decided (it stops at the last stable offset),
//! so the index of aborted transactions says beforehand whose records were aborted.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use limpid_protocol::records::{BatchHeader, BatchView, ControlType};

use crate::api::AbortedTxn;

/// What reading a batch says about its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its records count as any others.
    Counts,
    /// Records of an aborted transaction.
    Aborted,
    /// A marker of a transaction of which records are left.
    Marker,
    /// The marker of an aborted transaction of which records are left.
    AbortMarker(AbortedTxn),
    /// A marker of a transaction of which nothing is left.
    IdleMarker,
}

/// The transactions open at one point of the log, as a round goes through it.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    /// Aborted ones that begin further on, by first offset. Some may be there twice.
    ahead: BinaryHeap<Reverse<Ahead>>,
    /// Producers in an aborted transaction, and whether a record of it was seen.
    aborted: HashMap<i64, (AbortedTxn, bool)>,
    /// Producers in a committed transaction of which a record was seen.
    committed: HashSet<i64>,
}

/// An aborted transaction, in the order of first offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ahead(AbortedTxn);

impl Ord for Ahead {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let order = |txn: &AbortedTxn| (txn.first_offset, txn.producer_id, txn.last_offset);
        order(&self.0).cmp(&order(&other.0))
    }
}

impl PartialOrd for Ahead {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Transactions {
    /// Adds what the index of aborted transactions says of the part that is read next.
    pub(crate) fn expect(&mut self, aborted: Vec<AbortedTxn>) {
        self.ahead
            .extend(aborted.into_iter().map(|txn| Reverse(Ahead(txn))));
    }

    /// Judges the next batch of the log.
    pub(crate) fn read(&mut self, batch: &BatchView<'_>) -> Fate {
        let header = batch.header();
        self.enter_up_to(header);
        if header.attributes.is_control() {
            return self.read_marker(batch);
        }
        if !header.attributes.is_transactional() {
            return Fate::Counts;
        }
        if let Some((_, seen)) = self.aborted.get_mut(&header.producer_id) {
            *seen = true;
            return Fate::Aborted;
        }
        self.committed.insert(header.producer_id);
        Fate::Counts
    }

    fn read_marker(&mut self, batch: &BatchView<'_>) -> Fate {
        let producer = batch.header().producer_id;
        match batch.control_record() {
            Ok(Some((ControlType::Abort, _))) => match self.aborted.remove(&producer) {
                Some((txn, true)) => Fate::AbortMarker(txn),
                _ => Fate::IdleMarker,
            },
            Ok(Some((ControlType::Commit, _))) if self.committed.remove(&producer) => Fate::Marker,
            Ok(Some((ControlType::Commit, _))) => Fate::IdleMarker,
            // Emptied by an earlier round, only its producer's epoch was of use.
            Ok(None) if batch.header().records_count == 0 => Fate::IdleMarker,
            // Not a transaction's: not ours to judge.
            _ => Fate::Marker,
        }
    }

    /// Aborted transactions that begin in this batch or before it.
    fn enter_up_to(&mut self, header: &BatchHeader) {
        while let Some(Reverse(Ahead(txn))) = self.ahead.peek().copied() {
            if txn.first_offset > header.last_offset() {
                break;
            }
            self.ahead.pop();
            // Those that ended before are there a second time, from another segment's index.
            if txn.last_offset >= header.base_offset {
                self.aborted.entry(txn.producer_id).or_insert((txn, false));
            }
        }
    }
}
