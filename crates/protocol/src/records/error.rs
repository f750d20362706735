//! What can be wrong with a batch, and which Kafka error code says so.

use super::{Codec, TimestampType};
use crate::ErrorCode;

/// Why a batch was refused or could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// The buffer ends before the batch does: a torn write, or a read that stopped in the middle.
    #[error("batch at byte {position} needs {needed} bytes, {available} are there")]
    Torn {
        /// Where the batch starts in the buffer.
        position: usize,
        /// Bytes that the batch (or, if even its length is cut, the fixed start) needs.
        needed: usize,
        /// Bytes from the start of the batch to the end of the buffer.
        available: usize,
    },
    /// The batch length in the header cannot be the length of a batch.
    #[error("batch at byte {position} claims a length of {length} bytes")]
    BadLength {
        /// Where the batch starts in the buffer.
        position: usize,
        /// The length field as found.
        length: i32,
    },
    /// A record format other than 2.
    #[error("record format {magic} is not supported, only format 2 is")]
    UnsupportedMagic {
        /// The magic byte as found.
        magic: i8,
    },
    /// The checksum does not fit the bytes.
    #[error("batch checksum is {computed:#010x}, its header says {stored:#010x}")]
    BadCrc {
        /// CRC32C in the header.
        stored: u32,
        /// CRC32C of the bytes.
        computed: u32,
    },
    /// A produce request must carry one batch per partition.
    #[error("expected exactly one record batch, found {found}")]
    NotOneBatch {
        /// Batches seen, counting stopped at two.
        found: usize,
    },
    /// The batch is larger than `max.message.bytes`.
    #[error("batch of {size} bytes is larger than the limit of {limit} bytes")]
    BatchTooLarge {
        /// Bytes of the batch, header included.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Decompression would pass its limit (a decompression bomb, or an honest giant).
    #[error("batch decompresses to more than the limit of {limit} bytes")]
    DecompressedTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The compressed bytes are not what their codec writes.
    #[error("{codec} payload cannot be decompressed: {reason}")]
    BadCompression {
        /// The codec named by the batch.
        codec: Codec,
        /// What was wrong.
        reason: &'static str,
    },
    /// The attributes name a codec that does not exist.
    #[error("compression codec {id} is unknown")]
    UnknownCodec {
        /// Bits 0–2 of the attributes.
        id: u8,
    },
    /// zstd in a Produce request before version 7 (KIP-110).
    #[error("{codec} is not allowed in this request version")]
    CodecNotAllowed {
        /// The codec named by the batch.
        codec: Codec,
    },
    /// The records of a compressed batch were asked for without decompressing it.
    #[error("batch is compressed with {codec}")]
    Compressed {
        /// The codec named by the batch.
        codec: Codec,
    },
    /// A record does not parse.
    #[error("record {index} is malformed: {reason}")]
    BadRecord {
        /// Index of the record in the batch, from 0.
        index: i32,
        /// What was wrong.
        reason: &'static str,
    },
    /// Bytes remain after the last record that the header counts.
    #[error("{bytes} bytes follow the last of {count} records")]
    TrailingBytes {
        /// Records in the header's count.
        count: i32,
        /// Bytes left over.
        bytes: usize,
    },
    /// The record count is not positive, or contradicts the last offset delta.
    #[error("batch claims {count} records and a last offset delta of {last_offset_delta}")]
    BadCount {
        /// Records in the header's count.
        count: i32,
        /// Last offset delta of the header.
        last_offset_delta: i32,
    },
    /// The offset deltas do not count 0, 1, 2, …
    #[error("record {index} has offset delta {delta}")]
    BadOffsetDelta {
        /// Index of the record in the batch, from 0.
        index: i32,
        /// Its offset delta.
        delta: i32,
    },
    /// A client's batch must start at offset 0.
    #[error("base offset of a produced batch is {base_offset}, not 0")]
    BadBaseOffset {
        /// Base offset of the header.
        base_offset: i64,
    },
    /// A client sent a control batch.
    #[error("clients may not write control records")]
    ControlBatch,
    /// An idempotent batch without a sequence number.
    #[error("batch of producer {producer_id} has base sequence {base_sequence}")]
    BadSequence {
        /// Producer id of the header.
        producer_id: i64,
        /// Base sequence of the header.
        base_sequence: i32,
    },
    /// A record without a key for a compacted topic.
    #[error("record {index} has no key, and the topic is compacted")]
    MissingKey {
        /// Index of the record in the batch, from 0.
        index: i32,
    },
    /// A timestamp outside `message.timestamp.before.max.ms` / `message.timestamp.after.max.ms`.
    #[error("record {index} has timestamp {timestamp}, allowed are {earliest} to {latest}")]
    TimestampOutOfRange {
        /// Index of the record in the batch, from 0.
        index: i32,
        /// Its timestamp in milliseconds.
        timestamp: i64,
        /// Earliest timestamp allowed in milliseconds.
        earliest: i64,
        /// Latest timestamp allowed in milliseconds.
        latest: i64,
    },
    /// Only the broker may stamp a batch with append time.
    #[error("produced batch has timestamp type {found:?}")]
    BadTimestampType {
        /// The type in the attributes.
        found: TimestampType,
    },
    /// Several records without a key or with a timestamp out of range.
    #[error("{} records are refused; {}", .0.len(), worst(.0))]
    Several(Vec<RecordsError>),
}

