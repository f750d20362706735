//! The words in which the log answers: plain data, shared by the modules below.

use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

/// Who appends: how much of the producer's promises is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A producer: epochs and sequences are checked, and a full disk refuses.
    Client,
    /// A coordinator's own records: epochs are checked; goes on below `min_free`.
    Coordinator,
    /// A copy from the leader: offsets and epochs are taken as they are.
    Replica,
}

/// Files of segments that are open, and how many may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentFiles {
    /// Indexes, and logs that nobody has written to since the last fsync.
    pub shared: usize,
    /// The limit of those.
    pub shared_max: usize,
    /// Files with bytes that are not on the disk.
    pub unsynced: usize,
    /// The limit of those.
    pub unsynced_max: usize,
}

/// What an append needs to know beside the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendMeta {
    /// Written into every batch, and into the epoch checkpoint when new.
    pub leader_epoch: i32,
    /// Who appends.
    pub origin: Origin,
}

/// The batches of an append, and whose memory they are in.
#[derive(Debug)]
pub enum AppendBytes<'a> {
    /// The caller's; what the log keeps is a copy.
    Lent(&'a [u8]),
    /// Nobody else's, if the caller kept no other handle: the log may write offsets into it and keep it
    /// for readers. Worth it where the batches are most of the memory that they keep alive.
    Given(Bytes),
}

impl Deref for AppendBytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Lent(bytes) => bytes,
            Self::Given(bytes) => bytes,
        }
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> From<&'a T> for AppendBytes<'a> {
    fn from(bytes: &'a T) -> Self {
        Self::Lent(bytes.as_ref())
    }
}

impl From<Bytes> for AppendBytes<'_> {
    fn from(bytes: Bytes) -> Self {
        Self::Given(bytes)
    }
}

/// Where an append landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendInfo {
    /// Offset of the first record.
    pub first_offset: i64,
    /// Offset of the last record.
    pub last_offset: i64,
    /// The append time for topics with `LogAppendTime`, else −1.
    pub log_append_time_ms: i64,
    /// The first offset of the log after the append.
    pub log_start_offset: i64,
    /// True when the batch had been appended before; the offsets are the old ones.
    pub duplicate: bool,
    /// Time spent waiting for the partition's lock.
    pub lock_wait: Duration,
}

/// What decides when retention deletes a record: segments are deleted whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retained {
    /// The largest timestamp in its segment, or when there is none the time of the last append.
    pub newest_ms: i64,
    /// Bytes in the segments behind it.
    pub bytes_behind: u64,
}

/// A record found by its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampedOffset {
    /// The record's timestamp, milliseconds since the epoch.
    pub timestamp: i64,
    /// Its offset.
    pub offset: i64,
    /// The leader epoch of its batch; −1 if unknown.
    pub leader_epoch: i32,
}

/// Lets a producer begin a transaction in a log, see `PartitionLog::permit_transaction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxnPermit(pub(crate) u64);

/// An aborted transaction that a `read_committed` reader has to skip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortedTxn {
    /// The producer.
    pub producer_id: i64,
    /// Offset of its first record in the transaction.
    pub first_offset: i64,
    /// Offset of the abort marker.
    pub last_offset: i64,
    /// The last stable offset once the marker was written.
    pub last_stable_offset: i64,
}

/// What a power cut now would cost one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unflushed {
    /// Bytes not yet synced.
    pub bytes: u64,
    /// Age of the oldest of them.
    pub age: Duration,
}

/// The state of one producer in a partition (for DescribeProducers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerStatus {
    /// The producer.
    pub producer_id: i64,
    /// Its epoch.
    pub epoch: i16,
    /// Its last sequence number; −1 if none.
    pub last_sequence: i32,
    /// Timestamp of its last batch; −1 if none.
    pub last_timestamp: i64,
    /// The epoch of the coordinator that wrote its last marker; −1 if none.
    pub coordinator_epoch: i32,
    /// First offset of its open transaction; −1 if none.
    pub current_txn_start_offset: i64,
}

/// A log directory, now.
#[derive(Debug, Clone, PartialEq)]
pub struct LogDirStatus {
    /// Its path as configured.
    pub path: PathBuf,
    /// False after an I/O error; `reason` says which.
    pub online: bool,
    /// Why it went offline; empty while online.
    pub reason: String,
    /// True while appends of clients are refused because of `min_free`.
    pub full: bool,
    /// Free bytes of the file system when last looked.
    pub free_bytes: u64,
    /// Size of the file system.
    pub total_bytes: u64,
    /// Partitions in it.
    pub partitions: usize,
    /// Bytes a power cut would cost now.
    pub unflushed_bytes: u64,
    /// Age of the oldest of them.
    pub unflushed_seconds: f64,
}

/// How far recovery is; handed to the progress callback after every log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryProgress {
    /// Logs opened so far.
    pub logs_done: usize,
    /// Logs to open in all.
    pub logs_total: usize,
    /// The log just opened, as `topic-partition`.
    pub log: String,
}

/// What opening the directories found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// True when every directory had the marker of a clean shutdown.
    pub clean: bool,
    /// Logs opened.
    pub logs: usize,
    /// Logs that had to be scanned.
    pub logs_recovered: usize,
    /// Segments scanned batch by batch.
    pub segments_scanned: usize,
    /// Bytes of those segments.
    pub bytes_scanned: u64,
    /// Bytes cut off because they were not whole valid batches.
    pub bytes_cut: u64,
    /// Segments removed because they came after a cut.
    pub segments_removed: usize,
    /// Index files rebuilt.
    pub indexes_rebuilt: usize,
    /// Producer snapshots thrown away as corrupt.
    pub snapshots_discarded: usize,
    /// One line for each thing out of the ordinary, for the log and the overview page.
    pub notes: Vec<String>,
    /// Directories that failed, with the reason.
    pub failed_dirs: Vec<(PathBuf, String)>,
    /// Directory names found with the suffix `-stray`; they are left alone.
    pub strays: Vec<PathBuf>,
    /// How long it took.
    pub duration: Duration,
}
