//! GetTelemetrySubscriptions, key 71, version 0 (KIP-714).
//!
//! Always served; Apache Kafka has it only with a plug-in that receives metrics. A client without an
//! id is given one.

use std::sync::Arc;

use limpid_client_metrics::CODECS;
use limpid_platform::random::Random;
use limpid_protocol::messages::{
    GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse,
};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};

use crate::client_metrics::Receiver;
use crate::handler::{Answer, ApiRange, Call};

/// Answers GetTelemetrySubscriptions.
pub struct GetTelemetrySubscriptions {
    receiver: Arc<Receiver>,
    random: Arc<dyn Random>,
}

impl GetTelemetrySubscriptions {
    /// Asks for what `receiver` wants.
    pub fn new(receiver: Arc<Receiver>, random: Arc<dyn Random>) -> Self {
        Self { receiver, random }
    }

    fn subscription(
        &self,
        asked: Uuid,
        call: &Call<'_>,
    ) -> Result<GetTelemetrySubscriptionsResponse, ErrorCode> {
        let instance = match asked.is_zero() {
            true => self.new_instance()?,
            false => asked,
        };
        let request = self.receiver.ask(call, instance)?;
        Ok(GetTelemetrySubscriptionsResponse {
            client_instance_id: instance,
            subscription_id: request.subscription_id,
            accepted_compression_types: CODECS.map(|codec| codec.id().cast_signed()).to_vec(),
            push_interval_ms: request.interval_ms,
            telemetry_max_bytes: i32::try_from(self.receiver.bytes_max()).unwrap_or(i32::MAX),
            delta_temporality: false,
            requested_metrics: request.metrics,
            ..GetTelemetrySubscriptionsResponse::default()
        })
    }

    fn new_instance(&self) -> Result<Uuid, ErrorCode> {
        let random = self.random.bytes16();
        let random = random.map_err(|_| ErrorCode::UnknownServerError)?;
        Ok(Uuid::random_from(random))
    }
}

impl Answer for GetTelemetrySubscriptions {
    type Request = GetTelemetrySubscriptionsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::GetTelemetrySubscriptions, 0, 0);

    async fn answer(
        &self,
        request: GetTelemetrySubscriptionsRequest,
        call: &mut Call<'_>,
    ) -> GetTelemetrySubscriptionsResponse {
        let found = self.subscription(request.client_instance_id, call);
        found.unwrap_or_else(|error| GetTelemetrySubscriptionsResponse {
            error_code: call.note(error),
            ..GetTelemetrySubscriptionsResponse::default()
        })
    }
}
