//! Errors of the log, typed where the broker decides by them.

use std::io;
use std::path::PathBuf;

use limpid_platform::lock::LockError;

/// Why an append was refused. Nothing was written, or what was written was taken back.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum AppendError {
    /// A sequence number is not the next one (`OUT_OF_ORDER_SEQUENCE_NUMBER`).
    #[error(
        "sequence {got} of producer {producer_id} is out of order, the last one was {last} \
         (epoch {epoch})"
    )]
    OutOfOrderSequence {
        /// The producer.
        producer_id: i64,
        /// Its epoch in the refused batch.
        epoch: i16,
        /// The last sequence number known; −1 when the epoch is new.
        last: i32,
        /// The first sequence number of the batch.
        got: i32,
    },
    /// The producer has been replaced by one with a higher epoch (`INVALID_PRODUCER_EPOCH`).
    #[error("epoch {got} of producer {producer_id} is older than {current}")]
    InvalidProducerEpoch {
        /// The producer.
        producer_id: i64,
        /// The epoch known.
        current: i16,
        /// The epoch of the batch.
        got: i16,
    },
    /// A marker comes from a coordinator that has been replaced
    /// (`TRANSACTION_COORDINATOR_FENCED`).
    #[error("coordinator epoch {got} of producer {producer_id} is older than {current}")]
    CoordinatorFenced {
        /// The producer.
        producer_id: i64,
        /// The coordinator epoch known.
        current: i32,
        /// The coordinator epoch of the marker.
        got: i32,
    },
    /// A plain batch while the producer has a transaction open (`INVALID_TXN_STATE`).
    #[error("producer {producer_id} has a transaction open and sent a batch outside of it")]
    InvalidTxnState {
        /// The producer.
        producer_id: i64,
    },
    /// A batch would begin a transaction that its coordinator does not know to be here, or not any
    /// more (`INVALID_TXN_STATE`).
    #[error("the batch of producer {producer_id} is not part of an ongoing transaction")]
    NotInTransaction {
        /// The producer.
        producer_id: i64,
    },
    /// The bytes are not whole batches of magic 2 (`CORRUPT_MESSAGE`); validation should have
    /// caught this.
    #[error("malformed batches: {0}")]
    Malformed(&'static str),
    /// More bytes than a segment may hold (`RECORD_LIST_TOO_LARGE`).
    #[error("{bytes} bytes in one append, the segment limit is {limit}")]
    TooLarge {
        /// Bytes of the append.
        bytes: usize,
        /// `segment.bytes`.
        limit: u32,
    },
    /// The disk is full or below `min_free`: retriable, resumes by itself when there is room.
    #[error("the disk of {dir} is full: {free_bytes} bytes are free")]
    DiskFull {
        /// The log directory.
        dir: PathBuf,
        /// Bytes free when last looked.
        free_bytes: u64,
    },
    /// The log directory failed (`KAFKA_STORAGE_ERROR`) and stays offline until a restart.
    #[error("the log directory {dir} is offline: {reason}")]
    DirOffline {
        /// The log directory.
        dir: PathBuf,
        /// The first failure.
        reason: String,
    },
    /// The system is short of file descriptors; retriable (`KAFKA_STORAGE_ERROR`).
    #[error("can't write now: {0}")]
    Busy(String),
    /// The partition was deleted or the manager shut down (`NOT_LEADER_OR_FOLLOWER`).
    #[error("the log is closed")]
    Closed,
}

/// Why a read or look-up failed.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum ReadError {
    /// The offset is not in the log (`OFFSET_OUT_OF_RANGE`).
    #[error("offset {offset} is outside of the log, which has {start}..{end}")]
    OffsetOutOfRange {
        /// What was asked for.
        offset: i64,
        /// The first offset of the log.
        start: i64,
        /// One past its last.
        end: i64,
    },
    /// What the disk returned is not a record batch (`CORRUPT_MESSAGE`).
    #[error("corrupt batch in {file} at position {position}: {reason}")]
    Corrupt {
        /// The segment file.
        file: PathBuf,
        /// Bytes from its start.
        position: u64,
        /// What is wrong.
        reason: String,
    },
    /// The log directory failed (`KAFKA_STORAGE_ERROR`).
    #[error("the log directory {dir} is offline: {reason}")]
    DirOffline {
        /// The log directory.
        dir: PathBuf,
        /// The first failure.
        reason: String,
    },
    /// The system is short of file descriptors or memory; retriable.
    #[error("can't read now: {0}")]
    Busy(String),
    /// The partition was deleted.
    #[error("the log is closed")]
    Closed,
}

/// Failures of the other operations on logs.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// An I/O error; the log directory was taken offline unless the disk is merely full.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file's content is not what its name promises.
    #[error("{path}: {reason}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The partition has a log already.
    #[error("{topic}-{partition} has a log already")]
    Exists {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// There is no such log.
    #[error("{topic}-{partition} has no log here")]
    NotFound {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// A name that can't be a topic's.
    #[error("{0:?} is not a topic name")]
    InvalidTopic(String),
    /// The log directory failed.
    #[error("the log directory {dir} is offline: {reason}")]
    DirOffline {
        /// The log directory.
        dir: PathBuf,
        /// The first failure.
        reason: String,
    },
    /// No log directory is online.
    #[error("no log directory is online")]
    NoDir,
    /// The log was deleted or shut down.
    #[error("the log is closed")]
    Closed,
    /// An offset that is not in the log.
    #[error("offset {offset} is outside of the log, which has {start}..{end}")]
    OffsetOutOfRange {
        /// What was asked for.
        offset: i64,
        /// The first offset of the log.
        start: i64,
        /// The high watermark.
        end: i64,
    },
}

/// Why the log directories could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No directory was given.
    #[error("no log directory is configured")]
    NoDirs,
    /// Another process has the directory.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// Every directory failed; the reasons, one per line.
    #[error("no log directory can be used: {0}")]
    AllFailed(String),
    /// The same partition lies in two directories, and which one is right can't be told.
    #[error("{topic}-{partition} is in both {first} and {second}")]
    Duplicate {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// One directory.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// Threads could not be started.
    #[error("can't start recovery threads: {0}")]
    Threads(io::Error),
}
