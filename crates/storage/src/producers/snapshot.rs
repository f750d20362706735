//! Producer snapshots: `<20 digits>.snapshot`, the state just before the offset in the name.
//!
//! ```text
//! version i16 = 1 | crc u32 | count i32 | count × 46 bytes:
//!   producer id i64 | epoch i16 | last sequence i32 | last offset i64 | offset delta i32 |
//!   timestamp i64 | coordinator epoch i32 | first offset of the open transaction i64 (or −1)
//! ```
//! The CRC32C covers everything behind it. Only the last batch of each producer is kept; loading
//! refills the window from the log. Written by Kafka 4.3 and by us alike.

use std::collections::VecDeque;

use super::{Appended, Producer, Producers};

const VERSION: i16 = 1;
const HEADER_BYTES: usize = 10;
const ENTRY_BYTES: usize = 46;
const CRC_COVERS_FROM: usize = 6;
/// Longer snapshots are garbage: 4 million producers.
pub(crate) const SNAPSHOT_BYTES_MAX: u64 = 200 << 20;

/// The file's content for a state.
pub(crate) fn encode(producers: &Producers) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES + producers.len() * ENTRY_BYTES);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    let count = i32::try_from(producers.len()).unwrap_or(i32::MAX);
    out.extend_from_slice(&count.to_be_bytes());
    for producer in producers.iter().take(count as usize) {
        let last = producer.window.back();
        out.extend_from_slice(&producer.id.to_be_bytes());
        out.extend_from_slice(&producer.epoch.to_be_bytes());
        out.extend_from_slice(&producer.last_sequence().to_be_bytes());
        out.extend_from_slice(&last.map_or(-1, |batch| batch.last_offset).to_be_bytes());
        out.extend_from_slice(&last.map_or(0, |batch| batch.offset_delta).to_be_bytes());
        out.extend_from_slice(&producer.last_timestamp.to_be_bytes());
        out.extend_from_slice(&producer.coordinator_epoch.to_be_bytes());
        out.extend_from_slice(&producer.open_txn.unwrap_or(-1).to_be_bytes());
    }
    let crc = crc32c::crc32c(&out[CRC_COVERS_FROM..]);
    out[2..CRC_COVERS_FROM].copy_from_slice(&crc.to_be_bytes());
    out
}

/// The producers in a file's content; the error says what is wrong.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Producer>, String> {
    if bytes.len() < HEADER_BYTES {
        return Err(format!("{} bytes are too few", bytes.len()));
    }
    let mut fields = Fields(bytes);
    let version = i16::from_be_bytes(fields.take());
    if version != VERSION {
        return Err(format!("version {version} is not known"));
    }
    let stored = u32::from_be_bytes(fields.take());
    let computed = crc32c::crc32c(&bytes[CRC_COVERS_FROM..]);
    if stored != computed {
        return Err(format!(
            "checksum {computed:08x} is not the stored {stored:08x}"
        ));
    }
    let count = i32::from_be_bytes(fields.take());
    let entries = (bytes.len() - HEADER_BYTES) / ENTRY_BYTES;
    if usize::try_from(count).ok() != Some(entries) {
        return Err(format!(
            "{count} entries are announced, {entries} are there"
        ));
    }
    Ok((0..entries).map(|_| decode_entry(&mut fields)).collect())
}

fn decode_entry(fields: &mut Fields<'_>) -> Producer {
    let id = i64::from_be_bytes(fields.take());
    let epoch = i16::from_be_bytes(fields.take());
    let last_sequence = i32::from_be_bytes(fields.take());
    let last_offset = i64::from_be_bytes(fields.take());
    let offset_delta = i32::from_be_bytes(fields.take());
    let timestamp = i64::from_be_bytes(fields.take());
    let coordinator_epoch = i32::from_be_bytes(fields.take());
    let open = i64::from_be_bytes(fields.take());
    let mut window = VecDeque::new();
    if last_offset >= 0 && offset_delta >= 0 {
        window.push_back(Appended {
            last_sequence,
            last_offset,
            offset_delta,
            timestamp,
        });
    }
    let open_txn = (open >= 0).then_some(open);
    Producer {
        id,
        epoch,
        coordinator_epoch,
        last_timestamp: timestamp,
        open_txn,
        window,
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// The next `N` bytes; lengths were checked before.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let (head, rest) = self.0.split_at(N);
        out.copy_from_slice(head);
        self.0 = rest;
        out
    }
}
