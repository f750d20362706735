//! fsync, group commit and the recovery point.
//!
//! One flush of a log runs at a time; whoever comes meanwhile is served by the next one together
//! with all others (group commit). The append lock is held only to look at the state.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::MutexGuard;

use super::{PartitionLog, State};
use crate::api::Unflushed;
use crate::checkpoint;
use crate::error::StorageError;
use crate::names;
use crate::segment::Segment;
use limpid_platform::files::{FileSystem, atomic_write, is_disk_full, is_shortage};

/// Called once when the offset asked for is on the disk, or can't be any more (with the reason).
pub type FlushCallback = Box<dyn FnOnce(Result<(), String>) + Send>;

/// Who waits for the disk.
#[derive(Default)]
pub(super) struct Queue {
    waiters: Vec<(i64, FlushCallback)>,
    /// A job of the flush pool is on its way or at work.
    scheduled: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiters = self.waiters.len();
        f.debug_struct("Queue")
            .field("waiters", &waiters)
            .finish_non_exhaustive()
    }
}

/// What one flush has to put on the disk, taken under the append lock.
struct Work {
    end: i64,
    segments: Vec<Arc<Segment>>,
    active: Arc<Segment>,
    snapshots: Vec<(i64, Vec<u8>)>,
    epochs: Option<Vec<(i32, i64)>>,
    dir_dirty: bool,
    bytes: u64,
    records: i64,
    since: Duration,
}

impl Work {
    /// Nothing is to be put on the disk but bytes of the active segment.
    fn is_records_alone(&self) -> bool {
        let active = self.active.base_offset;
        let mut segments = self.segments.iter();
        segments.all(|segment| segment.base_offset == active)
            && self.snapshots.is_empty()
            && self.epochs.is_none()
            && !self.dir_dirty
    }
}

/// A flush that has begun: no other of this log runs, and what it has to put on the disk is known.
/// For many logs whose files are synced by one call ([`FileSystem::sync_all`]), made between the begin
/// of all flushes and the end of the first.
pub(crate) struct Begun<'a> {
    log: &'a PartitionLog,
    one_at_a_time: MutexGuard<'a, ()>,
    work: Work,
    started: Duration,
}

impl Begun<'_> {
    /// Ends it. `synced`: all that had been written when it began is on the disk; otherwise each of
    /// its files is synced now, which also tells what became of a sync of all that failed.
    ///
    /// # Errors
    /// As [`PartitionLog::flush`].
    pub(crate) fn end(self, synced: bool) -> Result<(), StorageError> {
        // A segment may have been rolled after the log was picked.
        let records_alone = self.work.is_records_alone();
        let done = self
            .log
            .end_flush(self.work, self.started, synced && records_alone);
        drop(self.one_at_a_time);
        self.log.serve_flush_waiters(done.as_ref().err());
        done
    }
}

