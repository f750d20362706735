//! The marker that ends a transaction in one partition.

use bytes::Bytes;
use limpid_coordinator::transactions::ProducerKey;
use limpid_protocol::ErrorCode;
use limpid_protocol::records::{BuildError, ControlBatch, end_transaction_marker};
use limpid_storage::AppendError;

use super::{Flushed, append_meta, on_disk};
use crate::topics::{Partition, Topic};

/// What it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// Whose transaction.
    pub producer: ProducerKey,
    /// The leader epoch of the partition of `__transaction_state` that decided.
    pub coordinator_epoch: i32,
    /// Committed or aborted.
    pub commit: bool,
    /// The version of transactions that it was decided in.
    pub version: i16,
}

impl Marker {
    /// Writes it into a log. Whoever waits there for committed records is woken.
    ///
    /// # Errors
    /// As WriteTxnMarkers tells them.
    pub fn append(
        &self,
        topic: &Topic,
        partition: &Partition,
        now_ms: i64,
    ) -> Result<Flushed, ErrorCode> {
        let batch = self.batch(now_ms);
        let batch = batch.map_err(|_| ErrorCode::UnknownServerError)?;
        let meta = append_meta(partition);
        let done = partition.log.append_marker(&batch, &meta, self.version);
        let info = done.map_err(|error| code_of(&error))?;
        topic.metrics.messages_in.inc();
        topic.metrics.bytes_in.inc_by(batch.len() as u64);
        partition.waiters.wake_all();
        Ok(on_disk(partition, &info))
    }

    fn batch(&self, now_ms: i64) -> Result<Bytes, BuildError> {
        let batch = ControlBatch {
            timestamp: now_ms,
            transaction: Some((self.producer.id, self.producer.epoch)),
            ..ControlBatch::default()
        };
        end_transaction_marker(self.commit, self.coordinator_epoch, &batch)
    }
}

fn code_of(error: &AppendError) -> ErrorCode {
    match error {
        AppendError::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
        AppendError::CoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
        AppendError::DiskFull { .. } => ErrorCode::NotEnoughReplicas,
        AppendError::DirOffline { .. } | AppendError::Busy(_) => ErrorCode::KafkaStorageError,
        AppendError::Closed => ErrorCode::NotLeaderOrFollower,
        _ => ErrorCode::UnknownServerError,
    }
}
