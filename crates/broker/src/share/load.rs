//! Reading a partition of the state topic at the start.

use std::sync::Arc;

use limpid_coordinator::share_state::StateRecord;
use limpid_protocol::records::{BatchView, RecordsError};
use limpid_storage::PartitionLog;

use super::shard::Loaded;
use crate::coordinator_log::load::{LoadError, Reading, each_record};

/// Reads the whole partition. Blocking.
pub(super) fn load(reading: &Reading, log: &Arc<PartitionLog>) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded::default();
    reading.each_batch(log, |batch| replay(&mut loaded, batch))?;
    Ok(loaded)
}

/// Takes over the records of a batch; how many could not be read.
fn replay(loaded: &mut Loaded, batch: &BatchView<'_>) -> Result<u64, RecordsError> {
    if batch.header().attributes.is_control() {
        return Ok(0);
    }
    each_record(batch, &mut Vec::new(), |record, key| {
        StateRecord::decode(key, record.value).map(|read| {
            if let Some(read) = read {
                loaded.apply(read, record.offset);
            }
        })
    })
}
