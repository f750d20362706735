//! Clients, as the broker sees them and as they tell of themselves.

use schemars::JsonSchema;
use serde::Serialize;

/// Everything that comes in by one listener, for one principal, under one client id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Client {
    /// `client.id`; empty if it has none.
    pub client_id: String,
    /// Whom it acts for.
    pub principal: String,
    /// The listener that it comes in by.
    pub listener: String,
    /// Where the newest of its connections comes from, without port.
    pub host: String,
    /// Name and version of its library, if it told.
    pub software: Option<String>,
    /// Open connections.
    pub connections: usize,
    /// Requests since the start.
    pub requests: u64,
    /// Requests whose answer carried an error, since the start.
    pub errors: u64,
    /// Seconds for which quotas held it back, since the start.
    pub throttled_seconds: f64,
    /// Over the last ten seconds or so.
    pub requests_per_second: f64,
    /// Over the last ten seconds or so.
    pub errors_per_second: f64,
    /// Bytes of its requests, over the last ten seconds or so.
    pub bytes_in_per_second: f64,
    /// Bytes of its answers, over the last ten seconds or so.
    pub bytes_out_per_second: f64,
    /// Part of the time for which it is held back, over the last ten seconds or so. More than 1 if
    /// several connections are.
    pub throttled_share: f64,
    /// Where the time of its requests goes; empty while there is none.
    pub stages: Vec<StageMean>,
}

impl Client {
    /// Mean time of a request, apart from what it waits for on purpose.
    pub fn mean_seconds(&self) -> Option<f64> {
        let counted = self.stages.iter().filter(|stage| !stage.is_wished());
        let sum = counted.map(|stage| stage.seconds).sum();
        (!self.stages.is_empty()).then_some(sum)
    }
}

/// What a request of a client takes in one stage on average, over the last ten seconds or so.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StageMean {
    /// The stage, as `limpid_request_stage_seconds` has it.
    pub stage: &'static str,
    /// Seconds.
    pub seconds: f64,
}

impl StageMean {
    /// Whether it is time that the client wants to wait, or is made to: long polls and quotas.
    pub fn is_wished(&self) -> bool {
        matches!(self.stage, "purgatory" | "throttle" | "receive")
    }
}

/// A number that a client pushed of itself (KIP-714).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Pushed {
    /// Which of the clients of this id it is.
    pub instance: String,
    /// Name and version of its library.
    pub software: String,
    /// Where it connects from.
    pub host: String,
    /// Name of the metric.
    pub metric: String,
    /// What the number is about, as `name=value`, separated by commas.
    pub about: String,
    /// The number.
    pub value: f64,
}
