//! Files of the log directories.

use bytes::Bytes;
use limpid_storage::testing;

use crate::allocation::{SMALL, bounded};

/// What is held beside the file while a segment is walked: two windows of a megabyte and their moves.
const WINDOWS: usize = 3 << 20;
/// Kinds that read through a window: an index's entries, a segment, a snapshot of the metadata.
const WITH_WINDOW: [u8; 3] = [12, 13, 14];

/// Target `disk`: kind u8 | bytes of the file. With bit 7 a checksum is put right first.
pub fn disk(input: &[u8]) {
    let Some((&how, file)) = input.split_first() else {
        return;
    };
    let kind = (how & 0x7f) % testing::KINDS;
    let window = if WITH_WINDOW.contains(&kind) { WINDOWS } else { 0 };
    // The file itself is held twice, by what stands for the file system.
    let beside = SMALL + window + 2 * file.len();
    let name = format!("file of kind {kind}");
    bounded(&name, file.len(), beside, || {
        testing::read(kind, how & 0x80 != 0, file);
    });
}

/// A record of the metadata log, applied to an empty image.
pub(crate) fn metadata_record(value: Bytes) {
    let length = value.len();
    let beside = limpid_protocol::codec::RECORD_FLOOR + SMALL;
    bounded("metadata record", length, beside, || {
        testing::metadata_record(value);
    });
}
