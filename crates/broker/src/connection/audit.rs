//! The audit record of requests that change something: who did what from where, and how it ended.

use limpid_protocol::{ApiKey, ErrorCode};

use crate::client_log::ClientLog;
use crate::handler::Peer;

/// Where audit records go: a target of its own, so that they can be kept apart.
const TARGET: &str = "limpid::audit";

/// Whether a request changes the cluster rather than its data.
const fn changes_something(key: ApiKey) -> bool {
    matches!(
        key,
        ApiKey::CreateTopics
            | ApiKey::DeleteTopics
            | ApiKey::DeleteRecords
            | ApiKey::CreatePartitions
            | ApiKey::CreateAcls
            | ApiKey::DeleteAcls
            | ApiKey::AlterConfigs
            | ApiKey::IncrementalAlterConfigs
            | ApiKey::AlterClientQuotas
            | ApiKey::AlterUserScramCredentials
            | ApiKey::AlterReplicaLogDirs
            | ApiKey::AlterPartitionReassignments
            | ApiKey::ElectLeaders
            | ApiKey::UpdateFeatures
            | ApiKey::UnregisterBroker
            | ApiKey::DeleteGroups
            | ApiKey::OffsetDelete
            | ApiKey::WriteTxnMarkers
            | ApiKey::AlterShareGroupOffsets
            | ApiKey::DeleteShareGroupOffsets
    )
}

/// Writes the record of a request, if it is one that changes something. One that failed changed
/// little, and anybody can send many: of those so many are written and no more.
pub(super) fn record(
    key: ApiKey,
    error: ErrorCode,
    (peer, client_id): (&Peer, Option<&str>),
    log: &ClientLog,
) {
    let failed = error != ErrorCode::None;
    if !changes_something(key) || (failed && !log.may_say("audit", peer)) {
        return;
    }
    tracing::info!(
        target: TARGET,
        api = key.name(),
        error = error.name(),
        principal = %peer.principal,
        listener = %peer.listener,
        client.address = %peer.address,
        client.id = client_id.unwrap_or_default(),
        "request"
    );
}
