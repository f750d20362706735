//! Whole logs on real files: the model under crashes, faults, retention, Kafka's corner cases.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use limpid_platform::clock::ManualClock;
use limpid_platform::files::{FaultyFiles, RealFiles};
use limpid_protocol::Uuid;
use limpid_protocol::records::{BatchBuilder, Codec, Producer};
use limpid_telemetry::Registry;
use tempfile::TempDir;

use crate::{
    AppendError, AppendInfo, AppendMeta, LogConfig, LogManager, LogManagerOptions, LogMetrics,
    MinFree, Origin, PartitionLog, RecoveryReport,
};

mod arrivals;
mod backup;
mod compaction;
mod crash;
mod faults;
mod flushing;
mod headroom;
mod indexes;
mod inspect;
mod life;
mod reads;
mod room;
mod spliced;
mod transactions;

/// A log directory that can be opened, crashed and opened again.
struct Bench {
    dir: TempDir,
    clock: Arc<ManualClock>,
    files: FaultyFiles,
    config: LogConfig,
    tail_cache_bytes: usize,
    keys_bytes: usize,
    headroom_bytes: u64,
}

const TOPIC: &str = "orders";
const START_MS: i64 = 1_700_000_000_000;
const META: AppendMeta = AppendMeta {
    leader_epoch: 0,
    origin: Origin::Client,
};

impl Bench {
    fn new() -> Self {
        Self {
            dir: memory_dir(),
            clock: Arc::new(ManualClock::new(START_MS)),
            files: FaultyFiles::new(Arc::new(RealFiles)),
            config: LogConfig {
                index_interval_bytes: 200,
                ..LogConfig::default()
            },
            tail_cache_bytes: 1 << 20,
            keys_bytes: 1 << 20,
            headroom_bytes: 1_000,
        }
    }

    fn options(&self) -> LogManagerOptions {
        let metrics = LogMetrics::register(&Registry::new()).unwrap();
        let mut options = LogManagerOptions::new(vec![self.dir.path().to_owned()], metrics);
        options.defaults = self.config.clone();
        options.clock = self.clock.clone();
        options.files = Arc::new(self.files.clone());
        options.tail_cache_bytes = self.tail_cache_bytes;
        options.headroom_bytes = self.headroom_bytes;
        options.min_free = MinFree {
            percent: 0,
            at_least_bytes: 0,
        };
        options.reserve_bytes = 64 << 10;
        options.retention_check_ms = 0;
        options.checkpoint_ms = 0;
        // Only when a test asks for it.
        options.compaction.backoff = Duration::MAX;
        options.compaction.keys_bytes = self.keys_bytes;
        options.compaction.io_bytes = 2_000;
        options
    }

    fn open(&self) -> (Arc<LogManager>, RecoveryReport) {
        LogManager::open(self.options(), &|_| {}).unwrap()
    }

    fn create(&self, manager: &LogManager) -> Arc<PartitionLog> {
        let id = Uuid::from_bytes([7; 16]);
        manager.create(TOPIC, id, 0, self.config.clone()).unwrap()
    }

    /// Opens the manager with one fresh log.
    fn start(&self) -> (Arc<LogManager>, Arc<PartitionLog>) {
        let (manager, _) = self.open();
        let log = self.create(&manager);
        (manager, log)
    }

    /// Drops everything without a shutdown and opens again.
    fn crash(
        &self,
        manager: Arc<LogManager>,
        log: Arc<PartitionLog>,
    ) -> (Arc<LogManager>, Arc<PartitionLog>, RecoveryReport) {
        drop((log, manager));
        let (manager, report) = self.open();
        let log = manager.get(TOPIC, 0).unwrap();
        (manager, log, report)
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join(format!("{TOPIC}-0"))
    }

    /// The names in the log's directory that end so.
    fn names(&self, suffix: &str) -> Vec<String> {
        names_in(&self.log_path(), suffix)
    }

    fn advance(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }
}

/// A directory in memory where the system has such a place: thousands of fsyncs are waited for.
fn memory_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn names_in(path: &Path, suffix: &str) -> Vec<String> {
    let mut out: Vec<String> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(suffix))
        .collect();
    out.sort();
    out
}

/// A batch of `count` records with values of `size` bytes, the first one stamped `timestamp`.
fn batch(count: i64, size: usize, timestamp: i64) -> Bytes {
    build(BatchBuilder::new(Codec::None), count, size, timestamp)
}

fn build(mut builder: BatchBuilder, count: i64, size: usize, timestamp: i64) -> Bytes {
    for i in 0..count {
        let value: Vec<u8> = (0..size)
            .map(|at| (at as i64 * 31 + timestamp + i) as u8)
            .collect();
        builder
            .append(timestamp + i, Some(b"key"), Some(&value), &[])
            .unwrap();
    }
    builder.build().unwrap()
}

fn idempotent(id: i64, epoch: i16, base_sequence: i32, count: i64) -> Bytes {
    let builder = BatchBuilder::new(Codec::None).producer(Producer {
        id,
        epoch,
        base_sequence,
    });
    build(builder, count, 20, START_MS)
}

fn append(log: &Arc<PartitionLog>, batch: &[u8]) -> Result<AppendInfo, AppendError> {
    log.append(batch, &META)
}

/// Everything in the log, batch by batch.
fn read_all(log: &Arc<PartitionLog>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut offset = log.log_start_offset();
    while offset < log.log_end_offset() {
        let batches = log
            .read(offset, 10_000, i64::MAX, true)
            .unwrap()
            .into_batches()
            .unwrap();
        assert!(!batches.is_empty(), "a read below the end is never empty");
        for bytes in batches {
            for view in limpid_protocol::records::Batches::new(&bytes) {
                let view = view.unwrap();
                view.verify_crc().unwrap();
                assert!(view.header().last_offset() >= offset);
                offset = view.header().next_offset();
            }
            out.extend_from_slice(&bytes);
        }
    }
    out
}
