//! Reading a partition of the offsets topic at the start.
//!
//! It is read from its first record to its last, in pieces; memory is what the groups themselves
//! need, plus one piece. As long as nothing compacts the topic, that takes the longer the more was
//! ever committed.

use std::sync::Arc;

use bytes::Bytes;
use limpid_coordinator::{Coordinator, Limits, Now, Record};
use limpid_protocol::records::{BatchView, Batches, ControlType, RecordsError};
use limpid_storage::{PartitionLog, ReadError};

/// Largest batch after decompression. Ours are never compressed to this, Kafka's neither.
const BATCH_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Why a partition could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("a batch is damaged: {0}")]
    Batch(#[from] RecordsError),
}

/// What has been read so far.
struct Loading {
    now: Now,
    coordinator: Coordinator,
    unreadable: u64,
    scratch: Vec<u8>,
}

/// Reads the whole partition. Blocking.
pub(super) fn load(
    log: &Arc<PartitionLog>,
    limits: Limits,
    piece_bytes: usize,
    now: Now,
) -> Result<Coordinator, LoadError> {
    let mut loading = Loading {
        now,
        coordinator: Coordinator::new(limits),
        unreadable: 0,
        scratch: Vec::new(),
    };
    let (mut offset, end) = (log.log_start_offset(), log.log_end_offset());
    while offset < end {
        let batches = log.read(offset, piece_bytes, end, true)?.into_batches()?;
        let before = offset;
        for bytes in &batches {
            for batch in Batches::new(bytes) {
                let batch = batch?;
                loading.batch(&batch)?;
                offset = offset.max(batch.header().next_offset());
            }
        }
        if offset == before {
            // Nothing readable up to the end: compaction may have taken it.
            break;
        }
    }
    if loading.unreadable > 0 {
        tracing::warn!(
            partition = log.partition(),
            records = loading.unreadable,
            "records of consumer groups could not be read, they are left alone"
        );
    }
    Ok(loading.coordinator)
}

impl Loading {
    fn batch(&mut self, batch: &BatchView<'_>) -> Result<(), RecordsError> {
        let header = *batch.header();
        if header.attributes.is_control() {
            let commit = match batch.control_record()? {
                Some((ControlType::Commit, _)) => true,
                Some((ControlType::Abort, _)) => false,
                _ => return Ok(()),
            };
            let id = header.producer_id;
            self.coordinator.end_transaction(self.now, id, commit);
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        for record in batch.records_with(BATCH_BYTES_MAX, &mut scratch)? {
            let record = record?;
            let Some(key) = record.key else { continue };
            let value = record.value.map(Bytes::copy_from_slice);
            match Record::decode(Bytes::copy_from_slice(key), value) {
                Ok(None) => {}
                Ok(Some(record)) if header.attributes.is_transactional() => {
                    let id = header.producer_id;
                    self.coordinator.replay_in_transaction(self.now, id, record);
                }
                Ok(Some(record)) => self.coordinator.replay(self.now, record),
                Err(_) => self.unreadable += 1,
            }
        }
        self.scratch = scratch;
        Ok(())
    }
}
