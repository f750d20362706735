//! UnregisterBroker, key 64, version 0 (KIP-631).
//!
//! - Takes away the registration of a broker that is gone for good, such as one of a cluster whose
//!   directory was taken over.
//! - Kafka unregisters a broker that is alive too, and then has no broker left that anybody could
//!   talk to, until it is started again. Here this broker is refused.

use std::sync::Arc;

use limpid_protocol::messages::{UnregisterBrokerRequest, UnregisterBrokerResponse};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::Refusal;
use limpid_storage::metadata::changes::unregister_broker;

use crate::access::Operation;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

/// Answers UnregisterBroker.
pub struct UnregisterBroker {
    metadata: Arc<Metadata>,
    node_id: i32,
}

impl UnregisterBroker {
    /// `metadata` has the registrations, `node_id` is this broker.
    pub fn new(metadata: Arc<Metadata>, node_id: i32) -> Self {
        Self { metadata, node_id }
    }

    async fn unregister(&self, broker_id: i32, call: &Call<'_>) -> Result<(), Refusal> {
        if !call.may_on_cluster(Operation::Alter) {
            let code = ErrorCode::ClusterAuthorizationFailed;
            return Err(Refusal::new(code, code.message()));
        }
        if broker_id == self.node_id {
            let message = format!("broker {broker_id} is the one that answers, and not gone");
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
        let change = move |image: &_| unregister_broker(image, broker_id);
        self.metadata.change(change).await.map(drop)
    }
}

impl Answer for UnregisterBroker {
    type Request = UnregisterBrokerRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::UnregisterBroker, 0, 0);

    async fn answer(
        &self,
        request: UnregisterBrokerRequest,
        call: &mut Call<'_>,
    ) -> UnregisterBrokerResponse {
        let mut response = UnregisterBrokerResponse {
            error_message: None,
            ..UnregisterBrokerResponse::default()
        };
        if let Err(refusal) = self.unregister(request.broker_id, call).await {
            response.error_code = call.note(refusal.code);
            response.error_message = Some(refusal.message);
        }
        response
    }
}
