//! The audit of what clients do: requests that change something, and logins that fail.

use limpid_protocol::{ApiKey, ErrorCode};
use limpid_telemetry::SEEN;

use crate::audit::{Audit, Changes, Kind, Record, Who};
use crate::handler::Peer;
use crate::recorder::Recorder;

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

/// Tells of a request, if it is one that changes something. One that failed and changed nothing can
/// be sent by anybody again and again: those are added up. The changes are taken.
pub(super) fn request(
    (key, error): (ApiKey, ErrorCode),
    (peer, client_id): (&Peer, Option<&str>),
    changes: &mut Changes,
    (audit, recorder): (&Audit, &Recorder),
) {
    if !SEEN || !changes_something(key) {
        return;
    }
    let (changes, left_out) = std::mem::take(changes).take();
    for change in &changes {
        recorder.changed(change, peer.principal.as_str());
    }
    let changed = changes.iter().any(|change| change.error.is_none());
    let mut record = Record::new(Kind::Change, who(peer, client_id), key.name(), error.name());
    if error != ErrorCode::None && !changed {
        return audit.tell_of_repeated(record);
    }
    (record.changes, record.changes_left_out) = (changes, left_out);
    audit.tell(record);
}

/// Tells of a login that failed; `claimed` is who somebody said to be.
pub(super) fn login_failed(
    peer: &Peer,
    mechanism: &str,
    claimed: Option<&str>,
    reason: &str,
    audit: &Audit,
) {
    let mut who = who(peer, None);
    who.principal = claimed.map_or_else(String::new, |name| format!("User:{name}"));
    let record = Record::new(
        Kind::LoginFailed,
        who,
        mechanism,
        "SASL_AUTHENTICATION_FAILED",
    );
    audit.tell_of_repeated(record.because(reason));
}

fn who(peer: &Peer, client_id: Option<&str>) -> Who {
    Who {
        client_id: client_id.unwrap_or_default().to_owned(),
        ..peer.who()
    }
}
