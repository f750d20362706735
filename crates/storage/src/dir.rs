//! A log directory: its lock, its health, its free space.
//!
//! An I/O error or a failed fsync takes the directory offline for the life of the process: after
//! a failed fsync the kernel may have dropped the dirty pages, so a retry that succeeds proves
//! nothing. A full disk is not such a fault: below [`MinFree`] client appends are refused until
//! there is room again, while checkpoints and deletes may use a preallocated reserve.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use limpid_platform::clock::Clock;
use limpid_platform::files::{
    DiskSpace, FileSystem, Files, OpenMode, is_disk_full, is_out_of_descriptors,
};
use limpid_platform::lock::DirLock;
use parking_lot::Mutex;

use crate::arrivals::file::Pace;
use crate::checkpoint::{self, Offsets};
use crate::error::{AppendError, ReadError, StorageError};
use crate::names;

/// While the disk is full, free space is looked at no more often than this.
const SPACE_CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// The reserve never takes more than this part of the file system.
const RESERVE_SHARE_OF_DISK: u64 = 50;

/// How much must stay free for client appends: the larger of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinFree {
    /// Percent of the file system.
    pub percent: u8,
    /// Bytes.
    pub at_least_bytes: u64,
}

impl Default for MinFree {
    fn default() -> Self {
        Self {
            percent: 5,
            at_least_bytes: 1 << 30,
        }
    }
}

impl MinFree {
    fn bytes_of(self, total_bytes: u64) -> u64 {
        (total_bytes / 100)
            .saturating_mul(u64::from(self.percent))
            .max(self.at_least_bytes)
    }
}

/// One of `log.dirs`.
#[derive(Debug)]
pub(crate) struct LogDir {
    pub(crate) path: PathBuf,
    pub(crate) files: Arc<dyn Files>,
    clock: Arc<dyn Clock>,
    min_free: MinFree,
    reserve_bytes: u64,
    offline: AtomicBool,
    reason: Mutex<String>,
    /// Free bytes: as last looked, less what was appended since. May run below zero.
    free: AtomicI64,
    total: AtomicU64,
    looked_at: Mutex<Duration>,
    full: AtomicBool,
    /// The checkpoints as last written, by file name.
    written: Mutex<BTreeMap<&'static str, Offsets>>,
    /// When the checkpoint of arrivals is written next.
    pub(crate) arrivals: Mutex<Pace>,
    /// Its file system, if that can be synced in one go.
    whole: Option<Arc<dyn FileSystem>>,
    /// Until then its files are synced one by one all the same.
    apart_until: Mutex<Duration>,
    /// Held until [`LogDir::unlock`]; `None` when it could not be opened at all.
    lock: Mutex<Option<DirLock>>,
}

impl LogDir {
    pub(crate) fn new(
        path: PathBuf,
        lock: Option<DirLock>,
        files: Arc<dyn Files>,
        clock: Arc<dyn Clock>,
        min_free: MinFree,
        reserve_bytes: u64,
    ) -> Self {
        // One that can't be opened fails soon enough.
        let whole = files.whole(&path).unwrap_or_default();
        Self {
            path,
            files,
            clock,
            min_free,
            reserve_bytes,
            offline: AtomicBool::new(false),
            reason: Mutex::default(),
            free: AtomicI64::new(0),
            total: AtomicU64::new(0),
            looked_at: Mutex::default(),
            full: AtomicBool::new(false),
            written: Mutex::default(),
            arrivals: Mutex::default(),
            whole,
            apart_until: Mutex::default(),
            lock: Mutex::new(lock),
        }
    }

    /// Lets another process have the directory. Whoever still holds a log must not write any more.
    pub(crate) fn unlock(&self) {
        self.lock.lock().take();
    }

    pub(crate) fn is_online(&self) -> bool {
        !self.offline.load(Ordering::Acquire)
    }

