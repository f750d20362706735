//! Control records: written by brokers, never handed to a consumer's user.
//!
//! The key is `version i16 = 0 | type i16`. The value of a transaction marker is
//! `version i16 = 0 | coordinator epoch i32`; the values of the others are generated messages.

use bytes::Bytes;

use super::builder::{BatchBuilder, BuildError, Producer};
use super::header::NO_TIMESTAMP;
use super::{Codec, NO_SEQUENCE};

/// What a control record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum ControlType {
    /// A transaction was aborted.
    Abort = 0,
    /// A transaction was committed.
    Commit = 1,
    /// A leader of a KRaft quorum took office (LeaderChangeMessage).
    LeaderChange = 2,
    /// First record of a snapshot (SnapshotHeaderRecord).
    SnapshotHeader = 3,
    /// Last record of a snapshot (SnapshotFooterRecord).
    SnapshotFooter = 4,
    /// The KRaft version in force (KRaftVersionRecord).
    KRaftVersion = 5,
    /// The voters of the quorum (VotersRecord).
    KRaftVoters = 6,
}

impl ControlType {
    /// The type in the key of a control record, if it is one that we know.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let [v0, v1, t0, t1, ..] = key else {
            return None;
        };
        if i16::from_be_bytes([*v0, *v1]) < 0 {
            return None;
        }
        Some(match i16::from_be_bytes([*t0, *t1]) {
            0 => Self::Abort,
            1 => Self::Commit,
            2 => Self::LeaderChange,
            3 => Self::SnapshotHeader,
            4 => Self::SnapshotFooter,
            5 => Self::KRaftVersion,
            6 => Self::KRaftVoters,
            _ => return None,
        })
    }

    /// The key of a control record of this type.
    pub fn key(self) -> [u8; 4] {
        let [high, low] = (self as i16).to_be_bytes();
        [0, 0, high, low]
    }
}

/// What a control batch carries beside its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlBatch {
    /// Offset of the record; 0 if the log assigns it.
    pub base_offset: i64,
    /// Leader epoch; -1 if the log assigns it.
    pub leader_epoch: i32,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// Producer id and epoch of a transaction marker. Makes the batch transactional.
    pub transaction: Option<(i64, i16)>,
}

impl Default for ControlBatch {
    fn default() -> Self {
        Self {
            base_offset: 0,
            leader_epoch: -1,
            timestamp: NO_TIMESTAMP,
            transaction: None,
        }
    }
}

/// A batch of one control record. `value` is the encoded message, its version in front.
pub fn control_batch(
    kind: ControlType,
    value: &[u8],
    batch: &ControlBatch,
) -> Result<Bytes, BuildError> {
    let mut builder = BatchBuilder::new(Codec::None)
        .base_offset(batch.base_offset)
        .leader_epoch(batch.leader_epoch)
        .control(true);
    if let Some((id, epoch)) = batch.transaction {
        builder = builder
            .producer(Producer {
                id,
                epoch,
                base_sequence: NO_SEQUENCE,
            })
            .transactional(true);
    }
    builder.append(batch.timestamp, Some(&kind.key()), Some(value), &[])?;
    builder.build()
}

/// The batch that ends a transaction on a partition.
pub fn end_transaction_marker(
    commit: bool,
    coordinator_epoch: i32,
    batch: &ControlBatch,
) -> Result<Bytes, BuildError> {
    let [a, b, c, d] = coordinator_epoch.to_be_bytes();
    let kind = if commit {
        ControlType::Commit
    } else {
        ControlType::Abort
    };
    control_batch(kind, &[0, 0, a, b, c, d], batch)
}
