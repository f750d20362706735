//! A request that was answered, as those are told who write of it.

use limpid_protocol::{ApiKey, ErrorCode};
use limpid_telemetry::stage::StageTimes;

/// A request that was answered.
pub struct Done {
    /// Its API and version.
    pub api: (ApiKey, i16),
    /// The first error of its answer.
    pub error: ErrorCode,
    /// Bytes of the request and of the answer.
    pub bytes: (usize, usize),
    /// Where the time went.
    pub times: StageTimes,
}
