//! The background flush: of a few logs file by file, of many together.
//!
//! An fdatasync waits for the journal and empties the disk's cache, however little was written: with
//! 10,000 logs a round of them took longer than the second that it has. One `syncfs` of the file system
//! waits once for all of them. It promises the same: what was written before is on the disk, or it
//! fails. Then every file is asked by an fdatasync of its own, which still knows what became of it, as
//! its handle was open all the time; so one bad file, even a stranger's, is never mistaken for all, and
//! none of ours for a good one. (docs/decisions/2026-11-22-one-sync-for-many-logs.md)

use std::sync::Arc;
use std::time::Duration;

use limpid_platform::files::FileSystem;

use super::LogManager;
use super::failures::Failures;
use crate::dir::LogDir;
use crate::log::PartitionLog;

/// From so many logs of one directory on, they are flushed together. Fewer are done in a fraction of the
/// second there is, without writing what others have on the same file system.
const TOGETHER_FROM: usize = 256;
/// A sync of everything that takes longer than this for each log wrote what others have there.
const TOGETHER_MAX_OF_EACH: Duration = Duration::from_millis(2);
/// For so long logs are flushed file by file after that.
const APART: Duration = Duration::from_secs(60);

impl LogManager {
    /// Flushes what is due.
    pub(super) fn flush_all(&self, logs: &[Arc<PartitionLog>]) {
        let due = logs.iter().filter(|log| log.is_online() && log.flush_due());
        let mut due: Vec<_> = due.collect();
        let mut failures = Failures::default();
        for dir in &self.dirs {
            let Some(whole) = dir.whole() else { continue };
            let is_one = |log: &&Arc<PartitionLog>| {
                Arc::ptr_eq(log.log_dir(), dir) && log.may_flush_together(whole)
            };
            if due.iter().filter(|log| is_one(log)).count() < TOGETHER_FROM {
                continue;
            }
            let (together, apart) = due.into_iter().partition(is_one);
            self.flush_together(dir, whole, together, &mut failures);
            due = apart;
        }
        self.flush_apart(due, &mut failures);
        failures.tell("flush failed");
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
