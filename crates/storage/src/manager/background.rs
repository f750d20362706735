//! What happens about once a second, and at the end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use limpid_platform::clock::Clock;
use parking_lot::Mutex;

use super::LogManager;
use super::failures::Failures;
use crate::arrivals::file::Writer;
use crate::checkpoint::{self, Offsets};
use crate::dir::LogDir;
use crate::error::StorageError;
use crate::log::PartitionLog;
use crate::log::retention::Condemned;
use crate::names;
use crate::segment::Segment;

/// Idle producers are looked for this often (`producer.id.expiration.check.interval.ms`).
const PRODUCER_CHECK: Duration = Duration::from_secs(600);
/// Logs that are closed at a time. Each waits for the disk's journal a few times, and those who
/// wait together are served together.
const CLOSING_THREADS: usize = 16;

/// Something to be removed from the disk later.
#[derive(Debug)]
enum Doomed {
    Dir(PathBuf),
    Segment {
        segment: Arc<Segment>,
        snapshot: Option<PathBuf>,
    },
}

/// Timers and what waits for them.
#[derive(Debug)]
pub(super) struct Background {
    retention_every: Duration,
    checkpoint_every: Duration,
    last: Mutex<LastRuns>,
    doomed: Mutex<Vec<(Duration, Doomed)>>,
}

#[derive(Debug, Default)]
struct LastRuns {
    retention: Duration,
    producers: Duration,
    checkpoints: Duration,
}

impl Background {
    pub(super) fn new(retention_check_ms: u64, checkpoint_ms: u64) -> Self {
        Self {
            retention_every: Duration::from_millis(retention_check_ms),
            checkpoint_every: Duration::from_millis(checkpoint_ms),
            last: Mutex::default(),
            doomed: Mutex::default(),
        }
    }

    pub(super) fn remove_dir_later(&self, clock: &dyn Clock, path: PathBuf, delay_ms: i64) {
        self.add(clock, Doomed::Dir(path), delay_ms);
    }

    fn add(&self, clock: &dyn Clock, doomed: Doomed, delay_ms: i64) {
        let delay = Duration::from_millis(u64::try_from(delay_ms).unwrap_or(0));
        self.doomed.lock().push((clock.monotonic() + delay, doomed));
    }

    fn take_due(&self, now: Duration) -> Vec<Doomed> {
        let mut doomed = self.doomed.lock();
        let (due, wait) = std::mem::take(&mut *doomed)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        *doomed = wait;
        let due: Vec<(Duration, Doomed)> = due;
        due.into_iter().map(|(_, doomed)| doomed).collect()
    }
}

/// True when `every` has passed since `last`, which then becomes `now`.
fn due(last: &mut Duration, now: Duration, every: Duration) -> bool {
    let due = now.saturating_sub(*last) >= every;
    if due {
        *last = now;
    }
    due
}

/// What a run of retention did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionDone {
    /// Logs that were looked at: those that are online.
    pub logs: usize,
    /// Segments that went.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Logs of which nothing could be removed.
    pub failed: usize,
}

impl LogManager {
    /// The background work: disk space, fsync of everything that waits, retention, forgetting
    /// compaction (by threads of its own), producers, removing files, checkpoints. To be called about once a second from one thread;
    /// blocks on the disk. Errors are logged and take their directory offline.
    pub fn tick(self: &Arc<Self>) {
        if self.stopped.load(Ordering::Acquire) {
            return;
        }
        let now = self.shared.clock.monotonic();
        for dir in self.dirs.iter().filter(|dir| dir.is_online()) {
            dir.look();
            dir.make_reserve();
        }
        let logs = self.logs();
        self.flush_all(&logs);
        self.show_files();
        let (retention, producers, checkpoints) = {
            let mut last = self.background.last.lock();
            (
                due(&mut last.retention, now, self.background.retention_every),
                due(&mut last.producers, now, PRODUCER_CHECK),
                due(&mut last.checkpoints, now, self.background.checkpoint_every),
            )
        };
        if retention {
            self.apply_retention(&logs);
        }
        if producers {
            let expired: usize = logs.iter().map(|log| log.expire_producers()).sum();
            tracing::debug!(expired, "looked for idle producers");
        }
        self.tend_compaction(now);
        self.remove_doomed(now);
        if checkpoints {
            for dir in self.dirs.iter().filter(|dir| dir.is_online()) {
                if let Err(e) = self.write_checkpoints(dir) {
                    tracing::warn!(error = %e, "can't write checkpoints");
                }
                self.write_arrivals(dir, Some(now));
            }
        }
    }

