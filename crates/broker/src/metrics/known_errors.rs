//! Errors that are counted from 0.
//!
//! A series that begins at 1 has not grown, as Prometheus sees it: the first error would be missed by
//! every `rate()`, and an alert would need a second one. So the errors that our rules ask for are there
//! before they happen. All others appear when they do, since most pairs of an API and an error never
//! exist; so do Kafka's beans, these errors' as well.

use limpid_protocol::{ApiKey, ErrorCode};
use limpid_telemetry::{Counter, Family};

use super::{Api, Error};

/// What alerts/limpid.rules.yml asks for.
const KNOWN: [(ApiKey, &[ErrorCode]); 2] = [
    (
        ApiKey::Produce,
        &[
            ErrorCode::KafkaStorageError,
            ErrorCode::MessageTooLarge,
            ErrorCode::NotEnoughReplicas,
            ErrorCode::NotEnoughReplicasAfterAppend,
            ErrorCode::RecordListTooLarge,
            ErrorCode::RequestTimedOut,
            ErrorCode::UnknownServerError,
        ],
    ),
    (
        ApiKey::Fetch,
        &[
            ErrorCode::CorruptMessage,
            ErrorCode::KafkaStorageError,
            ErrorCode::RequestTimedOut,
            ErrorCode::UnknownServerError,
        ],
    ),
];

/// Shows them at 0.
pub(super) fn begin(requests: &Family<Counter, (Api, Error)>) {
    for (api, errors) in KNOWN {
        for error in errors {
            requests.begin((Api::Of(api), Error(*error)));
        }
    }
}

#[cfg(test)]
mod tests;
