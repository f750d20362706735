//! Fields that the broker writes into a batch it has accepted.
//!
//! The functions take the bytes of one whole batch that was parsed before; a shorter buffer is a
//! bug of the caller and panics.

use super::TimestampType;
use super::header::{Attributes, BATCH_HEADER_BYTES, at};

/// Sets the base offset. Outside the checksum.
pub fn patch_base_offset(batch: &mut [u8], base_offset: i64) {
    put(batch, at::BASE_OFFSET, base_offset.to_be_bytes());
}

/// Sets the leader epoch. Outside the checksum.
pub fn patch_leader_epoch(batch: &mut [u8], leader_epoch: i32) {
    put(batch, at::LEADER_EPOCH, leader_epoch.to_be_bytes());
}

/// Stamps the batch with the broker's clock (`message.timestamp.type=LogAppendTime`).
pub fn patch_append_time(batch: &mut [u8], append_time_ms: i64) {
    patch_timestamp(batch, TimestampType::LogAppendTime, append_time_ms);
}

/// Corrects a max timestamp that is not the largest of the records, as Kafka does.
/// Costs nothing if it is.
pub fn patch_max_timestamp(batch: &mut [u8], max_timestamp: i64) {
    patch_timestamp(batch, TimestampType::CreateTime, max_timestamp);
}

/// Computes the checksum anew, after a change to what it covers.
pub fn reseal(batch: &mut [u8]) {
    let crc = crc32c::crc32c(&batch[at::ATTRIBUTES..]);
    put(batch, at::CRC, crc.to_be_bytes());
}

fn patch_timestamp(batch: &mut [u8], kind: TimestampType, max_timestamp: i64) {
    assert!(
        batch.len() >= BATCH_HEADER_BYTES,
        "a batch is never shorter than its header"
    );
    let before = [batch[at::ATTRIBUTES], batch[at::ATTRIBUTES + 1]];
    let attributes = Attributes(i16::from_be_bytes(before)).with_timestamp_type(kind);
    let after = attributes.0.to_be_bytes();
    let max = max_timestamp.to_be_bytes();
    if before == after && batch[at::MAX_TIMESTAMP..at::MAX_TIMESTAMP + max.len()] == max {
        return;
    }
    put(batch, at::ATTRIBUTES, after);
    put(batch, at::MAX_TIMESTAMP, max);
    reseal(batch);
}

fn put<const N: usize>(batch: &mut [u8], at: usize, value: [u8; N]) {
    assert!(
        batch.len() >= BATCH_HEADER_BYTES,
        "a batch is never shorter than its header"
    );
    batch[at..at + N].copy_from_slice(&value);
}