    fn show_files(&self) {
        let (files, metrics) = (self.segment_files(), &self.shared.metrics);
        let count = |files: usize| i64::try_from(files).unwrap_or(i64::MAX);
        metrics.unsynced_files.set(count(files.unsynced));
        metrics.unsynced_files_max.set(count(files.unsynced_max));
        metrics.shared_files.set(count(files.shared));
        metrics.shared_files_max.set(count(files.shared_max));
    }

    /// Removes what retention says, now, whatever the interval: of one topic, or of all.
    pub fn apply_retention_now(&self, topic: Option<&str>) -> RetentionDone {
        let mut logs = self.logs();
        logs.retain(|log| topic.is_none_or(|topic| log.topic() == topic));
        self.apply_retention(&logs)
    }

    /// Flushes everything, writes snapshots, checkpoints and the marker of a clean shutdown.
    /// Nothing can be appended or read afterwards.
    ///
    /// Directories that are offline already are left as they are: they get no marker and are
    /// recovered when they are back.
    ///
    /// # Errors
    /// The first failure of this call; its directory gets no marker either.
    pub fn shutdown(&self) -> Result<(), StorageError> {
        let _one_at_a_time = self.changing.lock();
        if self.stopped.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.cleaners.stop();
        for dir in self.dirs.iter().filter(|dir| !dir.is_online()) {
            tracing::warn!(dir = %dir.path.display(), "offline, recovered when it is back");
        }
        let mut logs = self.logs();
        logs.retain(|log| log.log_dir().is_online());
        let mut first_error = None;
        let results = close_all(&logs);
        let mut failed_dirs: Vec<PathBuf> = Vec::new();
        for (log, result) in logs.iter().zip(results) {
            if let Err(e) = result {
                failed_dirs.push(log.dir().to_owned());
                first_error.get_or_insert(e);
            }
        }
        for dir in &self.dirs {
            if !dir.is_online() || failed_dirs.contains(&dir.path) {
                continue;
            }
            if let Err(e) = self.finish_dir(dir) {
                first_error.get_or_insert(e);
            }
        }
        self.shared.flush_pool.shutdown();
        self.dirs.iter().for_each(|dir| dir.unlock());
        first_error.map_or(Ok(()), Err)
    }

    /// The checkpoints of every directory, now.
    #[cfg(test)]
    pub(crate) fn write_checkpoints_for_test(&self) {
        self.dirs
            .iter()
            .for_each(|dir| self.write_checkpoints(dir).unwrap());
    }

    fn finish_dir(&self, dir: &LogDir) -> Result<(), StorageError> {
        self.write_checkpoints(dir)?;
        self.write_arrivals(dir, None);
        let marker = dir.path.join(names::CLEAN_SHUTDOWN);
        let epoch = self.broker_epoch.load(Ordering::Relaxed);
        let write = || checkpoint::write_clean_marker(&*self.shared.files, &marker, epoch);
        dir.with_reserve(write)
            .map_err(|e| dir.storage_error(&marker, e))
    }

    pub(super) fn apply_retention(&self, logs: &[Arc<PartitionLog>]) -> RetentionDone {
        let mut failures = Failures::default();
        let mut done = RetentionDone::default();
        for log in logs.iter().filter(|log| log.is_online()) {
            done.logs += 1;
            match log.apply_retention() {
                Ok(condemned) => {
                    done.segments += condemned.len();
                    done.bytes += condemned
                        .iter()
                        .map(|gone| gone.segment.size())
                        .sum::<u64>();
                    self.condemn(condemned);
                }
                Err(error) => {
                    done.failed += 1;
                    failures.add(log, &error);
                }
            }
        }
        failures.tell("retention failed");
        done
    }

