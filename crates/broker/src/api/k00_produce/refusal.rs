//! Why a batch was not appended, and what the producer is told.

use limpid_protocol::ErrorCode;
use limpid_protocol::records::RecordsError;
use limpid_storage::AppendError;

/// No offset, in answers.
pub(super) const NO_OFFSET: i64 = -1;

/// Why a partition's batch was not appended.
pub(super) struct Refusal {
    pub(super) error: ErrorCode,
    pub(super) message: Option<String>,
    /// Records that are at fault, by their index in the batch, with what is wrong with each.
    pub(super) records: Vec<(i32, String)>,
    /// The first offset of the log, if the batch got as far as that.
    pub(super) log_start_offset: i64,
}

impl Refusal {
    pub(super) fn new(error: ErrorCode, message: impl Into<Option<String>>) -> Self {
        Self {
            error,
            message: message.into(),
            records: Vec::new(),
            log_start_offset: NO_OFFSET,
        }
    }

    /// Whether the batch was larger than may be.
    pub(super) fn is_oversized(&self) -> bool {
        matches!(
            self.error,
            ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge
        )
    }

    /// What is wrong with a batch as a whole is found before the log is looked at, so no start of
    /// the log is told, as in Kafka.
    pub(super) fn from_records(error: RecordsError, log_start_offset: i64) -> Self {
        let code = ErrorCode::from_code(error.code()).unwrap_or(ErrorCode::CorruptMessage);
        let is_whole = !matches!(
            error,
            RecordsError::Torn { .. }
                | RecordsError::BadLength { .. }
                | RecordsError::UnsupportedMagic { .. }
                | RecordsError::NotOneBatch { .. }
                | RecordsError::BadCrc { .. }
                | RecordsError::BatchTooLarge { .. }
                | RecordsError::CodecNotAllowed { .. }
        );
        Self {
            error: code,
            message: Some(error.to_string()),
            records: error
                .by_record()
                .into_iter()
                .map(|(index, error)| (index, error.to_string()))
                .collect(),
            log_start_offset: if is_whole {
                log_start_offset
            } else {
                NO_OFFSET
            },
        }
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        let code = match &error {
            AppendError::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
            AppendError::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
            AppendError::CoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
            AppendError::InvalidTxnState { .. } | AppendError::NotInTransaction { .. } => {
                ErrorCode::InvalidTxnState
            }
            AppendError::Malformed(_) => ErrorCode::CorruptMessage,
            AppendError::TooLarge { .. } => ErrorCode::RecordListTooLarge,
            // Kafka has no code for a full disk. This one is retriable and does not make the
            // client look for another leader.
            AppendError::DiskFull { .. } => ErrorCode::NotEnoughReplicas,
            AppendError::DirOffline { .. } | AppendError::Busy(_) => ErrorCode::KafkaStorageError,
            AppendError::Closed => ErrorCode::NotLeaderOrFollower,
        };
        Self::new(code, error.to_string())
    }
}
