//! Requests that took long.

use serde::Serialize;

/// A request whose answer the broker itself was slow with.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SlowRequest {
    /// When the answer was sent, ms since the Unix epoch.
    pub at_ms: i64,
    /// Kafka's name of the request.
    pub api: &'static str,
    /// Its version.
    pub version: i16,
    /// Kafka's name of the first error in the answer, `NONE` without one.
    pub error: &'static str,
    /// `client.id`, as the client chose it.
    pub client_id: String,
    /// Whom the client acts for.
    pub principal: String,
    /// The listener that it came in by.
    pub listener: String,
    /// Where it came from.
    pub address: String,
    /// Bytes of the request.
    pub request_bytes: usize,
    /// Bytes of the answer.
    pub response_bytes: usize,
    /// From the last byte of the request to the last of the answer.
    pub total_ms: f64,
    /// What of that the broker took for itself: without what the client asked it to wait for.
    pub own_ms: f64,
    /// Where the time went, in the order in which requests go through the stages.
    pub stages: Vec<StageTime>,
    /// Topics that it was about, the first few.
    pub topics: Vec<String>,
    /// How many more there were.
    pub topics_left_out: usize,
}

/// Time in one stage of a request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StageTime {
    /// As in `limpid_request_stage_seconds`.
    pub stage: &'static str,
    /// Milliseconds.
    pub ms: f64,
}
