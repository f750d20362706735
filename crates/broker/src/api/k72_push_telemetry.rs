//! PushTelemetry, key 72, version 0 (KIP-714).
//!
//! Answered before the metrics are read. Bytes that turn out to be no metrics are no error of the
//! answer: clients would stop pushing for good.

use std::sync::Arc;

use limpid_client_metrics::Push;
use limpid_protocol::messages::{PushTelemetryRequest, PushTelemetryResponse};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};

use crate::client_metrics::Receiver;
use crate::handler::{Answer, ApiRange, Call};

/// Answers PushTelemetry.
pub struct PushTelemetry {
    receiver: Arc<Receiver>,
}

impl PushTelemetry {
    /// Hands what is pushed to `receiver`.
    pub fn new(receiver: Arc<Receiver>) -> Self {
        Self { receiver }
    }
}

impl Answer for PushTelemetry {
    type Request = PushTelemetryRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::PushTelemetry, 0, 0);

    async fn answer(
        &self,
        request: PushTelemetryRequest,
        call: &mut Call<'_>,
    ) -> PushTelemetryResponse {
        let instance = request.client_instance_id;
        let push = Push {
            subscription_id: request.subscription_id,
            is_last: request.terminating,
            compression: request.compression_type,
            metrics: request.metrics,
        };
        let taken = match instance == Uuid::ZERO || instance == Uuid::ONE {
            true => Err(ErrorCode::InvalidRequest),
            false => self.receiver.push(call, instance, push),
        };
        PushTelemetryResponse {
            error_code: taken.map_or_else(|error| call.note(error), |()| 0),
            ..PushTelemetryResponse::default()
        }
    }
}
