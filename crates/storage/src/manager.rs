//! All logs of a broker: the directories, opening, creating, deleting, the background work.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use limpid_platform::clock::{Clock, SystemClock};
use limpid_platform::files::{Files, RealFiles};
use limpid_platform::random::{OsRandom, Random};
use limpid_protocol::Uuid;
use parking_lot::{Mutex, RwLock};

use crate::api::{LogDirStatus, SegmentFiles};
use crate::compaction::CompactionSettings;
use crate::config::LogConfig;
use crate::dir::{LogDir, MinFree};
use crate::error::StorageError;
use crate::log::listing::LoadParams;
use crate::log::{PartitionLog, Shared};
use crate::metrics::LogMetrics;
use crate::names;
use crate::replica::{ReplicaState, SingleReplica};
use crate::segment::headroom::HEADROOM_BYTES;
use crate::tail_cache::TailCacheStats;

mod background;
mod compaction;
mod cut;
mod failures;
mod flushing;
mod open;

use background::Background;
pub use background::RetentionDone;
use compaction::Cleaners;

pub use cut::Cut;

/// The configuration of a topic by its name, asked when its logs are opened.
pub type TopicConfigs = Box<dyn Fn(&str) -> Option<LogConfig> + Send + Sync>;

/// Threads that sync files unless told otherwise. They wait for the disk, not for a processor, and files that
/// are synced side by side share a commit of the file system's journal: on ext4 six files synced by one thread
/// took three to six times as long as by six.
const FLUSH_THREADS: usize = 8;

/// How to open the log directories. [`LogManagerOptions::new`] gives the defaults.
pub struct LogManagerOptions {
    /// `log.dirs`; they must exist.
    pub dirs: Vec<PathBuf>,
    /// The configuration of topics that have none of their own.
    pub defaults: LogConfig,
    /// The configuration of a topic.
    pub topic_configs: TopicConfigs,
    /// The file system.
    pub files: Arc<dyn Files>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Randomness for the names of deleted logs.
    pub random: Arc<dyn Random>,
    /// Who decides the high watermark.
    pub replica_state: Arc<dyn ReplicaState>,
    /// What is counted.
    pub metrics: LogMetrics,
    /// `producer.id.expiration.ms`.
    pub producer_expiration_ms: i64,
    /// `num.recovery.threads.per.data.dir`, for all directories together.
    pub recovery_threads: usize,
    /// Threads that sync files.
    pub flush_threads: usize,
    /// Budget of the tail cache; 0 turns it off.
    pub tail_cache_bytes: usize,
    /// Zeros that are written at once behind the last batch of a segment that much is appended to, so that
    /// appends find pages there; 0 for none, at most 1 MiB.
    pub headroom_bytes: u64,
    /// Files of segments that may be open at once: indexes, and logs that are on the disk.
    pub open_segment_files: usize,
    /// Files of segments that may be open at once because they have bytes that are not on the disk.
    pub unsynced_segment_files: usize,
    /// What client appends must leave free.
    pub min_free: MinFree,
    /// Space set aside for checkpoints and deletes on a full disk.
    pub reserve_bytes: u64,
    /// `log.retention.check.interval.ms`.
    pub retention_check_ms: u64,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub checkpoint_ms: u64,
    /// `log.cleaner.*`.
    pub compaction: CompactionSettings,
}

impl LogManagerOptions {
    /// Kafka's defaults where Kafka has the setting.
    #[must_use]
    pub fn new(dirs: Vec<PathBuf>, metrics: LogMetrics) -> Self {
        Self {
            dirs,
            defaults: LogConfig::default(),
            topic_configs: Box::new(|_| None),
            files: Arc::new(RealFiles),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(OsRandom),
            replica_state: Arc::new(SingleReplica),
            metrics,
            producer_expiration_ms: 86_400_000,
            recovery_threads: 2,
            flush_threads: FLUSH_THREADS,
            tail_cache_bytes: 64 << 20,
            headroom_bytes: HEADROOM_BYTES,
            open_segment_files: 4_096,
            unsynced_segment_files: 16_384,
            min_free: MinFree::default(),
            reserve_bytes: 8 << 20,
            retention_check_ms: 300_000,
            checkpoint_ms: 5_000,
            compaction: CompactionSettings::default(),
        }
    }
}

