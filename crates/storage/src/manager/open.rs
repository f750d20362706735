//! Opening the log directories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use limpid_platform::blocking::BlockingPool;
use limpid_platform::lock::{DirLock, LockError};
use parking_lot::{Mutex, RwLock};

use super::background::Background;
use super::compaction::Cleaners;
use super::{LogManager, LogManagerOptions, Logs};
use crate::api::{RecoveryProgress, RecoveryReport};
use crate::arrivals::file;
use crate::checkpoint::{self, Offsets};
use crate::dir::LogDir;
use crate::error::{OpenError, StorageError};
use crate::log::listing::LoadParams;
use crate::log::outcome::Outcome;
use crate::log::{PartitionLog, Shared};
use crate::names::{self, DirKind};
use crate::open_files::{Limits, OpenFiles};
use crate::segment::headroom::HEADROOM_BYTES_MAX;
use crate::tail_cache::TailCache;

/// Flush jobs that may wait; there is at most one for each log.
const FLUSH_QUEUE_MAX: usize = 100_000;
/// Lines of the report about things out of the ordinary; more are counted only.
const NOTES_MAX: usize = 1_000;

/// A log that was opened, and what was found.
type Loaded = (PartitionLog, Outcome);

/// A log to be opened.
struct Candidate {
    dir: Arc<LogDir>,
    path: PathBuf,
    params: LoadParams,
}

impl LogManager {
    /// Opens the directories: locks them, reads the checkpoints and opens every log, after a
    /// crash with recovery. Blocks; `progress` is called after every log, from several threads.
    ///
    /// A directory that fails is offline and in the report; the others go on.
    ///
    /// # Errors
    /// [`OpenError`]: nothing could be opened, or another process has a directory.
    pub fn open(
        options: LogManagerOptions,
        progress: &(dyn Fn(RecoveryProgress) + Sync),
    ) -> Result<(Arc<Self>, RecoveryReport), OpenError> {
        let started = options.clock.monotonic();
        if options.dirs.is_empty() {
            return Err(OpenError::NoDirs);
        }
        let pool = BlockingPool::new("log-flush", options.flush_threads, FLUSH_QUEUE_MAX)
            .map_err(OpenError::Threads)?;
        let dirs = lock_dirs(&options)?;
        let limits = Limits {
            shared: options.open_segment_files,
            pinned: options.unsynced_segment_files,
        };
        let shared = Arc::new(Shared {
            files: Arc::clone(&options.files),
            clock: Arc::clone(&options.clock),
            open: OpenFiles::new(Arc::clone(&options.files), limits),
            tail_cache: TailCache::new(options.tail_cache_bytes),
            headroom_bytes: options.headroom_bytes.min(HEADROOM_BYTES_MAX),
            metrics: options.metrics.clone(),
            replica_state: Arc::clone(&options.replica_state),
            producer_expiration_ms: options.producer_expiration_ms,
            flush_pool: pool,
        });
        let background = Background::new(options.retention_check_ms, options.checkpoint_ms);
        let mut report = RecoveryReport {
            clean: true,
            ..RecoveryReport::default()
        };
        let mut candidates = Vec::new();
        for dir in dirs.iter().filter(|dir| dir.is_online()) {
            let found = survey(&options, dir, &background, &mut report);
            match found {
                Ok(found) => candidates.extend(found),
                Err(e) => dir.fail(&dir.path, &e),
            }
        }
        refuse_duplicates(&candidates)?;
        let logs = open_logs(
            &shared,
            candidates,
            options.recovery_threads,
            progress,
            &mut report,
        );
        for dir in &dirs {
            if dir.is_online() {
                dir.look();
                dir.make_reserve();
            } else {
                report.failed_dirs.push((dir.path.clone(), dir.reason()));
            }
        }
        if dirs.iter().all(|dir| !dir.is_online()) {
            let reasons: Vec<_> = report
                .failed_dirs
                .iter()
                .map(|(_, why)| why.clone())
                .collect();
            return Err(OpenError::AllFailed(reasons.join("\n")));
        }
        shared.metrics.recovery_cut_bytes.inc_by(report.bytes_cut);
        shared
            .metrics
            .recovery_scanned_bytes
            .inc_by(report.bytes_scanned);
        report.duration = options.clock.monotonic().saturating_sub(started);
        let manager = Self {
            shared,
            dirs,
            defaults: RwLock::new(options.defaults),
            random: options.random,
            logs: RwLock::new(logs),
            changing: Mutex::default(),
            background,
            cleaners: Cleaners::new(options.compaction),
            broker_epoch: AtomicI64::new(-1),
            stopped: AtomicBool::new(false),
        };
        let manager = Arc::new(manager);
        manager.sync_when_early();
        Ok((manager, report))
    }
}