    pub(crate) fn reason(&self) -> String {
        self.reason.lock().clone()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// (free, total) bytes, free as estimated now.
    pub(crate) fn space(&self) -> DiskSpace {
        DiskSpace {
            free_bytes: u64::try_from(self.free.load(Ordering::Relaxed)).unwrap_or(0),
            total_bytes: self.total.load(Ordering::Relaxed),
        }
    }

    /// Its file system, if one sync of that is better now than one of each file.
    pub(crate) fn whole(&self) -> Option<&dyn FileSystem> {
        let is_wanted = || *self.apart_until.lock() <= self.clock.monotonic();
        self.whole.as_deref().filter(|_| is_wanted())
    }

    /// For so long files are synced one by one.
    pub(crate) fn sync_apart_for(&self, time: Duration) {
        *self.apart_until.lock() = self.clock.monotonic() + time;
    }

    /// Takes the directory offline. The first reason stays.
    pub(crate) fn fail(&self, what: &Path, error: &io::Error) {
        self.fail_with(format!("{}: {error}", what.display()));
    }

    pub(crate) fn fail_with(&self, why: String) {
        let mut reason = self.reason.lock();
        if !self.offline.swap(true, Ordering::AcqRel) {
            tracing::error!(dir = %self.path.display(), reason = %why, "log directory offline");
            *reason = why;
        }
    }

    /// Judges an I/O error of a read: the directory stays online for shortages.
    pub(crate) fn read_error(&self, what: &Path, error: &io::Error) -> ReadError {
        if is_out_of_descriptors(error) || error.kind() == io::ErrorKind::OutOfMemory {
            return ReadError::Busy(error.to_string());
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            let reason = "the file ends before its batches do".to_owned();
            return ReadError::Corrupt {
                file: what.to_owned(),
                position: 0,
                reason,
            };
        }
        self.fail(what, error);
        ReadError::DirOffline {
            dir: self.path.clone(),
            reason: self.reason(),
        }
    }

    /// Judges an I/O error of a write: full disks and short descriptors pass, all else is fatal.
    pub(crate) fn append_error(&self, what: &Path, error: &io::Error) -> AppendError {
        if is_disk_full(error) {
            self.look();
            self.full.store(true, Ordering::Relaxed);
            return self.disk_full();
        }
        if is_out_of_descriptors(error) {
            return AppendError::Busy(error.to_string());
        }
        self.fail(what, error);
        self.append_offline()
    }

    /// As [`LogDir::append_error`], for everything but appends.
    pub(crate) fn storage_error(&self, what: &Path, source: io::Error) -> StorageError {
        if !is_disk_full(&source) && !is_out_of_descriptors(&source) {
            self.fail(what, &source);
        }
        StorageError::Io {
            path: what.to_owned(),
            source,
        }
    }

    pub(crate) fn append_offline(&self) -> AppendError {
        AppendError::DirOffline {
            dir: self.path.clone(),
            reason: self.reason(),
        }
    }

    pub(crate) fn offline_error(&self) -> StorageError {
        StorageError::DirOffline {
            dir: self.path.clone(),
            reason: self.reason(),
        }
    }

    fn disk_full(&self) -> AppendError {
        AppendError::DiskFull {
            dir: self.path.clone(),
            free_bytes: self.space().free_bytes,
        }
    }

    /// Refuses an append of `bytes` when it would leave less than the minimum free. Costs one
    /// atomic subtraction while there is room.
    pub(crate) fn claim(&self, bytes: usize) -> Result<(), AppendError> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let least = i64::try_from(self.min_free.bytes_of(self.total.load(Ordering::Relaxed)))
            .unwrap_or(i64::MAX);
        let left = self
            .free
            .fetch_sub(bytes, Ordering::Relaxed)
            .saturating_sub(bytes);
        if left >= least {
            return Ok(());
        }
        let now = self.clock.monotonic();
        let mut looked_at = self.looked_at.lock();
        if now.saturating_sub(*looked_at) >= SPACE_CHECK_INTERVAL {
            *looked_at = now;
            drop(looked_at);
            self.look();
        } else {
            drop(looked_at);
            self.free.fetch_add(bytes, Ordering::Relaxed);
        }
        if self.free.load(Ordering::Relaxed).saturating_sub(bytes) >= least {
            return Ok(());
        }
        self.full.store(true, Ordering::Relaxed);
        Err(self.disk_full())
    }

    /// Looks at the free space and, when there is enough, makes the reserve again.
    pub(crate) fn look(&self) {
        match self.files.disk_space(&self.path) {
            Ok(space) => {
                let free = i64::try_from(space.free_bytes).unwrap_or(i64::MAX);
                self.free.store(free, Ordering::Relaxed);
                self.total.store(space.total_bytes, Ordering::Relaxed);
                let room = space.free_bytes >= self.min_free.bytes_of(space.total_bytes);
                let was_full = self.full.swap(!room, Ordering::Relaxed);
                if was_full == room {
                    let (dir, free) = (self.path.display(), space.free_bytes);
                    tracing::warn!(dir = %dir, free_bytes = free, full = !room, "disk space");
                }
            }
            Err(e) => self.fail(&self.path, &e),
        }
    }

    /// Preallocates the reserve. Not having one is no error: some file systems can't.
    pub(crate) fn make_reserve(&self) {
        let space = self.space();
        let size = self
            .reserve_bytes
            .min(space.total_bytes / RESERVE_SHARE_OF_DISK);
        let enough = space.free_bytes
            > self
                .min_free
                .bytes_of(space.total_bytes)
                .saturating_add(self.reserve_bytes);
        if size == 0 || !enough || !self.is_online() {
            return;
        }
        let path = self.path.join(names::RESERVE);
        if self.files.exists(&path).unwrap_or(true) {
            return;
        }
        let made = self
            .files
            .open(&path, OpenMode::Create)
            .and_then(|file| file.allocate(0, size));
        if let Err(e) = made {
            tracing::debug!(dir = %self.path.display(), error = %e, "no reserve");
        }
    }

    /// Replaces a checkpoint unless it says the same already.
    pub(crate) fn write_offsets_if_changed(
        &self,
        name: &'static str,
        offsets: &Offsets,
    ) -> Result<(), StorageError> {
        let mut written = self.written.lock();
        if written.get(name) == Some(offsets) {
            return Ok(());
        }
        let path = self.path.join(name);
        self.with_reserve(|| checkpoint::write_offsets(&*self.files, &path, offsets))
            .map_err(|e| self.storage_error(&path, e))?;
        written.insert(name, offsets.clone());
        Ok(())
    }

    /// Runs `work`; when the disk is full, gives the reserve back to it and tries once more.
    pub(crate) fn with_reserve<T>(&self, work: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match work() {
            Err(e) if is_disk_full(&e) => match self.give_reserve_back() {
                true => work(),
                false => Err(e),
            },
            done => done,
        }
    }

    /// The disk is full: gives the reserve back to it, if there is one.
    pub(crate) fn give_reserve_back(&self) -> bool {
        self.full.store(true, Ordering::Relaxed);
        let reserve = self.path.join(names::RESERVE);
        self.files.remove_file(&reserve).is_ok()
    }
}
