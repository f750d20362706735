//! InitProducerId, key 22, versions 0–5.
//!
//! - Idempotent producers get a new id with epoch 0. One that asks to go on with its id (KIP-360)
//!   gets a new id as well, as in Kafka, where only transactional ids keep theirs.
//! - With a transactional id the producer gets the id's producer id and its next epoch, which fences
//!   whoever used it before. If that one has a transaction open it is aborted first, and the answer
//!   is CONCURRENT_TRANSACTIONS: ask again.
//! - Before version 4 PRODUCER_FENCED is called INVALID_PRODUCER_EPOCH.

use std::sync::Arc;

use limpid_coordinator::transactions::ProducerKey;
use limpid_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{CLUSTER_NAME, Operation, ResourceKind};
use crate::handler::{Answer, ApiRange, Call};
use crate::producer_ids::ProducerIds;
use crate::transactions::Transactions;

/// Version from which producers know PRODUCER_FENCED.
const KNOWS_FENCED: i16 = 4;

/// Answers InitProducerId.
pub struct InitProducerId {
    ids: Arc<ProducerIds>,
    transactions: Arc<Transactions>,
}

impl InitProducerId {
    /// `ids` are for producers without a transactional id.
    pub fn new(ids: Arc<ProducerIds>, transactions: Arc<Transactions>) -> Self {
        Self { ids, transactions }
    }

    async fn producer(&self, request: InitProducerIdRequest) -> Result<ProducerKey, ErrorCode> {
        let expected = match (request.producer_id, request.producer_epoch) {
            (-1, -1) => None,
            (-1, _) | (_, -1) => return Err(ErrorCode::InvalidRequest),
            (id, epoch) => Some(ProducerKey { id, epoch }),
        };
        let Some(id) = request.transactional_id else {
            return self.idempotent().await;
        };
        let timeout_ms = request.transaction_timeout_ms;
        self.transactions.init(&id, timeout_ms, expected).await
    }

    async fn idempotent(&self) -> Result<ProducerKey, ErrorCode> {
        match self.ids.next().await {
            Ok(id) => Ok(ProducerKey { id, epoch: 0 }),
            Err(refusal) => {
                tracing::error!(error = %refusal, "no producer id can be given");
                // Producers try again on this code, as on nothing else this API may answer.
                Err(ErrorCode::CoordinatorLoadInProgress)
            }
        }
    }
}

impl Answer for InitProducerId {
    type Request = InitProducerIdRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::InitProducerId, 0, 5);

    async fn answer(
        &self,
        request: InitProducerIdRequest,
        call: &mut Call<'_>,
    ) -> InitProducerIdResponse {
        if let Err(error) = may_produce(&request, call) {
            return InitProducerIdResponse {
                error_code: call.note(error),
                producer_id: -1,
                producer_epoch: -1,
                ..InitProducerIdResponse::default()
            };
        }
        match self.producer(request).await {
            Ok(producer) => InitProducerIdResponse {
                producer_id: producer.id,
                producer_epoch: producer.epoch,
                ..InitProducerIdResponse::default()
            },
            Err(error) => {
                let error = match error {
                    ErrorCode::ProducerFenced if call.version < KNOWS_FENCED => {
                        ErrorCode::InvalidProducerEpoch
                    }
                    other => other,
                };
                InitProducerIdResponse {
                    error_code: call.note(error),
                    producer_id: -1,
                    producer_epoch: -1,
                    ..InitProducerIdResponse::default()
                }
            }
        }
    }
}

/// Whether the client may write in transactions of this name, or, without one, anything at all.
fn may_produce(request: &InitProducerIdRequest, call: &Call<'_>) -> Result<(), ErrorCode> {
    if let Some(id) = &request.transactional_id {
        return if call.may(Operation::Write, ResourceKind::TransactionalId, id) {
            Ok(())
        } else {
            Err(ErrorCode::TransactionalIdAuthorizationFailed)
        };
    }
    let may_write = call.sees(
        Operation::IdempotentWrite,
        ResourceKind::Cluster,
        CLUSTER_NAME,
    ) || call
        .access
        .may_with_any(call.peer, Operation::Write, ResourceKind::Topic);
    if may_write {
        Ok(())
    } else {
        Err(ErrorCode::ClusterAuthorizationFailed)
    }
}