/// The error that stands for all: a timestamp outweighs a key, as in Kafka.
fn worst(errors: &[RecordsError]) -> &RecordsError {
    let is_time = |error: &&RecordsError| matches!(error, RecordsError::TimestampOutOfRange { .. });
    let time = errors.iter().find(is_time);
    time.or(errors.first())
        .unwrap_or(&RecordsError::ControlBatch)
}

impl RecordsError {
    /// The Kafka error for a client that sent such a batch.
    ///
    /// CORRUPT_MESSAGE is retriable and therefore kept for what a second transmission can cure.
    /// MESSAGE_TOO_LARGE makes producers split the batch and try again, which also cures a batch
    /// that is honest but decompresses beyond the limit.
    pub fn error_code(&self) -> ErrorCode {
        match self {
            Self::Several(errors) => worst(errors).error_code(),
            Self::Torn { .. } | Self::BadLength { .. } | Self::BadCrc { .. } => {
                ErrorCode::CorruptMessage
            }
            Self::BatchTooLarge { .. } | Self::DecompressedTooLarge { .. } => {
                ErrorCode::MessageTooLarge
            }
            Self::TimestampOutOfRange { .. } | Self::BadTimestampType { .. } => {
                ErrorCode::InvalidTimestamp
            }
            Self::UnknownCodec { .. } | Self::CodecNotAllowed { .. } => {
                ErrorCode::UnsupportedCompressionType
            }
            Self::UnsupportedMagic { .. }
            | Self::NotOneBatch { .. }
            | Self::BadCompression { .. }
            | Self::Compressed { .. }
            | Self::BadRecord { .. }
            | Self::TrailingBytes { .. }
            | Self::BadCount { .. }
            | Self::BadOffsetDelta { .. }
            | Self::BadBaseOffset { .. }
            | Self::ControlBatch
            | Self::BadSequence { .. }
            | Self::MissingKey { .. } => ErrorCode::InvalidRecord,
        }
    }

    /// The number of [`error_code`](Self::error_code), as it stands in a response.
    pub fn code(&self) -> i16 {
        self.error_code().code()
    }

    /// The records that are at fault, each with its own error, for `record_errors` of
    /// ProduceResponse (KIP-467). Empty when it is the batch.
    pub fn by_record(&self) -> Vec<(i32, &RecordsError)> {
        match self {
            Self::Several(errors) => errors.iter().flat_map(Self::by_record).collect(),
            Self::BadRecord { index, .. }
            | Self::BadOffsetDelta { index, .. }
            | Self::MissingKey { index }
            | Self::TimestampOutOfRange { index, .. } => vec![(*index, self)],
            _ => Vec::new(),
        }
    }
}