impl fmt::Debug for LogManagerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogManagerOptions")
            .field("dirs", &self.dirs)
            .finish_non_exhaustive()
    }
}

/// topic → partition → log.
type Logs = HashMap<String, BTreeMap<i32, Arc<PartitionLog>>>;

/// All logs of a broker. Dropping it without [`LogManager::shutdown`] is a crash as far as the
/// files are concerned: the next start recovers.
#[derive(Debug)]
pub struct LogManager {
    shared: Arc<Shared>,
    dirs: Vec<Arc<LogDir>>,
    defaults: RwLock<LogConfig>,
    random: Arc<dyn Random>,
    logs: RwLock<Logs>,
    /// One creation or deletion at a time; never taken by the data path.
    changing: Mutex<()>,
    background: Background,
    cleaners: Cleaners,
    broker_epoch: AtomicI64,
    stopped: AtomicBool,
}

impl LogManager {
    /// Makes the log of a partition, in the online directory with the fewest logs.
    ///
    /// # Errors
    /// [`StorageError::Exists`], [`StorageError::NoDir`], I/O errors.
    pub fn create(
        &self,
        topic: &str,
        topic_id: Uuid,
        partition: i32,
        config: LogConfig,
    ) -> Result<Arc<PartitionLog>, StorageError> {
        if !names::is_topic_name(topic) || partition < 0 {
            return Err(StorageError::InvalidTopic(topic.to_owned()));
        }
        let _one_at_a_time = self.changing.lock();
        self.check_running()?;
        if self.get(topic, partition).is_some() {
            return Err(StorageError::Exists {
                topic: topic.to_owned(),
                partition,
            });
        }
        let dir = self.emptiest_dir()?;
        let topic_name = topic.to_owned();
        let params = LoadParams {
            topic: topic_name.clone(),
            partition,
            config,
            clean: true,
            recovery_point: 0,
            log_start: 0,
            clean_to: None,
            arrivals: None,
        };
        let log = Arc::new(PartitionLog::create(&self.shared, &dir, params, topic_id)?);
        self.logs
            .write()
            .entry(topic_name)
            .or_default()
            .insert(partition, Arc::clone(&log));
        Ok(log)
    }

    /// The log of a partition, if it is here.
    #[must_use]
    pub fn get(&self, topic: &str, partition: i32) -> Option<Arc<PartitionLog>> {
        self.logs.read().get(topic)?.get(&partition).cloned()
    }

    /// All logs, in no order.
    #[must_use]
    pub fn logs(&self) -> Vec<Arc<PartitionLog>> {
        self.logs
            .read()
            .values()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect()
    }

    /// Deletes a log: its directory is renamed now and removed after `file.delete.delay.ms`.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], I/O errors.
    pub fn delete(&self, topic: &str, partition: i32) -> Result<(), StorageError> {
        let (path, delay_ms) = self.set_aside(topic, partition, names::delete_dir)?;
        self.background
            .remove_dir_later(&*self.shared.clock, path, delay_ms);
        Ok(())
    }

    /// Sets a log aside that the metadata does not know, as Kafka does: renamed to `-stray`,
    /// never removed by us.
    ///
    /// # Errors
    /// As [`LogManager::delete`].
    pub fn mark_stray(&self, topic: &str, partition: i32) -> Result<(), StorageError> {
        let (path, _) = self.set_aside(topic, partition, names::stray_dir)?;
        tracing::warn!(topic.name = topic, topic.partition = partition, path = %path.display(),
            "set a log aside that the metadata does not know");
        Ok(())
    }