impl PartitionLog {
    /// Begins a flush that ends together with others; `None` when one is under way or nothing waits.
    pub(crate) fn begin_flush(&self) -> Option<Begun<'_>> {
        let one_at_a_time = self.flush_lock.try_lock()?;
        if !self.dir.is_online() {
            return None;
        }
        let started = self.shared.clock.monotonic();
        let work = self.take_flush_work()?;
        Some(Begun {
            log: self,
            one_at_a_time,
            work,
            started,
        })
    }

    /// Whether it may be flushed together with others, by a sync of all of `whole`: nobody waits for its
    /// disk, nothing but records is new (checkpoints and new files need syncs of their own; after a
    /// start that was not clean there are such, so that files are asked for failures of an earlier
    /// run), and its directory is no link to another file system.
    pub(crate) fn may_flush_together(&self, whole: &dyn FileSystem) -> bool {
        if self.config.read().flush_messages < i64::MAX {
            return false;
        }
        let state = self.state.lock();
        let records_alone = !state.dir_dirty && !state.epochs.dirty && state.snapshots.is_empty();
        drop(state);
        let holds = || whole.holds(&self.path()).unwrap_or(false);
        records_alone && *self.is_in_whole.get_or_init(holds)
    }

    /// Puts everything appended so far on the disk and moves the recovery point. Blocks.
    ///
    /// # Errors
    /// After a failed fsync the log directory is offline and stays so.
    pub fn flush(&self) -> Result<(), StorageError> {
        let done = {
            let _one_at_a_time = self.flush_lock.lock();
            self.flush_locked()
        };
        self.serve_flush_waiters(done.as_ref().err());
        done
    }

    /// Returns once everything below `offset` is on the disk: at once if it is already, else
    /// after a flush shared with everybody who waits. Blocks.
    ///
    /// # Errors
    /// As [`PartitionLog::flush`].
    pub fn flush_until(&self, offset: i64) -> Result<(), StorageError> {
        while self.recovery_point() < offset {
            if offset > self.log_end_offset() {
                let (start, end) = (self.log_start_offset(), self.log_end_offset());
                return Err(StorageError::OffsetOutOfRange { offset, start, end });
            }
            self.flush()?;
        }
        Ok(())
    }

    /// Calls back once everything below `offset` is on the disk (at once if it is already). Many
    /// waiters share one fsync, which runs on the manager's flush threads.
    pub fn on_flushed(self: &Arc<Self>, offset: i64, callback: FlushCallback) {
        if self.recovery_point() >= offset {
            callback(Ok(()));
            return;
        }
        if !self.is_online() {
            callback(Err(self.dir.reason()));
            return;
        }
        self.flush_queue.lock().waiters.push((offset, callback));
        self.schedule_flush();
    }

    /// What a power cut now would cost.
    #[must_use]
    pub fn unflushed(&self) -> Unflushed {
        let state = self.state.lock();
        let now = self.shared.clock.monotonic();
        let (on_the_way, since) = state.on_the_way.unzip();
        Unflushed {
            bytes: state.unflushed_bytes + on_the_way.unwrap_or(0),
            age: since
                .or(state.unflushed_since)
                .map_or(Duration::ZERO, |since| now.saturating_sub(since)),
        }
    }

    /// True when the background flush should come by.
    pub(crate) fn flush_due(&self) -> bool {
        let state = self.state.lock();
        let Some(since) = state.unflushed_since else {
            return false;
        };
        let flush_ms = self.config.read().flush_ms;
        let age = self.shared.clock.monotonic().saturating_sub(since);
        flush_ms == i64::MAX || age.as_millis() >= u128::try_from(flush_ms).unwrap_or(0)
    }

    /// Since when bytes wait for the disk, if a file is kept open for them and nobody is at it.
    pub(crate) fn keeps_open_since(&self) -> Option<Duration> {
        let state = self.state.lock();
        let since = state.unflushed_since?;
        let segments = self.segments.read();
        let mut unsynced = segments.values().rev().take_while(|s| !s.is_synced());
        let keeps = unsynced.any(|segment| segment.is_pinned());
        (keeps && !self.flush_lock.is_locked()).then_some(since)
    }

    /// Its directory failed, which ends with a restart and recovery: nothing of it is synced any more,
    /// and its files need not stay open for that.
    pub(crate) fn let_go(&self) {
        let segments = self.segments.read();
        segments.values().for_each(|segment| segment.unpin());
    }

    pub(super) fn schedule_flush(self: &Arc<Self>) {
        let mut queue = self.flush_queue.lock();
        if queue.scheduled {
            return;
        }
        let log = Arc::clone(self);
        // A full queue is no loss: the background flush comes within a second.
        queue.scheduled = self
            .shared
            .flush_pool
            .submit(move || log.flush_while_wanted())
            .is_ok();
    }

    /// One flush on a thread of the pool, and another turn while somebody waits: behind those of other logs,
    /// or as many busy logs as there are threads would keep all of them.
    fn flush_while_wanted(self: &Arc<Self>) {
        loop {
            let failed = self.flush().is_err();
            let mut queue = self.flush_queue.lock();
            queue.scheduled = !queue.waiters.is_empty() && !failed;
            if !queue.scheduled {
                return;
            }
            let log = Arc::clone(self);
            let next = move || log.flush_while_wanted();
            if self.shared.flush_pool.submit(next).is_ok() {
                return;
            }
        }
    }

    fn serve_flush_waiters(&self, error: Option<&StorageError>) {
        let reached = self.recovery_point();
        let ready: Vec<_> = {
            let mut queue = self.flush_queue.lock();
            let all = std::mem::take(&mut queue.waiters);
            let (ready, wait) = all
                .into_iter()
                .partition(|(offset, _)| error.is_some() || *offset <= reached);
            queue.waiters = wait;
            ready
        };
        for (offset, callback) in ready {
            match error {
                Some(e) if offset > reached => callback(Err(e.to_string())),
                _ => callback(Ok(())),
            }
        }
    }

    pub(super) fn fail_flush_waiters(&self, why: &str) {
        let waiters = std::mem::take(&mut self.flush_queue.lock().waiters);
        for (_, callback) in waiters {
            callback(Err(why.to_owned()));
        }
    }

    fn flush_locked(&self) -> Result<(), StorageError> {
        if !self.dir.is_online() {
            return Err(self.dir.offline_error());
        }
        let started = self.shared.clock.monotonic();
        match self.take_flush_work() {
            Some(work) => self.end_flush(work, started, false),
            None => Ok(()),
        }
    }

    fn end_flush(&self, work: Work, started: Duration, synced: bool) -> Result<(), StorageError> {
        let synced = if synced { Ok(()) } else { self.sync(&work) };
        self.state.lock().on_the_way = None;
        match synced {
            Ok(()) => {
                let before = self.recovery_point.fetch_max(work.end, Ordering::AcqRel);
                assert!(
                    before <= work.end,
                    "the recovery point moves under the flush lock only"
                );
                let took = self.shared.clock.monotonic().saturating_sub(started);
                self.shared.metrics.flush.observe(took.as_secs_f64());
                let state = self.state.lock();
                if state.unflushed_since.is_none() {
                    self.rest(&state.active);
                }
                Ok(())
            }
            // Whoever deletes or renames a log closes it first; its files need no sync.
            Err(_) if self.closed.load(Ordering::Acquire) => Err(StorageError::Closed),
            Err(e) => {
                let passes = is_shortage(&e);
                let error = self.dir.storage_error(&self.path(), e);
                if passes {
                    self.give_back(work);
                }
                Err(error)
            }
        }
    }

    /// Nobody writes to a segment for the moment. What fails here is tried again when it is closed.
    fn rest(&self, active: &Segment) {
        let config = self.config.read();
        if !config.preallocate && !config.flush_before_ack() {
            active.give_headroom_back().ok();
        }
        active.unpin();
    }

    fn take_flush_work(&self) -> Option<Work> {
        let mut state = self.state.lock();
        let since = state.unflushed_since.take()?;
        let bytes = state.unflushed_bytes;
        state.on_the_way = (bytes > 0).then_some((bytes, since));
        let floor = self.recovery_point();
        let segments = self.segments.read();
        let first = segments
            .range(..=floor)
            .next_back()
            .map_or(floor, |(base, _)| *base);
        let segments: Vec<_> = segments
            .range(first..)
            .map(|(_, s)| s)
            .filter(|s| !s.is_synced())
            .cloned()
            .collect();
        let epochs = state.epochs.dirty.then(|| state.epochs.entries().to_vec());
        state.epochs.dirty = false;
        Some(Work {
            end: self.log_end_offset(),
            segments,
            active: Arc::clone(&state.active),
            snapshots: std::mem::take(&mut state.snapshots),
            epochs,
            dir_dirty: std::mem::take(&mut state.dir_dirty),
            bytes: std::mem::take(&mut state.unflushed_bytes),
            records: std::mem::take(&mut state.unflushed_records),
            since,
        })
    }

    /// The disk was too full for a checkpoint, or no file could be opened: the next flush takes it up
    /// again.
    fn give_back(&self, work: Work) {
        let mut state = self.state.lock();
        state.snapshots.splice(0..0, work.snapshots);
        state.epochs.dirty |= work.epochs.is_some();
        state.dir_dirty |= work.dir_dirty;
        state.unflushed_bytes += work.bytes;
        state.unflushed_records += work.records;
        state.unflushed_since = Some(work.since);
    }

    fn sync(&self, work: &Work) -> io::Result<()> {
        for segment in &work.segments {
            if segment.base_offset == work.active.base_offset {
                segment.log.get()?.sync_data()?;
                if segment.txns.entries() > 0 {
                    segment.txns.sync()?;
                }
            } else {
                // What waits of its indexes may go into the reserve.
                self.dir.with_reserve(|| segment.sync_closed())?;
            }
        }
        let files = &*self.shared.files;
        let path = self.path();
        for (offset, content) in &work.snapshots {
            let file = names::segment_file(&path, *offset, names::SNAPSHOT);
            match self
                .dir
                .with_reserve(|| atomic_write(files, &file, content))
            {
                // A snapshot saves time at the next start; an older one will do.
                Err(e) if is_disk_full(&e) => {}
                done => done?,
            }
        }
        if let Some(epochs) = &work.epochs {
            let file = path.join(names::EPOCHS);
            self.dir
                .with_reserve(|| checkpoint::write_epochs(files, &file, epochs))?;
        }
        if work.dir_dirty {
            files.sync_dir(&path)
        } else {
            Ok(())
        }
    }

    /// Whether the files are those of the last clean shutdown, with all that one leaves behind.
    fn is_as_opened(&self, state: &State) -> bool {
        let end = self.log_end_offset();
        let snapshot = || names::segment_file(&self.path(), end, names::SNAPSHOT);
        state.unflushed_since.is_none()
            && state.opened_clean == Some((state.active.base_offset, end))
            && (end == 0 || self.shared.files.exists(&snapshot()).unwrap_or(false))
    }

    /// The last flush of a clean shutdown: final index entries, a producer snapshot at the end (as in
    /// Kafka none where nothing ever was), and nothing is appended any more.
    pub(crate) fn shutdown(&self) -> Result<(), StorageError> {
        let path = self.path();
        let (end, content, indexed) = {
            let mut state = self.state.lock();
            self.closed.store(true, Ordering::Release);
            if self.is_as_opened(&state) {
                return Ok(());
            }
            state.unflushed_since.get_or_insert(Duration::ZERO);
            let content = crate::producers::snapshot::encode(&state.producers);
            (
                self.log_end_offset(),
                content,
                state
                    .active
                    .finish_indexes()
                    .and_then(|()| state.active.give_headroom_back()),
            )
        };
        indexed.map_err(|e| self.dir.storage_error(&path, e))?;
        let done = {
            let _one_at_a_time = self.flush_lock.lock();
            self.flush_locked()
        };
        self.serve_flush_waiters(done.as_ref().err());
        done?;
        let active = Arc::clone(&self.state.lock().active);
        self.dir
            .with_reserve(|| active.sync_closed())
            .map_err(|e| self.dir.storage_error(&path, e))?;
        if end == 0 {
            return Ok(());
        }
        let file = names::segment_file(&path, end, names::SNAPSHOT);
        let write = || atomic_write(&*self.shared.files, &file, &content);
        match self.dir.with_reserve(write) {
            Err(e) if !is_disk_full(&e) => Err(self.dir.storage_error(&file, e)),
            _ => Ok(()),
        }
    }
}
