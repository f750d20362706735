//! The 61 bytes in front of every batch.
//!
//! ```text
//! byte  0        8        12             16    17    21           23                27
//!       | base   | batch  | leader       | ma- | crc | attributes | last offset     | …
//!       | offset | length | epoch        | gic |     |            | delta           |
//!       | i64    | i32    | i32          | i8  | u32 | i16        | i32             |
//!
//! byte 27               35              43            51               53              57            61
//!       | base timestamp | max timestamp | producer id | producer epoch | base sequence | records | …
//!       | i64            | i64           | i64         | i16            | i32           | count   |
//!       |                |               |             |                |               | i32     |
//! ```
//! All numbers are big-endian. The batch length counts from byte 12. The CRC32C covers byte 21
//! to the end, so base offset and leader epoch change without a new checksum.
//!
//! Attributes: bits 0–2 codec · bit 3 timestamp type · bit 4 transactional · bit 5 control ·
//! bit 6 the base timestamp is a delete horizon (KIP-534) · the rest unused.

use super::{Codec, RecordsError};

/// Bytes of the header, from the base offset to the record count.
pub const BATCH_HEADER_BYTES: usize = 61;
/// Bytes before those that the batch length counts: the base offset and the length itself.
pub const BATCH_OVERHEAD_BYTES: usize = 12;
/// Producer id of a batch that is neither idempotent nor transactional.
pub const NO_PRODUCER_ID: i64 = -1;
/// Producer epoch of a batch that is neither idempotent nor transactional.
pub const NO_PRODUCER_EPOCH: i16 = -1;
/// Base sequence of a batch that is neither idempotent nor transactional.
pub const NO_SEQUENCE: i32 = -1;
/// The timestamp of a record that has none.
pub const NO_TIMESTAMP: i64 = -1;

pub(super) const MAGIC_V2: i8 = 2;
/// The least batch length that a format 2 header can carry: an empty batch.
pub(super) const MIN_BATCH_LENGTH: i32 = (BATCH_HEADER_BYTES - BATCH_OVERHEAD_BYTES) as i32;
/// The least length of any format (format 0, a message without key and value).
pub(super) const MIN_ANY_LENGTH: i32 = 14;

pub(super) mod at {
    //! Byte positions in the header.
    pub const BASE_OFFSET: usize = 0;
    pub const LENGTH: usize = 8;
    pub const LEADER_EPOCH: usize = 12;
    pub const MAGIC: usize = 16;
    pub const CRC: usize = 17;
    pub const ATTRIBUTES: usize = 21;
    pub const LAST_OFFSET_DELTA: usize = 23;
    pub const BASE_TIMESTAMP: usize = 27;
    pub const MAX_TIMESTAMP: usize = 35;
    pub const PRODUCER_ID: usize = 43;
    pub const PRODUCER_EPOCH: usize = 51;
    pub const BASE_SEQUENCE: usize = 53;
    pub const RECORDS_COUNT: usize = 57;
}
const _: () = assert!(at::RECORDS_COUNT + 4 == BATCH_HEADER_BYTES);
const _: () = assert!(at::LEADER_EPOCH == BATCH_OVERHEAD_BYTES);

/// Who gave the records their timestamps (`message.timestamp.type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimestampType {
    /// The producer, record by record.
    #[default]
    CreateTime,
    /// The broker, once for the batch: the max timestamp of the header counts for every record.
    LogAppendTime,
}

/// The attribute bits of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes(pub i16);

impl Attributes {
    const CODEC: i16 = 0b0000_0111;
    const LOG_APPEND_TIME: i16 = 1 << 3;
    const TRANSACTIONAL: i16 = 1 << 4;
    const CONTROL: i16 = 1 << 5;
    const DELETE_HORIZON: i16 = 1 << 6;

    /// The codec, or an error for the ids that mean nothing.
    pub fn codec(self) -> Result<Codec, RecordsError> {
        let id = (self.0 & Self::CODEC) as u8;
        Codec::from_id(id).ok_or(RecordsError::UnknownCodec { id })
    }

    /// Whether the payload is compressed (by whatever codec).
    pub fn is_compressed(self) -> bool {
        self.0 & Self::CODEC != 0
    }

