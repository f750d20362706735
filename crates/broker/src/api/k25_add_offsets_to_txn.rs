//! AddOffsetsToTxn, key 25, versions 0–4.
//!
//! - From producers that speak the first version of transactions, before they commit offsets: the
//!   group's partition of `__consumer_offsets` becomes part of the transaction.
//! - Before version 2 PRODUCER_FENCED is called INVALID_PRODUCER_EPOCH.

use std::sync::Arc;

use limpid_coordinator::transactions::{Partitions, ProducerKey};
use limpid_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::groups::topic::OFFSETS_TOPIC;
use crate::handler::{Answer, ApiRange, Call};
use crate::transactions::Transactions;

/// Version from which PRODUCER_FENCED is known.
const KNOWS_FENCED: i16 = 2;

/// Answers AddOffsetsToTxn.
pub struct AddOffsetsToTxn {
    transactions: Arc<Transactions>,
    groups: Arc<Groups>,
}

impl AddOffsetsToTxn {
    /// `groups` tell which partition belongs to which group.
    pub fn new(transactions: Arc<Transactions>, groups: Arc<Groups>) -> Self {
        Self {
            transactions,
            groups,
        }
    }

    async fn add(&self, request: &AddOffsetsToTxnRequest) -> Result<(), ErrorCode> {
        let index = self.groups.partition_of(&request.group_id).await?;
        let producer = ProducerKey {
            id: request.producer_id,
            epoch: request.producer_epoch,
        };
        let partitions = Partitions::from([(Arc::from(OFFSETS_TOPIC), [index].into())]);
        let named = (request.transactional_id.as_str(), producer);
        self.transactions.add(named, &partitions, 0).await
    }
}

impl Answer for AddOffsetsToTxn {
    type Request = AddOffsetsToTxnRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::AddOffsetsToTxn, 0, 4);

    async fn answer(
        &self,
        request: AddOffsetsToTxnRequest,
        call: &mut Call<'_>,
    ) -> AddOffsetsToTxnResponse {
        let may = |operation, kind, name: &str| call.may(operation, kind, name);
        let id = &request.transactional_id;
        let may_use = may(Operation::Write, ResourceKind::TransactionalId, id);
        let may_read = may_use && may(Operation::Read, ResourceKind::Group, &request.group_id);
        let done = match (may_use, may_read) {
            (false, _) => Err(ErrorCode::TransactionalIdAuthorizationFailed),
            (true, false) => Err(ErrorCode::GroupAuthorizationFailed),
            (true, true) => self.add(&request).await,
        };
        let error = match done {
            Ok(()) => ErrorCode::None,
            Err(ErrorCode::ProducerFenced) if call.version < KNOWS_FENCED => {
                ErrorCode::InvalidProducerEpoch
            }
            Err(error) => error,
        };
        AddOffsetsToTxnResponse {
            error_code: call.note(error),
            ..AddOffsetsToTxnResponse::default()
        }
    }
}