    fn set_aside(
        &self,
        topic: &str,
        partition: i32,
        name: fn(&str, i32, [u8; 16]) -> String,
    ) -> Result<(PathBuf, i64), StorageError> {
        let _one_at_a_time = self.changing.lock();
        self.check_running()?;
        let not_found = || StorageError::NotFound {
            topic: topic.to_owned(),
            partition,
        };
        let log = self.get(topic, partition).ok_or_else(not_found)?;
        let dir = Arc::clone(log.log_dir());
        let unique = self.random.bytes16().map_err(|source| StorageError::Io {
            path: dir.path.clone(),
            source,
        })?;
        let to = dir.path.join(name(topic, partition, unique));
        let from = log.path();
        let _nobody_renames = log.hold_replacements();
        // The name changes first: if that fails the log is as it was.
        self.shared
            .files
            .rename(&from, &to)
            .map_err(|e| dir.storage_error(&from, e))?;
        log.close_as(&to);
        let mut logs = self.logs.write();
        if let Some(partitions) = logs.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                logs.remove(topic);
            }
        }
        drop(logs);
        self.shared
            .files
            .sync_dir(&dir.path)
            .map_err(|e| dir.storage_error(&dir.path, e))?;
        // A later log of the same name must not inherit this one's recovery point.
        self.write_checkpoints(&dir)?;
        Ok((to, log.config().file_delete_delay_ms))
    }

    /// Gives every log of a topic a new configuration.
    pub fn update_config(&self, topic: &str, config: &LogConfig) {
        let partitions: Vec<_> = self
            .logs
            .read()
            .get(topic)
            .into_iter()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect();
        partitions
            .iter()
            .for_each(|log| log.update_config(config.clone()));
    }

    /// The configuration of topics without one of their own.
    #[must_use]
    pub fn defaults(&self) -> LogConfig {
        self.defaults.read().clone()
    }

    /// Replaces the defaults; logs already open keep what they have.
    pub fn set_defaults(&self, config: LogConfig) {
        *self.defaults.write() = config;
    }

    /// Gives the reserve of a log directory back to the disk; false when there is none.
    pub fn give_reserve_back(&self, dir: &Path) -> bool {
        let dir = self.dirs.iter().find(|known| known.path == dir);
        dir.is_some_and(|dir| dir.give_reserve_back())
    }

    /// The epoch to write into the marker of a clean shutdown (KIP-966).
    pub fn set_broker_epoch(&self, epoch: i64) {
        self.broker_epoch.store(epoch, Ordering::Relaxed);
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &LogMetrics {
        &self.shared.metrics
    }

    /// Use and limit of the tail cache.
    #[must_use]
    pub fn tail_cache(&self) -> TailCacheStats {
        self.shared.tail_cache.stats()
    }

    /// Open files of segments, and their limits.
    #[must_use]
    pub fn segment_files(&self) -> SegmentFiles {
        self.shared.open.usage()
    }

    /// The threads that sync files: use and limits.
    #[must_use]
    pub fn flush_pool(&self) -> limpid_platform::blocking::PoolStats {
        self.shared.flush_pool.stats()
    }

    /// The log directories, now.
    #[must_use]
    pub fn dirs(&self) -> Vec<LogDirStatus> {
        let logs = self.logs();
        let status = |dir: &Arc<LogDir>| {
            let (mut partitions, mut bytes, mut age) = (0, 0, Duration::ZERO);
            for log in logs.iter().filter(|log| Arc::ptr_eq(log.log_dir(), dir)) {
                let unflushed = log.unflushed();
                partitions += 1;
                bytes += unflushed.bytes;
                if unflushed.bytes > 0 {
                    age = age.max(unflushed.age);
                }
            }
            let space = dir.space();
            LogDirStatus {
                path: dir.path.clone(),
                online: dir.is_online(),
                reason: dir.reason(),
                full: dir.is_full(),
                free_bytes: space.free_bytes,
                total_bytes: space.total_bytes,
                partitions,
                unflushed_bytes: bytes,
                unflushed_seconds: age.as_secs_f64(),
            }
        };
        self.dirs.iter().map(status).collect()
    }

    fn check_running(&self) -> Result<(), StorageError> {
        if self.stopped.load(Ordering::Acquire) {
            Err(StorageError::Closed)
        } else {
            Ok(())
        }
    }

    fn emptiest_dir(&self) -> Result<Arc<LogDir>, StorageError> {
        let online = self.dirs.iter().filter(|dir| dir.is_online());
        let online: Vec<_> = online.collect();
        // Mostly there is one, and counting tens of thousands of logs for each new one would be felt.
        if let [only] = online[..] {
            return Ok(Arc::clone(only));
        }
        let logs = self.logs.read();
        let load = |dir: &&Arc<LogDir>| {
            let logs = logs.values().flat_map(BTreeMap::values);
            logs.filter(|log| Arc::ptr_eq(log.log_dir(), dir)).count()
        };
        let emptiest = online.into_iter().min_by_key(load);
        emptiest.cloned().ok_or(StorageError::NoDir)
    }
}