    /// Files that have been renamed to `.deleted` go after a while.
    pub(super) fn condemn(&self, condemned: Vec<Condemned>) {
        for gone in condemned {
            let doomed = Doomed::Segment {
                segment: gone.segment,
                snapshot: gone.snapshot,
            };
            self.background
                .add(&*self.shared.clock, doomed, gone.delay_ms);
        }
    }

    fn remove_doomed(&self, now: Duration) {
        let files = &self.shared.files;
        for doomed in self.background.take_due(now) {
            let removed = match &doomed {
                Doomed::Dir(path) => files.remove_dir_all(path),
                Doomed::Segment { segment, snapshot } => segment.remove().and_then(|()| {
                    let removed = snapshot.as_ref().map(|path| files.remove_file(path));
                    match removed.unwrap_or(Ok(())) {
                        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
                        _ => Ok(()),
                    }
                }),
            };
            // Left over files are removed at the next start.
            if let Err(e) = removed {
                tracing::warn!(error = %e, what = ?doomed, "can't remove deleted files");
            }
        }
    }

    /// Writes when records came: when that is due at a moment, or now in any case. A failure costs
    /// precision after the next start; it waits for the next time.
    fn write_arrivals(&self, dir: &LogDir, due_at: Option<Duration>) {
        let logs = self.logs();
        let of_dir = || {
            let logs = logs.iter();
            logs.filter(|log| std::ptr::eq(Arc::as_ptr(log.log_dir()), dir))
        };
        // Zero is the stamp of a directory that was never written.
        let stamp = of_dir().fold(1_u64, |sum, log| {
            sum.wrapping_add(log.arrivals_stamp()).wrapping_add(1)
        });
        let mut pace = dir.arrivals.lock();
        if due_at.is_some_and(|now| !pace.is_due(now, stamp)) {
            return;
        }
        let mut writer = Writer::new(self.shared.clock.wall_ms());
        of_dir().for_each(|log| log.save_arrivals(&mut writer));
        let path = dir.path.join(names::ARRIVALS);
        let written = writer.write(&*self.shared.files, &path);
        if let Err(e) = &written {
            tracing::warn!(path = %path.display(), error = %e, "can't write when records came");
        }
        let now = self.shared.clock.monotonic();
        pace.done(now, stamp, written.unwrap_or(0));
    }

    pub(super) fn write_checkpoints(&self, dir: &LogDir) -> Result<(), StorageError> {
        let (mut points, mut starts, mut highs) = (Offsets::new(), Offsets::new(), Offsets::new());
        let mut cleaned = Offsets::new();
        for log in self.logs() {
            if !std::ptr::eq(Arc::as_ptr(log.log_dir()), dir) {
                continue;
            }
            let key = (log.topic().to_owned(), log.partition());
            points.insert(key.clone(), log.recovery_point());
            highs.insert(key.clone(), log.high_watermark());
            if let Some(offset) = log.clean_to() {
                cleaned.insert(key.clone(), offset);
            }
            if log.log_start_offset() > log.first_base_offset() {
                starts.insert(key, log.log_start_offset());
            }
        }
        for (name, offsets) in [
            (names::RECOVERY_POINTS, &points),
            (names::LOG_STARTS, &starts),
            (names::HIGH_WATERMARKS, &highs),
            (names::CLEANER_OFFSETS, &cleaned),
        ] {
            dir.write_offsets_if_changed(name, offsets)?;
        }
        Ok(())
    }
}

/// Closes logs, many at a time; the results in their order.
fn close_all(logs: &[Arc<PartitionLog>]) -> Vec<Result<(), StorageError>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(logs.len()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(log) = logs.get(at) else { return };
            let result = log.shutdown();
            done.lock().push((at, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..CLOSING_THREADS.min(logs.len()) {
            let name = std::thread::Builder::new().name("log-close".to_owned());
            // With fewer it takes longer.
            name.spawn_scoped(scope, work).ok();
        }
        work();
    });
    let mut results = done.into_inner();
    results.sort_by_key(|(at, _)| *at);
    let mut failures = Failures::default();
    for (at, result) in &results {
        if let Err(error) = result {
            failures.add(&logs[*at], error);
        }
    }
    failures.tell("closing failed");
    results.into_iter().map(|(_, result)| result).collect()
}
