//! The background flush: of a few logs file by file, of many together.
//!
//! An fdatasync waits for the journal and empties the disk's cache, however little was written: with
//! 10,000 logs a round of them took longer than the second that it has. One `syncfs` of the file system
//! waits once for all of them. It promises the same: what was written before is on the disk, or it
//! fails. Then every file is asked by an fdatasync of its own, which still knows what became of it, as
//! its handle was open all the time; so one bad file, even a stranger's, is never mistaken for all, and
//! none of ours for a good one. (docs/decisions/2026-11-22-one-sync-for-many-logs.md)

use std::sync::{Arc, Weak};
use std::time::Duration;

use limpid_platform::files::FileSystem;

use super::LogManager;
use super::failures::Failures;
use crate::dir::LogDir;
use crate::log::PartitionLog;
use crate::open_files::OpenFiles;

/// From so many logs of one directory on, they are flushed together. Fewer are done in a fraction of the
/// second there is, without writing what others have on the same file system.
const TOGETHER_FROM: usize = 256;
/// A sync of everything that takes longer than this for each log wrote what others have there.
const TOGETHER_MAX_OF_EACH: Duration = Duration::from_millis(2);
/// For so long logs are flushed file by file after that.
const APART: Duration = Duration::from_secs(60);

/// Attempts to get below the limit of open files before whoever needs one has to ask again.
const EARLY_ROUNDS: usize = 8;
/// Between two of them, when others are at all the logs.
const EARLY_PAUSE: Duration = Duration::from_millis(10);

impl LogManager {
    /// Has logs synced before their time whenever too many files are open because they wait for that.
    pub(super) fn sync_when_early(self: &Arc<Self>) {
        let manager = Arc::downgrade(self);
        let shared = Arc::downgrade(&self.shared);
        self.shared.open.on_early(move || {
            let (Some(shared), manager) = (shared.upgrade(), Weak::clone(&manager)) else {
                return false;
            };
            let job = move || {
                if let Some(manager) = manager.upgrade() {
                    let _done = EarlyIsDone(&manager.shared.open);
                    manager.flush_early();
                }
            };
            shared.flush_pool.submit(job).is_ok()
        });
    }

    /// Syncs logs, those first that wait for longest, until half of the files that may be open for that
    /// are. On a flush thread.
    fn flush_early(&self) {
        let logs = self.logs();
        let mut failures = Failures::default();
        for round in 0..EARLY_ROUNDS {
            let broken = logs.iter().filter(|log| !log.log_dir().is_online());
            broken.for_each(|log| log.let_go());
            let online = logs.iter().filter(|log| log.is_online());
            let since = |log: &Arc<PartitionLog>| log.keeps_open_since();
            let due = online.filter_map(|log| Some((since(log)?, log)));
            let mut due: Vec<_> = due.collect();
            due.sort_unstable_by_key(|(since, _)| *since);
            let mut due: Vec<_> = due.into_iter().map(|(_, log)| log).collect();
            let before = due.len();
            // What is written to while all are synced stays open, so every second time goes by file.
            if round.is_multiple_of(2) {
                due = self.flush_those_together(due, &mut failures);
            }
            let together = before - due.len();
            due.truncate(self.shared.open.excess());
            let flushed = together + due.len();
            self.shared.metrics.early_flushes.inc_by(flushed as u64);
            match self.shared.flush_pool.stats().threads {
                // Nobody else is there to do it.
                1 => due
                    .into_iter()
                    .for_each(|log| flush_one(log, &mut failures)),
                _ => self.flush_apart(due, &mut failures),
            }
            if self.shared.open.excess() == 0 {
                break;
            }
            if flushed == 0 {
                std::thread::park_timeout(EARLY_PAUSE);
            }
        }
        failures.tell("early flush failed");
    }

    /// Flushes what is due.
    pub(super) fn flush_all(&self, logs: &[Arc<PartitionLog>]) {
        let due = logs.iter().filter(|log| log.is_online() && log.flush_due());
        let mut failures = Failures::default();
        let apart = self.flush_those_together(due.collect(), &mut failures);
        self.flush_apart(apart, &mut failures);
        failures.tell("flush failed");
    }

    /// Flushes those that are better flushed together; the others.
    fn flush_those_together<'a>(
        &self,
        mut due: Vec<&'a Arc<PartitionLog>>,
        failures: &mut Failures,
    ) -> Vec<&'a Arc<PartitionLog>> {
        for dir in &self.dirs {
            let Some(whole) = dir.whole() else { continue };
            let is_one = |log: &&Arc<PartitionLog>| {
                Arc::ptr_eq(log.log_dir(), dir) && log.may_flush_together(whole)
            };
            if due.iter().filter(|log| is_one(log)).count() < TOGETHER_FROM {
                continue;
            }
            let (together, apart) = due.into_iter().partition(is_one);
            self.flush_together(dir, whole, together, failures);
            due = apart;
        }
        due
    }

    fn flush_together(
        &self,
        dir: &LogDir,
        whole: &dyn FileSystem,
        logs: Vec<&Arc<PartitionLog>>,
        failures: &mut Failures,
    ) {
        let begun = logs.into_iter();
        let begun: Vec<_> = begun
            .filter_map(|log| Some((log, log.begin_flush()?)))
            .collect();
        if begun.is_empty() {
            return;
        }
        let before = self.shared.clock.monotonic();
        let synced = whole.sync_all();
        let took = self.shared.clock.monotonic().saturating_sub(before);
        if let Err(error) = &synced {
            tracing::warn!(
                dir = %dir.path.display(), %error, logs = begun.len(),
                "a sync of the file system failed, each file is asked"
            );
        }
        let most =
            TOGETHER_MAX_OF_EACH.saturating_mul(u32::try_from(begun.len()).unwrap_or(u32::MAX));
        if took > most {
            tracing::debug!(
                dir = %dir.path.display(), duration_ms = took.as_millis(), logs = begun.len(),
                "a sync of the file system took long, files are synced one by one for a while"
            );
            dir.sync_apart_for(APART);
        }
        for (log, flush) in begun {
            if let Err(error) = flush.end(synced.is_ok()) {
                failures.add(log, &error);
            }
        }
    }

    /// Each log by itself, in parallel on the flush threads.
    fn flush_apart(&self, logs: Vec<&Arc<PartitionLog>>, failures: &mut Failures) {
        let mut running = Vec::new();
        for log in logs {
            let job = Arc::clone(log);
            let receiver = self.shared.flush_pool.run(move || job.flush());
            running.push((log, receiver));
        }
        for (log, receiver) in running {
            let result = match receiver.map(|receiver| receiver.recv()) {
                Ok(Ok(result)) => result,
                // No room in the pool, or the job panicked.
                Ok(Err(_)) => Err(log.log_dir().offline_error()),
                Err(_) => log.flush(),
            };
            if let Err(error) = &result {
                failures.add(log, error);
            }
        }
    }
}

fn flush_one(log: &Arc<PartitionLog>, failures: &mut Failures) {
    if let Err(error) = log.flush() {
        failures.add(log, &error);
    }
}

/// Whoever finds too many files open may ask again, also after a panic.
struct EarlyIsDone<'a>(&'a OpenFiles);

impl Drop for EarlyIsDone<'_> {
    fn drop(&mut self) {
        self.0.early_is_done();
    }
}
