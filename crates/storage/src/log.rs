//! The log of one partition.
//!
//! | file | what |
//! |---|---|
//! | `append` | checks, offsets, the write, rolling |
//! | `read` | batches from the tail cache or from files |
//! | `transactions` | what batches of transactions and markers need beside that |
//! | `lookup` | by timestamp, by epoch, aborted transactions |
//! | `flush` | fsync, group commit, the recovery point |
//! | `retention` | removing old segments |
//! | `compact`, `replace` | a round of compaction, and its result in place of the originals |
//! | `cut` | where it stood at one moment, for a backup |
//! | `arrival` | when records came, and what they say themselves |
//! | `listing`, `load`, `recover` | opening a directory, after a clean shutdown or a crash |
//!
//! Locks, in the order they may be taken: upkeep → flush → state → segments → tail cache. The state
//! lock is the append lock: short, never over an fsync. Upkeep is held as long as retention or
//! compaction is at work; others never wait for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use limpid_platform::blocking::BlockingPool;
use limpid_platform::clock::Clock;
use limpid_platform::files::Files;
use limpid_protocol::Uuid;
use parking_lot::{Mutex, RwLock};

use crate::api::ProducerStatus;
use crate::arrivals::Arrivals;
use crate::checkpoint;
use crate::config::LogConfig;
use crate::dir::LogDir;
use crate::epochs::Epochs;
use crate::error::StorageError;
use crate::metrics::LogMetrics;
use crate::names;
use crate::open_files::OpenFiles;
use crate::producers::Producers;
use crate::replica::ReplicaState;
use crate::segment::Segment;
use crate::tail_cache::{Tail, TailCache};

mod append;
mod arrival;
mod compact;
pub(crate) mod cut;
mod flush;
pub(crate) mod listing;
mod load;
mod lookup;
pub(crate) mod outcome;
mod read;
mod recover;
mod replace;
pub(crate) mod retention;
mod spliced;
mod transactions;

pub use flush::FlushCallback;
pub use read::{COPIED_AT_ONCE_BYTES_MAX, ColdBytes, ColdRead, LogRead, Unread};

/// What all logs of a manager share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) open: Arc<OpenFiles>,
    pub(crate) tail_cache: Arc<TailCache>,
    pub(crate) metrics: LogMetrics,
    pub(crate) replica_state: Arc<dyn ReplicaState>,
    pub(crate) producer_expiration_ms: i64,
    pub(crate) flush_pool: BlockingPool,
    /// Zeros that are written ahead, see `segment::headroom`.
    pub(crate) headroom_bytes: u64,
}

/// What changes with every append, under the append lock.
#[derive(Debug)]
struct State {
    active: Arc<Segment>,
    producers: Producers,
    epochs: Epochs,
    arrivals: Arrivals,
    /// Producer snapshots taken at rolls, not yet written: (offset, content).
    snapshots: Vec<(i64, Vec<u8>)>,
    /// Bytes and records since the last flush, and when the first of them came.
    unflushed_bytes: u64,
    unflushed_records: i64,
    unflushed_since: Option<Duration>,
    /// The bytes that a flush is at, and when the first of them came: until it is done, a power cut
    /// costs them.
    on_the_way: Option<(u64, Duration)>,
    /// Files were made since the directory was last synced.
    dir_dirty: bool,
    /// Base of the active segment and end of the log as a clean shutdown left them; `None` for a
    /// log that is new or was repaired.
    opened_clean: Option<(i64, i64)>,
}

/// A partition's log. Shared as `Arc`; every method may be called from any thread.
#[derive(Debug)]
pub struct PartitionLog {
    topic: String,
    partition: i32,
    topic_id: RwLock<Uuid>,
    dir: Arc<LogDir>,
    path: RwLock<PathBuf>,
    config: RwLock<Arc<LogConfig>>,
    /// This log's share of `segment.jitter.ms`, 0..=1000 per mille.
    jitter_per_mille: i64,
    shared: Arc<Shared>,
    state: Mutex<State>,
    segments: RwLock<BTreeMap<i64, Arc<Segment>>>,
    tail: Arc<Tail>,
    log_start: AtomicI64,
    log_end: AtomicI64,
    high_watermark: AtomicI64,
    last_stable: AtomicI64,
    recovery_point: AtomicI64,
    closed: AtomicBool,
    /// Everything below is compacted; −1 when nothing is.
    clean_to: AtomicI64,
    /// Why it can't be compacted.
    unsound: Mutex<Option<String>>,
    /// Held while segments are removed or replaced.
    upkeep: Mutex<()>,
    /// Held while files get their final names.
    renaming: Mutex<()>,
    /// How often segments were replaced.
    replacements: AtomicU64,
    flush_lock: Mutex<()>,
    flush_queue: Mutex<flush::Queue>,
    /// Whether it is in the file system of its log directory; looked up once.
    is_in_whole: OnceLock<bool>,
}

impl PartitionLog {
    /// The topic's name.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The partition's number.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// The topic's id; zero when `partition.metadata` is missing or unreadable.
    #[must_use]
    pub fn topic_id(&self) -> Uuid {
        *self.topic_id.read()
    }

