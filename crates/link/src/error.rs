//! Errors of the client in the words of the faces.

use limpid_client::ClientError;
use limpid_cluster::AdminError;
use limpid_protocol::ErrorCode;

/// What a failed call means to a person.
pub(crate) fn admin_error(error: ClientError) -> AdminError {
    let sentence = error.to_string();
    match error.code() {
        Some(
            ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
            | ErrorCode::GroupIdNotFound,
        ) => AdminError::NotFound(sentence),
        _ if error.retriable() => AdminError::Unavailable(sentence),
        _ => AdminError::Refused(sentence),
    }
}
