//! Who compacts what, and when.
//!
//! Every `log.cleaner.backoff.ms` the background thread looks for logs that need compaction. If there
//! are some, a thread is started that compacts the dirtiest, and goes on until nothing needs it any
//! more; at the next look there may be a second one, up to `log.cleaner.threads`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::LogManager;
use crate::compaction::throttle::Throttle;
use crate::compaction::{Compacted, CompactionError, CompactionSettings};
use crate::log::PartitionLog;

/// The threads and what they share.
#[derive(Debug)]
pub(super) struct Cleaners {
    settings: RwLock<CompactionSettings>,
    throttle: Throttle,
    stop: AtomicBool,
    paused: AtomicBool,
    looked_at: Mutex<Duration>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Cleaners {
    pub(super) fn new(settings: CompactionSettings) -> Self {
        Self {
            settings: RwLock::new(settings),
            throttle: Throttle::default(),
            stop: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            looked_at: Mutex::default(),
            threads: Mutex::default(),
        }
    }

    fn is_stopped(&self) -> bool {
        let (stop, paused) = (&self.stop, &self.paused);
        stop.load(Ordering::Relaxed)
            || paused.load(Ordering::Relaxed)
            || !self.settings.read().enabled
    }

    /// Stops what runs and lets nothing new begin, until the result is dropped.
    pub(super) fn pause(&self) -> Paused<'_> {
        self.paused.store(true, Ordering::Relaxed);
        Paused(&self.paused)
    }

    /// Ends what runs; returns when it has ended.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread that compacts logs panicked");
            }
        }
    }
}

/// Lets compaction go on when it is dropped.
pub(super) struct Paused<'a>(&'a AtomicBool);

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl LogManager {
    /// Changes how compaction is run; it counts from the next round on.
    pub fn set_compaction(&self, settings: CompactionSettings) {
        *self.cleaners.settings.write() = settings;
    }

    /// When it was looked for logs that need compaction, on the monotonic clock.
    pub fn compaction_looked_at(&self) -> Duration {
        *self.cleaners.looked_at.lock()
    }

    /// Compacts every log that needs it, on this thread, and returns the number of rounds.
    pub fn compact_now(&self) -> usize {
        let mut rounds = 0;
        // Busy with something else, or failed: not again in this run.
        let mut skipped: Vec<Arc<PartitionLog>> = Vec::new();
        while !self.cleaners.is_stopped()
            && let Some(log) = self.dirtiest(&skipped)
        {
            if self.compact(&log) {
                rounds += 1;
            } else {
                skipped.push(log);
            }
        }
        rounds
    }

    /// Looks for work, when it is time, and starts a thread if there is some and one may be
    /// started.
    pub(super) fn tend_compaction(self: &Arc<Self>, now: Duration) {
        let (threads_max, backoff) = {
            let settings = self.cleaners.settings.read();
            (settings.threads, settings.backoff)
        };
        {
            let mut looked_at = self.cleaners.looked_at.lock();
            if now.saturating_sub(*looked_at) < backoff {
                return;
            }
            *looked_at = now;
        }
        // What compaction or DeleteRecords left before the start of a compacted log goes at the
        // same pace.
        let compacted = |log: &Arc<PartitionLog>| log.config().cleanup_policy.compact;
        let logs: Vec<_> = self.logs().into_iter().filter(compacted).collect();
        self.apply_retention(&logs);
        // Also while nobody is free to do it: what is overdue is told all the while.
        let is_any_due = self.dirtiest(&[]).is_some();
        let mut threads = self.cleaners.threads.lock();
        threads.retain(|thread| !thread.is_finished());
        if self.cleaners.is_stopped() || threads.len() >= threads_max || !is_any_due {
            return;
        }
        let manager = Arc::downgrade(self);
        let run = move || {
            if let Some(manager) = manager.upgrade() {
                manager.compact_now();
            }
        };
        match std::thread::Builder::new()
            .name("log-cleaner".to_owned())
            .spawn(run)
        {
            Ok(thread) => threads.push(thread),
            Err(error) => tracing::warn!(%error, "no thread to compact logs"),
        }
    }

    /// The log with the largest dirty share of those that need compaction.
    fn dirtiest(&self, skipped: &[Arc<PartitionLog>]) -> Option<Arc<PartitionLog>> {
        let (mut best, mut largest, mut overdue_ms) = (None, 0.0_f64, 0);
        for log in self.logs() {
            let Some(extent) = log.dirty_extent() else {
                continue;
            };
            let share = extent.dirty_share();
            largest = largest.max(share);
            overdue_ms = overdue_ms.max(extent.overdue_ms);
            let is_skipped = skipped.iter().any(|other| Arc::ptr_eq(other, &log));
            if is_skipped || !extent.is_due(&log.config()) {
                continue;
            }
            if best.as_ref().is_none_or(|(most, _)| share > *most) {
                best = Some((share, log));
            }
        }
        let metrics = &self.shared.metrics;
        metrics.dirtiest.set(largest);
        metrics.compaction_overdue.set(overdue_ms / 1_000);
        best.map(|(_, log)| log)
    }

    /// Runs one round. False when nothing was done.
    fn compact(&self, log: &Arc<PartitionLog>) -> bool {
        let cleaners = &self.cleaners;
        let settings = cleaners.settings.read().clone();
        let clock = &*self.shared.clock;
        let stop = || cleaners.is_stopped() || !log.is_online();
        let rate = settings.io_bytes_per_second;
        let pace = |bytes| cleaners.throttle.done(bytes, rate, clock, &stop);
        let began = clock.monotonic();
        let mut condemned = Vec::new();
        let done = log.compact(&settings, &pace, &mut condemned);
        let took = clock.monotonic().saturating_sub(began);
        // Also after a failure: some segments may have been replaced before.
        self.condemn(condemned);
        match done {
            Ok(None) => false,
            Ok(Some(done)) => {
                self.note_round(log, &done, took);
                if let Err(error) = self.write_checkpoints(log.log_dir()) {
                    tracing::warn!(%error, "can't write checkpoints");
                }
                true
            }
            Err(CompactionError::Stopped | CompactionError::Closed) => false,
            Err(error) => {
                self.shared.metrics.compaction_failures.inc();
                tracing::warn!(%error, topic.name = log.topic(), topic.partition = log.partition(),
                    "compaction failed");
                false
            }
        }
    }

    fn note_round(&self, log: &PartitionLog, done: &Compacted, took: Duration) {
        let metrics = &self.shared.metrics;
        let gone = done.records_before - done.records_after;
        metrics.compaction.observe(took.as_secs_f64());
        metrics.compaction_last.set(took.as_secs().cast_signed());
        metrics.compaction_read_bytes.inc_by(done.bytes_before);
        metrics.compaction_written_bytes.inc_by(done.bytes_after);
        metrics.compacted_records.inc_by(gone);
        metrics.compaction_keys.set(done.keys_share);
        let recopied = done.bytes_after as f64 / done.bytes_before.max(1) as f64;
        metrics.compaction_recopy.set(recopied);
        if done.without_key > 0 {
            tracing::warn!(
                topic.name = log.topic(),
                topic.partition = log.partition(),
                records = done.without_key,
                "left out records without a key"
            );
        }
        tracing::info!(
            topic.name = log.topic(),
            topic.partition = log.partition(),
            clean_to = done.clean_to,
            bytes_before = done.bytes_before,
            bytes_after = done.bytes_after,
            records_gone = gone,
            duration_ms = took.as_millis() as u64,
            "compacted"
        );
    }
}
