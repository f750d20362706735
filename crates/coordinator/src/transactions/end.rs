//! EndTxn, and ends that nobody asked for.

use limpid_protocol::ErrorCode;

use super::change::Change;
use super::state::TxnState;
use super::transaction::{ProducerKey, Transaction};
use super::{EPOCH_BUMP, NO_PRODUCER_ID, Transactions};

/// How a producer ends its transaction.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// `transactional.id`.
    pub id: &'a str,
    /// Who asks.
    pub producer: ProducerKey,
    /// Committed or aborted.
    pub commit: bool,
    /// The protocol that the producer speaks.
    pub version: i16,
    /// A producer id that nobody has, if the caller got one.
    pub fresh_id: Option<i64>,
}

/// What is to be done for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// A producer id that nobody has is needed; ask again with one.
    NeedsId,
    /// It had been ended that way before; the producer goes on as this one.
    Already(ProducerKey),
    /// Once the change is written it is decided, and the producer goes on as this one.
    Decided(ProducerKey, Change),
}

impl Transactions {
    /// EndTxn.
    ///
    /// # Errors
    /// The producer may not, has to wait, or there is nothing to end.
    pub fn end(&self, now_ms: i64, ending: Ending<'_>) -> Result<Ended, ErrorCode> {
        if ending.id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        let known = self.by_id.get(ending.id);
        let known = known.ok_or(ErrorCode::InvalidProducerIdMapping)?;
        if ending.version >= EPOCH_BUMP {
            end_and_raise(known, ending, now_ms)
        } else {
            end_and_keep(known, ending, now_ms)
        }
    }

    /// Aborts a transaction in its producer's absence, with an epoch that keeps it out from now
    /// on; `None` if it is not open (any more).
    pub fn abort_overdue(&self, now_ms: i64, id: &str, level: i16) -> Option<Change> {
        let known = self.by_id.get(id)?;
        let open = known.state == TxnState::Ongoing;
        open.then(|| Change::to(known.fenced(level, now_ms)))
    }
}

/// The first protocol: the epoch stays.
fn end_and_keep(known: &Transaction, ending: Ending<'_>, now_ms: i64) -> Result<Ended, ErrorCode> {
    if known.producer.id != ending.producer.id {
        return Err(ErrorCode::InvalidProducerIdMapping);
    }
    if known.producer.epoch != ending.producer.epoch {
        return Err(ErrorCode::ProducerFenced);
    }
    match (known.state, ending.commit) {
        (TxnState::Ongoing, commit) => {
            let next = known.prepared(commit, ending.version, NO_PRODUCER_ID, now_ms);
            Ok(Ended::Decided(next.producer_afterwards(), Change::to(next)))
        }
        (TxnState::CompleteCommit, true) | (TxnState::CompleteAbort, false) => {
            Ok(Ended::Already(known.producer))
        }
        (TxnState::PrepareCommit, true) | (TxnState::PrepareAbort, false) => {
            Err(ErrorCode::ConcurrentTransactions)
        }
        _ => Err(ErrorCode::InvalidTxnState),
    }
}

/// The second protocol: each end raises the epoch, and a producer that asks again with the epoch
/// before did not hear the answer.
///
/// | state | abort again | abort | commit again | commit |
/// |---|---|---|---|---|
/// | Empty | fenced | raises | fenced | invalid |
/// | CompleteAbort | as before | raises | invalid | invalid |
/// | CompleteCommit | invalid | raises | as before | invalid |
fn end_and_raise(known: &Transaction, ending: Ending<'_>, now_ms: i64) -> Result<Ended, ErrorCode> {
    let (current, asks) = (known.producer, ending.producer);
    let over_the_top =
        known.previous_producer_id == asks.id && asks.epoch == i16::MAX - 1 && current.epoch == 0;
    let one_before = asks.epoch.checked_add(1) == Some(current.epoch);
    if current.id != asks.id && !over_the_top {
        return Err(ErrorCode::InvalidProducerIdMapping);
    }
    let again = one_before || over_the_top;
    let is_valid = match known.state {
        TxnState::Empty | TxnState::Ongoing => asks.epoch == current.epoch,
        TxnState::PrepareCommit | TxnState::PrepareAbort => one_before,
        TxnState::CompleteCommit | TxnState::CompleteAbort => again || asks.epoch == current.epoch,
    };
    if !is_valid {
        return Err(ErrorCode::ProducerFenced);
    }
    match (known.state, ending.commit) {
        (TxnState::Ongoing, _) | (TxnState::Empty, false) => decide(known, ending, now_ms),
        (TxnState::CompleteCommit | TxnState::CompleteAbort, false) if !again => {
            decide(known, ending, now_ms)
        }
        (TxnState::CompleteCommit, true) | (TxnState::CompleteAbort, false) if again => {
            Ok(Ended::Already(current))
        }
        (TxnState::PrepareCommit, true) | (TxnState::PrepareAbort, false) => {
            Err(ErrorCode::ConcurrentTransactions)
        }
        _ => Err(ErrorCode::InvalidTxnState),
    }
}

fn decide(known: &Transaction, ending: Ending<'_>, now_ms: i64) -> Result<Ended, ErrorCode> {
    let next_id = match (known.producer.is_exhausted(), ending.fresh_id) {
        (false, _) => NO_PRODUCER_ID,
        (true, Some(id)) => id,
        (true, None) => return Ok(Ended::NeedsId),
    };
    let next = known.prepared(ending.commit, ending.version, next_id, now_ms);
    Ok(Ended::Decided(next.producer_afterwards(), Change::to(next)))
}
