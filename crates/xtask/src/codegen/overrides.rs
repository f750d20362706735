//! What the specifications do not say.

use super::spec::Versions;

/// Messages whose code is written by hand, beside the generated ones in `messages/`.
pub const HAND_WRITTEN: &[&str] = &["FetchResponse"];

/// Not generated: read and written by `header.rs`.
pub const HEADERS: &[&str] = &["RequestHeader", "ResponseHeader"];

/// Talk between controllers, or between a broker and its controller, that Limpid does not have.
pub const SKIPPED: &[&str] = &[
    "AllocateProducerIds",
    "AlterPartition",
    "AssignReplicasToDirs",
    "BrokerHeartbeat",
    "BrokerRegistration",
    "ControllerRegistration",
    "Envelope",
];

/// Versions that Kafka 4 dropped and that old clients still send.
///
/// Their layouts are in the specifications still: fields kept their version ranges.
pub fn versions(name: &str, valid: Versions) -> Versions {
    let lowest = match name {
        // kafka-go before 0.4.48 and what is built on it
        "CreateTopicsRequest" | "CreateTopicsResponse" => 0,
        "DeleteTopicsRequest" | "DeleteTopicsResponse" => 0,
        _ => valid.low,
    };
    Versions {
        low: lowest,
        ..valid
    }
}