fn lock_dirs(options: &LogManagerOptions) -> Result<Vec<Arc<LogDir>>, OpenError> {
    let mut out = Vec::new();
    for path in &options.dirs {
        let (lock, failure) = match DirLock::acquire(&path.join(names::LOCK)) {
            Ok(lock) => (Some(lock), None),
            Err(held @ LockError::Held { .. }) => return Err(held.into()),
            Err(e) => (None, Some(e.to_string())),
        };
        let dir = LogDir::new(
            path.clone(),
            lock,
            Arc::clone(&options.files),
            Arc::clone(&options.clock),
            options.min_free,
            options.reserve_bytes,
        );
        if let Some(why) = failure {
            dir.fail_with(why);
        }
        out.push(Arc::new(dir));
    }
    Ok(out)
}

/// Reads a directory's marker, checkpoints and names.
fn survey(
    options: &LogManagerOptions,
    dir: &Arc<LogDir>,
    background: &Background,
    report: &mut RecoveryReport,
) -> std::io::Result<Vec<Candidate>> {
    let files = &*options.files;
    dir.look();
    let marker = dir.path.join(names::CLEAN_SHUTDOWN);
    let clean = files.exists(&marker)?;
    if clean {
        let epoch = checkpoint::read_clean_marker(files, &marker);
        tracing::info!(dir = %dir.path.display(), broker.epoch = ?epoch, "clean shutdown");
        // From here on the directory is in use: a crash must not find the marker.
        files.remove_file(&marker)?;
        files.sync_dir(&dir.path)?;
    }
    let entries = files.list(&dir.path)?;
    let recovery_points = read_checkpoint(options, dir, names::RECOVERY_POINTS, report);
    let log_starts = read_checkpoint(options, dir, names::LOG_STARTS, report);
    let clean_to = read_checkpoint(options, dir, names::CLEANER_OFFSETS, report);
    let mut arrivals = read_arrivals(options, dir);
    let mut out = Vec::new();
    for entry in entries.iter().filter(|entry| entry.is_dir) {
        let path = dir.path.join(&entry.name);
        match names::dir_kind(&entry.name) {
            DirKind::Log { topic, partition } => {
                let key = (topic.to_owned(), partition);
                let config = (options.topic_configs)(topic);
                let params = LoadParams {
                    topic: topic.to_owned(),
                    partition,
                    config: config.unwrap_or_else(|| options.defaults.clone()),
                    clean,
                    recovery_point: recovery_points.get(&key).copied().unwrap_or(0),
                    log_start: log_starts.get(&key).copied().unwrap_or(0),
                    clean_to: clean_to.get(&key).copied(),
                    arrivals: arrivals.remove(&key),
                };
                out.push(Candidate {
                    dir: Arc::clone(dir),
                    path,
                    params,
                });
            }
            DirKind::Delete => background.remove_dir_later(&*options.clock, path, 0),
            DirKind::Stray => report.strays.push(path),
            DirKind::Future => {
                report.notes.push(format!(
                    "{}: an unfinished move, left alone",
                    path.display()
                ));
            }
            DirKind::Metadata | DirKind::Other => {}
        }
    }
    // A directory without logs had nothing to lose.
    report.clean &= clean || out.is_empty();
    Ok(out)
}

