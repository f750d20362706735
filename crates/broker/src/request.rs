//! A request that was answered, as those are told who write of it.

use limpid_protocol::{ApiKey, ErrorCode};
use limpid_telemetry::stage::StageTimes;

use crate::metrics::Api;

/// A request that was answered.
pub struct Done {
    /// Its API and version.
    pub api: (ApiKey, i16),
    /// Whether it is a Fetch for a replica.
    pub for_replica: bool,
    /// The first error of its answer.
    pub error: ErrorCode,
    /// Bytes of the request and of the answer.
    pub bytes: (usize, usize),
    /// Bytes of the request after its header.
    pub body_bytes: usize,
    /// Where the time went.
    pub times: StageTimes,
}

impl Done {
    /// What it is counted as.
    pub fn counted_as(&self) -> Api {
        match self.for_replica {
            true => Api::FetchFollower,
            false => Api::Of(self.api.0),
        }
    }
}