    /// Who stamped the records.
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Whether the batch belongs to a transaction (the markers that end one do as well).
    pub fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether the batch holds control records, which consumers never hand to their users.
    pub fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether the base timestamp is the time at which tombstones may go (KIP-534).
    pub fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    /// The same attributes with another codec.
    pub fn with_codec(self, codec: Codec) -> Self {
        Self((self.0 & !Self::CODEC) | i16::from(codec.id()))
    }

    /// The same attributes with another timestamp type.
    pub fn with_timestamp_type(self, kind: TimestampType) -> Self {
        self.with(Self::LOG_APPEND_TIME, kind == TimestampType::LogAppendTime)
    }

    /// The same attributes with the transactional bit set or cleared.
    pub fn with_transactional(self, on: bool) -> Self {
        self.with(Self::TRANSACTIONAL, on)
    }

    /// The same attributes with the control bit set or cleared.
    pub fn with_control(self, on: bool) -> Self {
        self.with(Self::CONTROL, on)
    }

    /// The same attributes with the delete horizon bit set or cleared.
    pub fn with_delete_horizon(self, on: bool) -> Self {
        self.with(Self::DELETE_HORIZON, on)
    }

    fn with(self, bit: i16, on: bool) -> Self {
        Self(if on { self.0 | bit } else { self.0 & !bit })
    }
}

/// The header of a batch, as numbers. Drawn at the top of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record (0 in a produce request).
    pub base_offset: i64,
    /// Bytes from the leader epoch to the end of the batch.
    pub batch_length: i32,
    /// Epoch of the leader that appended the batch, -1 if unknown.
    pub partition_leader_epoch: i32,
    /// Record format; always 2 in a parsed header.
    pub magic: i8,
    /// CRC32C of the bytes from the attributes to the end.
    pub crc: u32,
    /// The attribute bits.
    pub attributes: Attributes,
    /// Offset of the last record minus the base offset; compaction keeps it, so it may be
    /// larger than the count.
    pub last_offset_delta: i32,
    /// Timestamp of the first record in milliseconds, or the delete horizon.
    pub base_timestamp: i64,
    /// Largest timestamp of the batch in milliseconds, or the append time.
    pub max_timestamp: i64,
    /// Producer id, -1 for none.
    pub producer_id: i64,
    /// Producer epoch, -1 for none.
    pub producer_epoch: i16,
    /// Sequence number of the first record, -1 for none.
    pub base_sequence: i32,
    /// Number of records.
    pub records_count: i32,
}