/// A checkpoint that can't be read costs time (everything is recovered), not data.
fn read_checkpoint(
    options: &LogManagerOptions,
    dir: &LogDir,
    name: &str,
    report: &mut RecoveryReport,
) -> Offsets {
    let path = dir.path.join(name);
    match checkpoint::read_offsets(&*options.files, &path) {
        Ok(offsets) => offsets.unwrap_or_default(),
        Err(why) => {
            tracing::warn!(path = %path.display(), reason = %why, "ignored a checkpoint");
            report
                .notes
                .push(format!("{}: ignored: {why}", path.display()));
            Offsets::new()
        }
    }
}

/// Arrivals that can't be read cost precision of lag in seconds, nothing else.
fn read_arrivals(options: &LogManagerOptions, dir: &LogDir) -> file::All {
    let path = dir.path.join(names::ARRIVALS);
    match file::read(&*options.files, &path) {
        Ok(all) => all.unwrap_or_default(),
        Err(why) => {
            tracing::warn!(path = %path.display(), reason = %why, "ignored when records came");
            file::All::new()
        }
    }
}

fn refuse_duplicates(candidates: &[Candidate]) -> Result<(), OpenError> {
    let mut seen: BTreeMap<(&str, i32), &Path> = BTreeMap::new();
    for candidate in candidates {
        let (topic, partition) = (candidate.params.topic.as_str(), candidate.params.partition);
        if let Some(first) = seen.insert((topic, partition), &candidate.path) {
            return Err(OpenError::Duplicate {
                topic: topic.to_owned(),
                partition,
                first: first.to_owned(),
                second: candidate.path.clone(),
            });
        }
    }
    Ok(())
}

fn open_logs(
    shared: &Arc<Shared>,
    candidates: Vec<Candidate>,
    threads: usize,
    progress: &(dyn Fn(RecoveryProgress) + Sync),
    report: &mut RecoveryReport,
) -> Logs {
    let total = candidates.len();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let opened = Mutex::new((Logs::new(), std::mem::take(report)));
    let work = || {
        while let Some(candidate) = candidates.get(next.fetch_add(1, Ordering::Relaxed)) {
            let params = candidate.params.clone();
            let log = params.topic.clone() + "-" + &params.partition.to_string();
            if candidate.dir.is_online() {
                let loaded = PartitionLog::load(shared, &candidate.dir, &candidate.path, params);
                let loaded = loaded.and_then(|found| sync_if_early(shared, found));
                let mut opened = opened.lock();
                let (logs, report) = &mut *opened;
                take_in(logs, report, candidate, loaded);
            }
            let logs_done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress(RecoveryProgress {
                logs_done,
                logs_total: total,
                log,
            });
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.clamp(1, total.max(1)) {
            scope.spawn(work);
        }
        work();
    });
    let (logs, filled) = opened.into_inner();
    *report = filled;
    logs
}

/// What recovery has read or written stays open until it is synced, which the background does when all
/// logs are open. When too many wait for that, it is done here.
fn sync_if_early(shared: &Shared, found: Loaded) -> Result<Loaded, StorageError> {
    if shared.open.is_early() && found.0.keeps_open_since().is_some() {
        found.0.flush()?;
        shared.metrics.early_flushes.inc();
    }
    Ok(found)
}

fn take_in(
    logs: &mut Logs,
    report: &mut RecoveryReport,
    candidate: &Candidate,
    loaded: Result<Loaded, StorageError>,
) {
    match loaded {
        Ok((log, outcome)) => {
            report.logs += 1;
            report.logs_recovered += usize::from(outcome.scanned);
            report.segments_scanned += outcome.segments_scanned;
            report.bytes_scanned += outcome.bytes_scanned;
            report.bytes_cut += outcome.bytes_cut;
            report.segments_removed += outcome.segments_removed;
            report.indexes_rebuilt += outcome.indexes_rebuilt;
            report.snapshots_discarded += outcome.snapshots_discarded;
            for note in outcome.notes {
                tracing::warn!(reason = %note, "recovery");
                if report.notes.len() < NOTES_MAX {
                    report.notes.push(note);
                }
            }
            let partitions = logs.entry(log.topic().to_owned()).or_default();
            partitions.insert(log.partition(), Arc::new(log));
        }
        Err(e) => {
            // Without this log the directory is not what it claims to be.
            candidate.dir.fail_with(e.to_string());
        }
    }
}
