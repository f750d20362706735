//! The transactions of one partition of `__transaction_state`, as a pure state machine (KIP-98,
//! KIP-890).
//!
//! What a request does is planned first and done later: a method looks at the state and returns
//! the [`Change`] that follows, the caller appends its record to the partition, and only then
//! calls [`Transactions::apply`]. A change that could not be written never was.
//!
//! ```text
//!            ┌────────────── init ───────────────┐
//!            ▼                                   │
//!          Empty ──add──► Ongoing ──end──► Prepare{Commit,Abort} ──marked──► Complete{Commit,Abort}
//!                            ▲                                                  │
//!                            └──────────────────── add ─────────────────────────┘
//! ```
//!
//! `Prepare…` is the decision: from then on the outcome is certain, and what is left is to write
//! a marker into each partition ([`Transactions::markers`]). A restart finds the decision in the
//! log and writes the markers again; a partition that has its marker refuses the second one.
//!
//! Two protocols are spoken. In the first a producer keeps its epoch for life. In the second
//! (`transaction.version` 2) each end raises it, so that a late batch of one transaction never
//! becomes part of the next. Which one holds is the client's choice, request by request.

mod change;
mod end;
mod init;
mod list;
mod state;
mod transaction;

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_protocol::ErrorCode;

pub use self::change::{Change, StoredTransaction, TransactionRecordError};
pub use self::end::{Ended, Ending};
pub use self::init::{Init, InitCall};
pub use self::list::Filter;
pub use self::state::TxnState;
pub use self::transaction::{Partitions, ProducerKey, Transaction};

/// The level of `transaction.version` from which each end raises the epoch.
pub const EPOCH_BUMP: i16 = 2;
/// What stands for "no producer id".
pub const NO_PRODUCER_ID: i64 = -1;
/// What stands for "no epoch".
pub const NO_EPOCH: i16 = -1;

/// The markers that a decided transaction still needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markers {
    /// `transactional.id`.
    pub id: Arc<str>,
    /// Whose transaction it is, with the epoch that the markers carry.
    pub producer: ProducerKey,
    /// Committed or aborted.
    pub commit: bool,
    /// The protocol it was ended in.
    pub version: i16,
    /// Where markers are missing.
    pub partitions: Partitions,
}

/// The transactional ids of one partition of the topic.
#[derive(Debug, Default)]
pub struct Transactions {
    by_id: BTreeMap<Arc<str>, Transaction>,
}

impl Transactions {
    /// The transaction of an id, or the last one it had.
    pub fn get(&self, id: &str) -> Option<&Transaction> {
        self.by_id.get(id)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Transaction> {
        self.by_id.values()
    }

    /// How many ids are known.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// No id is known.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// AddPartitionsToTxn, AddOffsetsToTxn, and what Produce and TxnOffsetCommit imply: the
    /// partitions become part of the transaction, which begins with the first of them. No change
    /// is needed if they are part of it already.
    ///
    /// # Errors
    /// The producer may not write, or has to wait.
    pub fn add(
        &self,
        now_ms: i64,
        (id, producer): (&str, ProducerKey),
        partitions: &Partitions,
        version: i16,
    ) -> Result<Option<Change>, ErrorCode> {
        let known = self.writable(id, producer)?;
        if known.state == TxnState::Ongoing && known.has_all(partitions) {
            return Ok(None);
        }
        let next = known.with_partitions(partitions, version, now_ms);
        Ok(Some(Change::to(next)))
    }

    /// Whether a partition is part of the producer's transaction: what a batch of the first
    /// protocol has to be before it may be written.
    ///
    /// # Errors
    /// The producer may not write, or has to wait.
    pub fn has_partition(
        &self,
        (id, producer): (&str, ProducerKey),
        topic: &str,
        partition: i32,
    ) -> Result<bool, ErrorCode> {
        let known = self.writable(id, producer)?;
        Ok(known.has(topic, partition))
    }

    fn writable(&self, id: &str, producer: ProducerKey) -> Result<&Transaction, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        let known = self.by_id.get(id);
        let known = known.ok_or(ErrorCode::InvalidProducerIdMapping)?;
        if known.producer.id != producer.id {
            return Err(ErrorCode::InvalidProducerIdMapping);
        }
        if known.producer.epoch != producer.epoch {
            return Err(ErrorCode::ProducerFenced);
        }
        if known.state.is_prepared() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        Ok(known)
    }

