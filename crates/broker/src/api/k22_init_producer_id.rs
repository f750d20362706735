//! InitProducerId, key 22, versions 0–5.
//!
//! - Idempotent producers only: each gets a new id with epoch 0. One that asks to go on with its id
//!   (KIP-360) gets a new id as well, as in Kafka, where only transactional ids keep theirs.
//! - A transactional id is INVALID_REQUEST until transactions exist; the broker's log says so.

use std::sync::Arc;

use limpid_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::handler::{Answer, ApiRange, Call};
use crate::producer_ids::ProducerIds;

/// Answers InitProducerId.
pub struct InitProducerId {
    ids: Arc<ProducerIds>,
}

impl InitProducerId {
    /// `ids` are handed out.
    pub fn new(ids: Arc<ProducerIds>) -> Self {
        Self { ids }
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
        let failed = |error_code| InitProducerIdResponse {
            error_code,
            producer_id: -1,
            producer_epoch: -1,
            ..InitProducerIdResponse::default()
        };
        if let Some(id) = request.transactional_id {
            tracing::warn!(
                transactional.id = %id.escape_debug(),
                client.address = %call.peer.address,
                "transactions are not available in this version of Limpid"
            );
            return failed(call.note(ErrorCode::InvalidRequest));
        }
        if (request.producer_id < 0) != (request.producer_epoch < 0) {
            return failed(call.note(ErrorCode::InvalidRequest));
        }
        match self.ids.next().await {
            Ok(producer_id) => InitProducerIdResponse {
                producer_id,
                producer_epoch: 0,
                ..InitProducerIdResponse::default()
            },
            Err(refusal) => {
                tracing::error!(error = %refusal, "no producer id can be given");
                // Producers try again on this code, as on nothing else this API may answer.
                failed(call.note(ErrorCode::CoordinatorLoadInProgress))
            }
        }
    }
}
