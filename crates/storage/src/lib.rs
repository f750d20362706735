//! The commit log and the metadata log, in Kafka's own files.
//!
//! # The commit log
//!
//! A [`LogManager`] owns the log directories; each partition is a [`PartitionLog`] of segments.
//! Kafka 4.3 opens what we write and the other way round. The files are drawn where they are
//! written: text files in `checkpoint`, indexes in `index`, producer snapshots in
//! `producers::snapshot`, batches in `limpid_protocol::records`.
//!
//! # What survives what
//!
//! * **The process dies** (panic, `kill -9`, out of memory): everything acknowledged is there. An
//!   append is one or more `pwrite`s into the page cache before it is answered, and the page cache
//!   belongs to the kernel. The next start finds no clean marker and checks every batch from the
//!   recovery point on: checksums, rising offsets; the torn tail is cut, indexes, leader epochs
//!   and producer state are rebuilt.
//! * **The machine dies** (power, kernel): what was not yet synced may be lost, at most about a
//!   second of it by default ([`PartitionLog::unflushed`] says how much it would be now). With
//!   `flush.messages=1` acknowledgements wait for the disk ([`PartitionLog::on_flushed`]) and
//!   nothing acknowledged is lost.
//! * **The disk is full**: client appends are refused before the file is touched; an append that
//!   met ENOSPC half-way is taken back. Nothing is lost and it goes on by itself.
//! * **The disk fails** (EIO, a failed fsync): the log directory is offline until a restart;
//!   nothing in it is acknowledged any more. What was acknowledged before and not synced is in
//!   doubt, as it is after a power cut.
//!
//! # Invariants
//!
//! * Appends of a log happen one at a time, under its lock, which is never held over an fsync.
//! * Readers see whole batches below the end offset, and files are never mapped into memory.
//! * The recovery point moves only after everything below it is on the disk.

mod api;
mod arrivals;
pub mod backup;
mod checkpoint;
mod compaction;
mod config;
mod cut_file;
mod dir;
mod epochs;
mod error;
mod index;
pub mod inspect;
mod log;
mod manager;
pub mod metadata;
mod metrics;
mod names;
mod open_files;
mod producers;
mod replica;
mod scan;
mod segment;
mod tail_cache;
#[cfg(feature = "testing")]
pub mod testing;

pub use api::{
    AbortedTxn, AppendBytes, AppendInfo, AppendMeta, LogDirStatus, Origin, ProducerStatus,
    RecoveryProgress, RecoveryReport, Retained, SegmentFiles, TimestampedOffset, TxnPermit,
    Unflushed,
};
pub use compaction::CompactionSettings;
pub use config::{CleanupPolicy, LogConfig, TimestampType};
pub use dir::MinFree;
pub use error::{AppendError, OpenError, ReadError, StorageError};
pub use log::{
    COPIED_AT_ONCE_BYTES_MAX, ColdBytes, ColdRead, FlushCallback, LogRead, PartitionLog, Unread,
};
pub use manager::{Cut, LogManager, LogManagerOptions, RetentionDone, TopicConfigs};
pub use metrics::LogMetrics;
pub use names::RUN as RUN_FILE;
pub use replica::{ReplicaState, SingleReplica};
pub use tail_cache::TailCacheStats;

#[cfg(test)]
mod tests;