    /// What a decided transaction still has to get; `None` if it is not decided, or done.
    pub fn markers(&self, id: &str) -> Option<Markers> {
        let known = self
            .by_id
            .get(id)
            .filter(|known| known.state.is_prepared())?;
        Some(Markers {
            id: Arc::clone(&known.id),
            producer: known.producer,
            commit: known.state == TxnState::PrepareCommit,
            version: known.version,
            partitions: known.partitions.clone(),
        })
    }

    /// Decided transactions, whose markers are not all known to be written.
    pub fn unmarked(&self) -> Vec<Arc<str>> {
        let prepared = self.by_id.values().filter(|t| t.state.is_prepared());
        prepared.map(|t| Arc::clone(&t.id)).collect()
    }

    /// `written` of the markers are in their logs (or their partitions are gone). Not recorded:
    /// after a restart they are written again.
    pub fn marked(&mut self, markers: &Markers, written: &[(Arc<str>, i32)]) {
        let Some(known) = self.by_id.get_mut(&markers.id) else {
            return;
        };
        if !known.state.is_prepared() || known.producer != markers.producer {
            return;
        }
        for (topic, partition) in written {
            known.remove(topic, *partition);
        }
    }

    /// The end of a transaction whose markers are all written.
    pub fn completion(&self, now_ms: i64, id: &str) -> Option<Change> {
        let known = self.by_id.get(id)?;
        let done = known.state.is_prepared() && known.partitions.is_empty();
        done.then(|| Change::to(known.completed(now_ms)))
    }

    /// Transactions that are open for longer than their producers allowed.
    pub fn overdue(&self, now_ms: i64) -> Vec<Arc<str>> {
        let late = self.by_id.values().filter(|known| {
            let until = known.started_ms.saturating_add(i64::from(known.timeout_ms));
            known.state == TxnState::Ongoing && until < now_ms
        });
        late.map(|known| Arc::clone(&known.id)).collect()
    }

    /// Ids that nobody used for `expiration_ms`, at most `most` of them, as changes that remove
    /// them.
    pub fn expired(&self, now_ms: i64, expiration_ms: i64, most: usize) -> Vec<Change> {
        let idle = self.by_id.values().filter(|known| {
            let at_rest = !known.state.is_prepared() && known.state != TxnState::Ongoing;
            at_rest && known.updated_ms <= now_ms.saturating_sub(expiration_ms)
        });
        idle.take(most).map(|t| Change::removal(&t.id)).collect()
    }

    /// Makes a change that is written the state.
    pub fn apply(&mut self, change: Change) {
        match change.next {
            Some(next) => {
                if let Some(before) = self.by_id.get(&change.id) {
                    let (from, to) = (before.state, next.state);
                    assert!(from.leads_to(to), "no way from {from:?} to {to:?}");
                }
                self.by_id.insert(change.id, *next);
            }
            None => {
                self.by_id.remove(&change.id);
            }
        }
    }

    /// Takes over one record of the log, whatever was known before.
    ///
    /// # Errors
    /// It can't be read.
    pub fn replay(
        &mut self,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), TransactionRecordError> {
        let Some(record) = StoredTransaction::decode(key, value)? else {
            return Ok(());
        };
        match Change::of(record)? {
            Change {
                id,
                next: Some(next),
            } => {
                self.by_id.insert(id, *next);
            }
            Change { id, next: None } => {
                self.by_id.remove(&id);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
