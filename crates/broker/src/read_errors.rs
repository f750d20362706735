//! What a client is told when a log can't be read; a corrupt batch is logged here, once.

use limpid_protocol::ErrorCode;
use limpid_storage::ReadError;

/// The error code of a failed read or look-up.
pub fn read_error(error: &ReadError) -> ErrorCode {
    match error {
        ReadError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        ReadError::Corrupt {
            file,
            position,
            reason,
        } => {
            tracing::error!(file = %file.display(), position, reason, "corrupt batch read");
            ErrorCode::CorruptMessage
        }
        ReadError::DirOffline { .. } | ReadError::Busy(_) => ErrorCode::KafkaStorageError,
        ReadError::Closed => ErrorCode::NotLeaderOrFollower,
    }
}
