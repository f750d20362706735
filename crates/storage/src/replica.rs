//! The seam for replication: who says how far a log is safe to be read.

use std::fmt;

/// Decides the high watermark of a log after its end has moved.
pub trait ReplicaState: Send + Sync + fmt::Debug {
    /// The new high watermark of `topic`-`partition`; never beyond `log_end_offset`, and never
    /// below what it answered before for the same log.
    fn high_watermark(&self, topic: &str, partition: i32, log_end_offset: i64) -> i64;
}

/// One replica: what is in the log may be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct SingleReplica;

impl ReplicaState for SingleReplica {
    fn high_watermark(&self, _topic: &str, _partition: i32, log_end_offset: i64) -> i64 {
        log_end_offset
    }
}