impl Default for BatchHeader {
    /// The header of an empty batch without a producer, checksum not computed.
    fn default() -> Self {
        Self {
            base_offset: 0,
            batch_length: MIN_BATCH_LENGTH,
            partition_leader_epoch: -1,
            magic: MAGIC_V2,
            crc: 0,
            attributes: Attributes::default(),
            last_offset_delta: 0,
            base_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            base_sequence: NO_SEQUENCE,
            records_count: 0,
        }
    }
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`; the records need not be there yet.
    ///
    /// Refused are a buffer shorter than the header, a length too small for one, and a format
    /// other than 2. Everything else is [`validate`](super::validate)'s matter.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordsError> {
        check_start(bytes, 0)?;
        let Some(b) = bytes.first_chunk::<BATCH_HEADER_BYTES>() else {
            return Err(torn(0, BATCH_HEADER_BYTES, bytes.len()));
        };
        Ok(Self {
            base_offset: i64_at(b, at::BASE_OFFSET),
            batch_length: i32_at(b, at::LENGTH),
            partition_leader_epoch: i32_at(b, at::LEADER_EPOCH),
            magic: b[at::MAGIC] as i8,
            crc: i32_at(b, at::CRC) as u32,
            attributes: Attributes(i16_at(b, at::ATTRIBUTES)),
            last_offset_delta: i32_at(b, at::LAST_OFFSET_DELTA),
            base_timestamp: i64_at(b, at::BASE_TIMESTAMP),
            max_timestamp: i64_at(b, at::MAX_TIMESTAMP),
            producer_id: i64_at(b, at::PRODUCER_ID),
            producer_epoch: i16_at(b, at::PRODUCER_EPOCH),
            base_sequence: i32_at(b, at::BASE_SEQUENCE),
            records_count: i32_at(b, at::RECORDS_COUNT),
        })
    }

    /// The header as bytes, with the checksum as it stands in `crc`.
    pub fn to_bytes(&self) -> [u8; BATCH_HEADER_BYTES] {
        let mut b = [0; BATCH_HEADER_BYTES];
        put(&mut b, at::BASE_OFFSET, self.base_offset.to_be_bytes());
        put(&mut b, at::LENGTH, self.batch_length.to_be_bytes());
        put(
            &mut b,
            at::LEADER_EPOCH,
            self.partition_leader_epoch.to_be_bytes(),
        );
        put(&mut b, at::MAGIC, self.magic.to_be_bytes());
        put(&mut b, at::CRC, self.crc.to_be_bytes());
        put(&mut b, at::ATTRIBUTES, self.attributes.0.to_be_bytes());
        put(
            &mut b,
            at::LAST_OFFSET_DELTA,
            self.last_offset_delta.to_be_bytes(),
        );
        put(
            &mut b,
            at::BASE_TIMESTAMP,
            self.base_timestamp.to_be_bytes(),
        );
        put(&mut b, at::MAX_TIMESTAMP, self.max_timestamp.to_be_bytes());
        put(&mut b, at::PRODUCER_ID, self.producer_id.to_be_bytes());
        put(
            &mut b,
            at::PRODUCER_EPOCH,
            self.producer_epoch.to_be_bytes(),
        );
        put(&mut b, at::BASE_SEQUENCE, self.base_sequence.to_be_bytes());
        put(&mut b, at::RECORDS_COUNT, self.records_count.to_be_bytes());
        b
    }

    /// Bytes of the whole batch, header included.
    pub fn size(&self) -> usize {
        BATCH_OVERHEAD_BYTES + usize::try_from(self.batch_length).unwrap_or(0)
    }

    /// Offset of the last record (or of where it was before compaction).
    pub fn last_offset(&self) -> i64 {
        self.base_offset
            .wrapping_add(i64::from(self.last_offset_delta))
    }

    /// Offset of the record after this batch.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().wrapping_add(1)
    }

    /// Whether the batch was sent by an idempotent or transactional producer, or for one.
    pub fn has_producer(&self) -> bool {
        self.producer_id > NO_PRODUCER_ID
    }

    /// Sequence number of the last record; -1 without sequence.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE {
            return NO_SEQUENCE;
        }
        add_sequence(self.base_sequence, self.last_offset_delta)
    }

    /// Time from which tombstones and markers of this batch may be removed, if one was set.
    pub fn delete_horizon(&self) -> Option<i64> {
        self.attributes
            .has_delete_horizon()
            .then_some(self.base_timestamp)
    }
}

/// Sequence numbers run from 0 to `i32::MAX` and start again at 0.
pub fn add_sequence(sequence: i32, increment: i32) -> i32 {
    ((i64::from(sequence) + i64::from(increment)).rem_euclid(1 << 31)) as i32
}

/// Checks what stands before the checksum (length and format) and returns the batch's size.
pub(super) fn check_start(bytes: &[u8], position: usize) -> Result<usize, RecordsError> {
    let Some(b) = bytes.first_chunk::<{ at::MAGIC + 1 }>() else {
        return Err(torn(position, BATCH_HEADER_BYTES, bytes.len()));
    };
    let length = i32_at(b, at::LENGTH);
    if length < MIN_ANY_LENGTH {
        return Err(RecordsError::BadLength { position, length });
    }
    let magic = b[at::MAGIC] as i8;
    if magic != MAGIC_V2 {
        return Err(RecordsError::UnsupportedMagic { magic });
    }
    if length < MIN_BATCH_LENGTH {
        return Err(RecordsError::BadLength { position, length });
    }
    Ok(BATCH_OVERHEAD_BYTES + length as usize)
}

pub(super) fn torn(position: usize, needed: usize, available: usize) -> RecordsError {
    RecordsError::Torn {
        position,
        needed,
        available,
    }
}

fn put<const N: usize>(b: &mut [u8; BATCH_HEADER_BYTES], at: usize, value: [u8; N]) {
    b[at..at + N].copy_from_slice(&value);
}

fn i16_at<const L: usize>(b: &[u8; L], at: usize) -> i16 {
    i16::from_be_bytes([b[at], b[at + 1]])
}

fn i32_at<const L: usize>(b: &[u8; L], at: usize) -> i32 {
    i32::from_be_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

fn i64_at<const L: usize>(b: &[u8; L], at: usize) -> i64 {
    (i64::from(i32_at(b, at)) << 32) | i64::from(i32_at(b, at + 4) as u32)
}
