//! Reading a partition of the state topic at the start.

use std::sync::Arc;

use limpid_coordinator::share_state::StateRecord;
use limpid_protocol::records::{BatchView, Batches, RecordsError};
use limpid_storage::{PartitionLog, ReadError};

use super::shard::Loaded;

/// Largest batch after decompression.
const BATCH_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Why a partition could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("a batch is damaged: {0}")]
    Batch(#[from] RecordsError),
}

/// Reads the whole partition, in pieces. Blocking.
pub(super) fn load(log: &Arc<PartitionLog>, piece_bytes: usize) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded::default();
    let mut unreadable = 0_u64;
    let (mut offset, end) = (log.log_start_offset(), log.log_end_offset());
    while offset < end {
        let pieces = log.read(offset, piece_bytes, end, true)?.into_batches()?;
        let before = offset;
        for bytes in &pieces {
            for batch in Batches::new(bytes) {
                let batch = batch?;
                unreadable += replay(&mut loaded, &batch)?;
                offset = offset.max(batch.header().next_offset());
            }
        }
        if offset == before {
            // Nothing readable up to the end.
            break;
        }
    }
    if unreadable > 0 {
        tracing::warn!(
            partition = log.partition(),
            records = unreadable,
            "records of share groups could not be read, they are left alone"
        );
    }
    Ok(loaded)
}

/// Takes over the records of a batch; how many could not be read.
fn replay(loaded: &mut Loaded, batch: &BatchView<'_>) -> Result<u64, RecordsError> {
    if batch.header().attributes.is_control() {
        return Ok(0);
    }
    let (mut scratch, mut unreadable) = (Vec::new(), 0);
    for record in batch.records_with(BATCH_BYTES_MAX, &mut scratch)? {
        let record = record?;
        let Some(key) = record.key else { continue };
        match StateRecord::decode(key, record.value) {
            Ok(Some(read)) => loaded.apply(read, record.offset),
            Ok(None) => {}
            Err(_) => unreadable += 1,
        }
    }
    Ok(unreadable)
}
