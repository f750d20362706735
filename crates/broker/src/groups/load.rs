//! Reading a partition of the offsets topic at the start.

use std::sync::Arc;

use bytes::Bytes;
use limpid_coordinator::{Coordinator, Limits, Now, Record};
use limpid_protocol::records::{BatchView, ControlType, RecordsError};
use limpid_storage::PartitionLog;

use crate::coordinator_log::load::{LoadError, Reading, each_record};

/// What has been read so far.
struct Loading {
    now: Now,
    coordinator: Coordinator,
    scratch: Vec<u8>,
}

/// Reads the whole partition. Blocking.
pub(super) fn load(
    reading: &Reading,
    log: &Arc<PartitionLog>,
    limits: Limits,
    now: Now,
) -> Result<Coordinator, LoadError> {
    let mut loading = Loading {
        now,
        coordinator: Coordinator::new(limits),
        scratch: Vec::new(),
    };
    reading.each_batch(log, |batch| loading.batch(batch))?;
    Ok(loading.coordinator)
}

impl Loading {
    fn batch(&mut self, batch: &BatchView<'_>) -> Result<u64, RecordsError> {
        let header = *batch.header();
        let (now, producer_id) = (self.now, header.producer_id);
        let coordinator = &mut self.coordinator;
        if header.attributes.is_control() {
            match batch.control_record()? {
                Some((ControlType::Commit, _)) => {
                    coordinator.end_transaction(now, producer_id, true);
                }
                Some((ControlType::Abort, _)) => {
                    coordinator.end_transaction(now, producer_id, false);
                }
                _ => {}
            }
            return Ok(0);
        }
        each_record(batch, &mut self.scratch, |record, key| {
            let value = record.value.map(Bytes::copy_from_slice);
            let read = Record::decode(Bytes::copy_from_slice(key), value);
            read.map(|read| match read {
                None => {}
                Some(read) if header.attributes.is_transactional() => {
                    coordinator.replay_in_transaction(now, producer_id, read);
                }
                Some(read) => coordinator.replay(now, read),
            })
        })
    }
}
