//! InitProducerId: a producer takes over a transactional id.

use std::sync::Arc;

use limpid_protocol::ErrorCode;

use super::change::Change;
use super::state::TxnState;
use super::transaction::{ProducerKey, Transaction};
use super::{NO_EPOCH, Transactions};

/// A producer that starts.
#[derive(Debug, Clone, Copy)]
pub struct InitCall<'a> {
    /// `transactional.id`.
    pub id: &'a str,
    /// `transaction.timeout.ms`.
    pub timeout_ms: i32,
    /// Who it was until now, if it wants to go on after an error (KIP-360).
    pub expected: Option<ProducerKey>,
    /// A producer id that nobody has, if the caller got one.
    pub fresh_id: Option<i64>,
    /// The cluster's `transaction.version`.
    pub level: i16,
}

/// What is to be done for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Init {
    /// A producer id that nobody has is needed; ask again with one.
    NeedsId,
    /// Once the change is written, the producer is this one.
    Become(ProducerKey, Change),
    /// A transaction is open: it is aborted, and the producer is to ask again
    /// (CONCURRENT_TRANSACTIONS).
    AbortFirst(Change),
}

impl Transactions {
    /// InitProducerId with a transactional id.
    ///
    /// # Errors
    /// The producer is fenced, or has to wait.
    pub fn init(&self, now_ms: i64, call: InitCall<'_>) -> Result<Init, ErrorCode> {
        if call.id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        let Some(known) = self.by_id.get(call.id) else {
            let Some(fresh_id) = call.fresh_id else {
                return Ok(Init::NeedsId);
            };
            let new = Transaction::new(Arc::from(call.id), fresh_id, call.timeout_ms, now_ms);
            return raise_epoch(&new, call, now_ms);
        };
        if !call
            .expected
            .is_none_or(|expected| may_go_on(known, expected))
        {
            return Err(ErrorCode::ProducerFenced);
        }
        match known.state {
            TxnState::PrepareCommit | TxnState::PrepareAbort => {
                Err(ErrorCode::ConcurrentTransactions)
            }
            TxnState::Ongoing => {
                let fenced = known.fenced(call.level, now_ms);
                Ok(Init::AbortFirst(Change::to(fenced)))
            }
            TxnState::Empty | TxnState::CompleteCommit | TxnState::CompleteAbort => {
                raise_epoch(known, call, now_ms)
            }
        }
    }
}

/// Whether `expected` may be who the id belongs to: the same producer id (the epoch is looked at
/// later), or the one before if that had used up its epochs and never heard of its successor.
fn may_go_on(known: &Transaction, expected: ProducerKey) -> bool {
    expected.id == known.producer.id
        || (expected.id == known.previous_producer_id && expected.is_exhausted())
}

fn raise_epoch(known: &Transaction, call: InitCall<'_>, now_ms: i64) -> Result<Init, ErrorCode> {
    let producer = known.producer;
    let expected = call.expected.map(|expected| expected.epoch);
    let is_current = expected.is_none_or(|epoch| epoch == producer.epoch);
    let (next, last_epoch) = if producer.is_exhausted() && is_current {
        let Some(id) = call.fresh_id else {
            return Ok(Init::NeedsId);
        };
        let last_epoch = expected.map_or(NO_EPOCH, |_| producer.epoch);
        (ProducerKey { id, epoch: 0 }, last_epoch)
    } else if is_current || producer.epoch == NO_EPOCH {
        let epoch = producer.epoch + 1;
        let last_epoch = expected.map_or(NO_EPOCH, |_| producer.epoch);
        (ProducerKey { epoch, ..producer }, last_epoch)
    } else if expected == Some(known.last_epoch) {
        // It did not hear the answer to the same question.
        (producer, known.last_epoch)
    } else {
        return Err(ErrorCode::ProducerFenced);
    };
    let change = known.initialized((next, last_epoch), call.timeout_ms, now_ms);
    Ok(Init::Become(next, Change::to(change)))
}
