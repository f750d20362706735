//! Reading a partition of a coordinator's topic at the start.
//!
//! It is read from its first record to its last, in pieces; memory is what the coordinator itself
//! needs, plus one piece.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Instant;

use limpid_protocol::records::{BatchView, Batches, RecordView, RecordsError};
use limpid_storage::{PartitionLog, ReadError};
use limpid_telemetry::Histogram;

use crate::blocking::{Blocking, BlockingError};

/// Largest batch after decompression. Ours are never compressed to this, Kafka's neither.
const BATCH_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Why a partition could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The log says why.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its bytes are no batch.
    #[error("a batch is damaged: {0}")]
    Batch(#[from] RecordsError),
    /// The work was not done.
    #[error(transparent)]
    Blocking(#[from] BlockingError),
}

/// What is read, and how.
#[derive(Clone)]
pub struct Reading {
    /// What lies in the partition, for the log.
    pub what: &'static str,
    /// Most bytes that are read at once.
    pub piece_bytes: usize,
    /// How long reading a partition takes.
    pub seconds: Histogram,
}

impl Reading {
    /// Lets `job` read a partition where that may block. Why it can't be read is told in the log.
    pub async fn run<T: Send + 'static>(
        self,
        blocking: &Blocking,
        log: &Arc<PartitionLog>,
        job: impl FnOnce(&Self, &Arc<PartitionLog>) -> Result<T, LoadError> + Send + 'static,
    ) -> Option<T> {
        let (what, partition) = (self.what, log.partition());
        let (seconds, began) = (self.seconds.clone(), Instant::now());
        let log = Arc::clone(log);
        let done = blocking.run(move || job(&self, &log)).await;
        let done = done.map_err(LoadError::from).and_then(|done| done);
        if done.is_ok() {
            seconds.observe_duration(began.elapsed());
        }
        done.map_err(|error| tracing::error!(partition, %error, "{what} can't be read"))
            .ok()
    }

    /// Hands out every batch from the first to the last; `found` returns how many of its records
    /// it could not read. Blocking.
    ///
    /// # Errors
    /// The log can't be read, or what `found` says.
    pub fn each_batch(
        &self,
        log: &Arc<PartitionLog>,
        mut found: impl FnMut(&BatchView<'_>) -> Result<u64, RecordsError>,
    ) -> Result<(), LoadError> {
        let mut unreadable = 0;
        let (mut offset, end) = (log.log_start_offset(), log.log_end_offset());
        while offset < end {
            let pieces = log
                .read(offset, self.piece_bytes, end, true)?
                .into_batches()?;
            let before = offset;
            for bytes in &pieces {
                for batch in Batches::new(bytes) {
                    let batch = batch?;
                    unreadable += found(&batch)?;
                    offset = offset.max(batch.header().next_offset());
                }
            }
            if offset == before {
                // Nothing readable up to the end: compaction may have taken it.
                break;
            }
        }
        if unreadable > 0 {
            tracing::warn!(
                partition = log.partition(),
                records = unreadable,
                "records of {} could not be read, they are left alone",
                self.what
            );
        }
        Ok(())
    }
}

/// Hands out the records of a batch that have keys; how many `found` could not read.
///
/// # Errors
/// The batch is damaged.
pub fn each_record<E: Display>(
    batch: &BatchView<'_>,
    scratch: &mut Vec<u8>,
    mut found: impl FnMut(&RecordView<'_>, &[u8]) -> Result<(), E>,
) -> Result<u64, RecordsError> {
    let mut unreadable = 0;
    for record in batch.records_with(BATCH_BYTES_MAX, scratch)? {
        let record = record?;
        let Some(key) = record.key else { continue };
        if let Err(error) = found(&record, key) {
            tracing::debug!(offset = record.offset, %error, "not readable");
            unreadable += 1;
        }
    }
    Ok(unreadable)
}
