//! EndTxn, key 26, versions 0–5.
//!
//! - Answered when the transaction is decided and its markers are written as far as they can be
//!   now, so that a producer rarely finds its own last transaction in the way.
//! - From version 5 each end raises the producer's epoch (KIP-890): the answer says who it is from
//!   now on. Older versions keep it.
//! - Before version 2 PRODUCER_FENCED is called INVALID_PRODUCER_EPOCH.

use std::sync::Arc;

use limpid_coordinator::transactions::{EPOCH_BUMP, NO_EPOCH, NO_PRODUCER_ID, ProducerKey};
use limpid_platform::sabotage::Bug;
use limpid_protocol::messages::{EndTxnRequest, EndTxnResponse};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::handler::{Answer, ApiRange, Call};
use crate::transactions::Transactions;

/// Version from which the epoch is raised.
const RAISES_EPOCH: i16 = 5;
/// Version from which PRODUCER_FENCED is known.
const KNOWS_FENCED: i16 = 2;

/// Answers EndTxn.
pub struct EndTxn {
    transactions: Arc<Transactions>,
}

impl EndTxn {
    /// `transactions` are ended.
    pub fn new(transactions: Arc<Transactions>) -> Self {
        Self { transactions }
    }
}

impl Answer for EndTxn {
    type Request = EndTxnRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::EndTxn, 0, 5);

    async fn answer(&self, request: EndTxnRequest, call: &mut Call<'_>) -> EndTxnResponse {
        let id = &request.transactional_id;
        if !call.may(Operation::Write, ResourceKind::TransactionalId, id) {
            return EndTxnResponse {
                error_code: call.note(ErrorCode::TransactionalIdAuthorizationFailed),
                producer_id: NO_PRODUCER_ID,
                producer_epoch: NO_EPOCH,
                ..EndTxnResponse::default()
            };
        }
        let producer = ProducerKey {
            id: request.producer_id,
            epoch: request.producer_epoch,
        };
        let named = (request.transactional_id.as_str(), producer);
        let protocol = match call.version {
            RAISES_EPOCH.. => EPOCH_BUMP,
            _ => 0,
        };
        let done = self
            .transactions
            .end(named, request.committed, protocol)
            .await;
        let nobody = ProducerKey {
            id: NO_PRODUCER_ID,
            epoch: NO_EPOCH,
        };
        let (error, producer) = match done {
            Ok(producer) if call.version >= RAISES_EPOCH => (ErrorCode::None, producer),
            Ok(_) => (ErrorCode::None, nobody),
            Err(ErrorCode::ProducerFenced) if Bug::PraiseZombies.is_planted() => {
                (ErrorCode::None, producer)
            }
            Err(ErrorCode::ProducerFenced) if call.version < KNOWS_FENCED => {
                (ErrorCode::InvalidProducerEpoch, nobody)
            }
            Err(error) => (error, nobody),
        };
        EndTxnResponse {
            error_code: call.note(error),
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            ..EndTxnResponse::default()
        }
    }
}