    /// Writes the topic id of a log that has none.
    ///
    /// # Errors
    /// I/O errors; the log directory goes offline unless the disk is merely full.
    pub fn set_topic_id(&self, id: Uuid) -> Result<(), StorageError> {
        let path = self.path().join(names::PARTITION_METADATA);
        let write = || checkpoint::write_topic_id(&*self.shared.files, &path, id);
        self.dir
            .with_reserve(write)
            .map_err(|e| self.dir.storage_error(&path, e))?;
        *self.topic_id.write() = id;
        Ok(())
    }

    /// The log directory (one of `log.dirs`) that holds this log.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir.path
    }

    pub(crate) fn log_dir(&self) -> &Arc<LogDir> {
        &self.dir
    }

    /// This log's own directory, now.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.path.read().clone()
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> Arc<LogConfig> {
        Arc::clone(&self.config.read())
    }

    /// Replaces the configuration; it counts from the next append on.
    pub fn update_config(&self, config: LogConfig) {
        *self.config.write() = Arc::new(config);
    }

    /// The first offset that can be read.
    #[must_use]
    pub fn log_start_offset(&self) -> i64 {
        self.log_start.load(Ordering::Acquire)
    }

    /// The offset the next record will get (LEO).
    #[must_use]
    pub fn log_end_offset(&self) -> i64 {
        self.log_end.load(Ordering::Acquire)
    }

    /// The offset up to which everybody may read (exclusive).
    #[must_use]
    pub fn high_watermark(&self) -> i64 {
        self.high_watermark.load(Ordering::Acquire)
    }

    /// The offset up to which a `read_committed` reader may read (exclusive): no transaction
    /// below it is open.
    #[must_use]
    pub fn last_stable_offset(&self) -> i64 {
        self.last_stable.load(Ordering::Acquire)
    }

    /// Everything below this offset is on the disk.
    #[must_use]
    pub fn recovery_point(&self) -> i64 {
        self.recovery_point.load(Ordering::Acquire)
    }

    /// The base offset of the first segment.
    pub(crate) fn first_base_offset(&self) -> i64 {
        self.segments
            .read()
            .first_key_value()
            .map_or(0, |(base, _)| *base)
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.segments
            .read()
            .values()
            .map(|segment| segment.size())
            .sum()
    }

    /// Segments, the active one included.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.segments.read().len()
    }

    /// The leader epoch of the newest batch.
    #[must_use]
    pub fn latest_epoch(&self) -> Option<i32> {
        self.state.lock().epochs.latest()
    }

    /// Notes that the leadership of `epoch` begins at the end of the log. To be called before the
    /// first append under that epoch; a known epoch changes nothing.
    ///
    /// It goes to the disk with the first records of the epoch: one without records tells nobody
    /// anything, and at a start every log of the node gets one.
    pub fn begin_epoch(&self, epoch: i32) {
        let mut state = self.state.lock();
        let end = self.log_end_offset();
        state.epochs.assign(epoch, end);
    }

    /// Producers remembered.
    #[must_use]
    pub fn producer_count(&self) -> usize {
        self.state.lock().producers.len()
    }

    /// The producers remembered, in no order.
    #[must_use]
    pub fn producers(&self) -> Vec<ProducerStatus> {
        self.state.lock().producers.statuses()
    }

    /// False after its log directory failed, or once it is closed.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.dir.is_online() && !self.closed.load(Ordering::Acquire)
    }

    /// Forgets idle producers; returns how many.
    pub(crate) fn expire_producers(&self) -> usize {
        let now = self.shared.clock.wall_ms();
        let expired = self
            .state
            .lock()
            .producers
            .expire(now, self.shared.producer_expiration_ms);
        self.shared.metrics.producers_expired.inc_by(expired as u64);
        expired
    }

    /// Moves high watermark and last stable offset after the end or the transactions changed.
    fn advance_watermarks(&self, state: &State) {
        let end = self.log_end_offset();
        let high = self
            .shared
            .replica_state
            .high_watermark(&self.topic, self.partition, end);
        assert!(
            high <= end,
            "the high watermark is never beyond the end of the log"
        );
        let high = high.max(self.high_watermark.load(Ordering::Relaxed));
        self.high_watermark.store(high, Ordering::Release);
        let undecided = state.producers.first_undecided();
        let stable = undecided.map_or(high, |first| first.min(high));
        self.last_stable.store(stable, Ordering::Release);
    }

    fn jitter_ms(&self, config: &LogConfig) -> i64 {
        config.segment_jitter_ms / 1_000 * self.jitter_per_mille
    }

    /// Stops appends and reads; the files stay. The directory was or will be renamed to `path`.
    pub(crate) fn close_as(&self, path: &Path) {
        let _state = self.state.lock();
        self.closed.store(true, Ordering::Release);
        path.clone_into(&mut self.path.write());
        for segment in self.segments.read().values() {
            segment.moved(path);
        }
        self.tail.clear();
    }
}

impl Drop for PartitionLog {
    fn drop(&mut self) {
        self.fail_flush_waiters("the log is closed");
    }
}
