//! File handles of segments, opened when needed and closed when too many are open.
//!
//! Logs with bytes that are not synced yet are *pinned*: their handle stays open (an error of
//! background write-back is then reported to the next fsync and not lost with the last handle).
//! All others share a limit, with second-chance eviction: indexes, which are hints, and logs that
//! nobody has written to since the last fsync. So an idle partition costs no descriptor, and a busy
//! one costs one.
//!
//! Pinned handles have a limit of their own, in four steps:
//!
//! ```text
//! 0 ────────── early ───── waiting ──── clients ──── all
//!     nothing    │  logs are  │  appends of │  and are  │  those of coordinators
//!                │  synced    │  clients    │  refused  │  are refused too
//!                │  early     │  wait       │           │
//! ```
//! Only appends ask for room. Recovery, compaction and the flush itself take what they need: they
//! are few at a time, and recovery syncs what it opened from `early` on.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use limpid_platform::files::{File, Files, OpenMode};
use parking_lot::Mutex;

use crate::api::{Origin, SegmentFiles};

/// Pinned handles from which on logs are synced before their time, of sixteen parts of the limit.
const EARLY: usize = 14;
/// From which on appends of clients wait. Between this and the next step there is room for those
/// that were told at the same moment that there is some.
const WAITING: usize = 15;
/// Down to which logs are synced when they are.
const CALM: usize = 8;
const OF: usize = 16;
const _: () = assert!(CALM < EARLY && EARLY < WAITING && WAITING < OF);

/// How many files of segments may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Of those that need not be.
    pub(crate) shared: usize,
    /// Of those with bytes that are not on the disk.
    pub(crate) pinned: usize,
}

/// What a read may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The disk.
    ForDisk,
    /// Nothing: what is not in memory, or not open, is `WouldBlock`.
    Never,
}

/// The files that are open.
pub(crate) struct OpenFiles {
    files: Arc<dyn Files>,
    limits: Limits,
    open: Mutex<VecDeque<Weak<Slot>>>,
    pinned: AtomicUsize,
    early: Early,
}

/// Who syncs logs before their time, and whether it was asked to.
#[derive(Default)]
struct Early {
    asked: AtomicBool,
    ask: OnceLock<Box<dyn Fn() -> bool + Send + Sync>>,
}

/// One file of a segment, open or not.
#[derive(Debug)]
pub(crate) struct Slot {
    owner: Arc<OpenFiles>,
    state: Mutex<SlotState>,
    /// There is a place in the state; to be asked without a lock.
    held: AtomicBool,
    used: AtomicBool,
}

#[derive(Debug)]
struct SlotState {
    path: PathBuf,
    handle: Option<Arc<dyn File>>,
    pinned: bool,
    /// Of an open file that is pinned.
    place: Option<Place>,
    listed: bool,
}

/// A place among the pinned handles; given back on drop.
pub(crate) struct Place(Arc<OpenFiles>);

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.pinned.fetch_sub(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for OpenFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFiles")
            .field("limits", &self.limits)
            .field("pinned", &self.pinned)
            .finish_non_exhaustive()
    }
}

impl OpenFiles {
    pub(crate) fn new(files: Arc<dyn Files>, limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            files,
            limits: Limits {
                shared: limits.shared.max(1),
                pinned: limits.pinned.max(OF),
            },
            open: Mutex::default(),
            pinned: AtomicUsize::new(0),
            early: Early::default(),
        })
    }

    /// What is open, and what may be.
    pub(crate) fn usage(&self) -> SegmentFiles {
        SegmentFiles {
            shared: self.open.lock().len(),
            shared_max: self.limits.shared,
            unsynced: self.pinned.load(Ordering::Acquire),
            unsynced_max: self.limits.pinned,
        }
    }

    /// `ask` is called when logs should be synced before their time; it says whether they will be.
    /// Short, and under the locks of a log. The first call counts.
    pub(crate) fn on_early(&self, ask: impl Fn() -> bool + Send + Sync + 'static) {
        self.early.ask.set(Box::new(ask)).ok();
    }

    /// Logs were synced, or couldn't be; the next who finds too many pinned asks again.
    pub(crate) fn early_is_done(&self) {
        self.early.asked.store(false, Ordering::Release);
    }

    /// So many handles should not be pinned any more, once logs are synced before their time.
    pub(crate) fn excess(&self) -> usize {
        let calm = self.limits.pinned * CALM / OF;
        self.pinned.load(Ordering::Acquire).saturating_sub(calm)
    }

    /// Whether logs should be synced before their time.
    pub(crate) fn is_early(&self) -> bool {
        self.are_many(self.pinned.load(Ordering::Acquire))
    }

    fn are_many(&self, pinned: usize) -> bool {
        pinned >= self.limits.pinned * EARLY / OF
    }

    /// Whether an append of a client that needs one more handle should wait.
    pub(crate) fn is_short(&self) -> bool {
        let pinned = self.pinned.load(Ordering::Relaxed);
        let is_short = pinned >= self.limits.pinned * WAITING / OF;
        if is_short {
            self.look(pinned);
        }
        is_short
    }

    /// A place for one more pinned handle of an append, if there is one.
    pub(crate) fn place(self: &Arc<Self>, origin: Origin) -> Option<Place> {
        let limit = match origin {
            Origin::Client => self.limits.pinned * (OF + WAITING) / (2 * OF),
            Origin::Coordinator | Origin::Replica => self.limits.pinned,
        };
        let one_more = |pinned| (pinned < limit).then_some(pinned + 1);
        let taken = self
            .pinned
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more);
        match taken {
            Ok(before) => {
                self.look(before + 1);
                Some(Place(Arc::clone(self)))
            }
            Err(pinned) => {
                self.look(pinned);
                None
            }
        }
    }

    /// As [`OpenFiles::place`], for what can't wait.
    fn place_anyway(self: &Arc<Self>) -> Place {
        let before = self.pinned.fetch_add(1, Ordering::AcqRel);
        self.look(before + 1);
        Place(Arc::clone(self))
    }

    fn look(&self, pinned: usize) {
        if !self.are_many(pinned) {
            return;
        }
        let Some(ask) = self.early.ask.get() else {
            return;
        };
        if !self.early.asked.swap(true, Ordering::AcqRel) && !ask() {
            self.early_is_done();
        }
    }

    fn add(&self, slot: &Arc<Slot>) {
        let mut open = self.open.lock();
        open.push_back(Arc::downgrade(slot));
        // Each round closes one file, drops a dead or pinned one, or spends a second chance.
        let mut rounds = 2 * open.len();
        while open.len() > self.limits.shared && rounds > 0 {
            rounds -= 1;
            let Some(candidate) = open.pop_front() else {
                break;
            };
            let Some(victim) = candidate.upgrade() else {
                continue;
            };
            if victim.used.swap(false, Ordering::Relaxed) {
                open.push_back(candidate);
                continue;
            }
            // The slot being opened holds its own lock; it was used just now anyway.
            match victim.state.try_lock() {
                Some(mut state) => {
                    state.listed = false;
                    if !state.pinned {
                        state.handle = None;
                    }
                }
                None => open.push_back(candidate),
            }
        }
    }
}

impl Slot {
    pub(crate) fn new(owner: &Arc<OpenFiles>, path: PathBuf, pinned: bool) -> Arc<Self> {
        Arc::new(Self {
            owner: Arc::clone(owner),
            state: Mutex::new(SlotState {
                path,
                handle: None,
                pinned,
                place: None,
                listed: false,
            }),
            held: AtomicBool::new(false),
            used: AtomicBool::new(true),
        })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.state.lock().path.clone()
    }

    /// The open file, opened (and created when missing) if it is not.
    pub(crate) fn open_or_create(self: &Arc<Self>) -> io::Result<Arc<dyn File>> {
        self.open_with(OpenMode::Create)
    }

    /// The open file; it must exist.
    pub(crate) fn get(self: &Arc<Self>) -> io::Result<Arc<dyn File>> {
        self.open_with(OpenMode::ReadWrite)
    }

    /// The file for a read.
    pub(crate) fn to_read(self: &Arc<Self>, wait: Wait) -> io::Result<Arc<dyn File>> {
        match wait {
            Wait::ForDisk => self.get(),
            Wait::Never => self
                .opened()
                .and_then(File::in_memory)
                .ok_or_else(|| io::ErrorKind::WouldBlock.into()),
        }
    }

    /// The file, if it is open and nobody is opening, renaming or removing it.
    fn opened(&self) -> Option<Arc<dyn File>> {
        self.used.store(true, Ordering::Relaxed);
        self.state.try_lock()?.handle.clone()
    }

    fn open_with(self: &Arc<Self>, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        self.used.store(true, Ordering::Relaxed);
        let mut state = self.state.lock();
        if let Some(handle) = &state.handle {
            return Ok(Arc::clone(handle));
        }
        let handle = self.owner.files.open(&state.path, mode)?;
        state.handle = Some(Arc::clone(&handle));
        if state.pinned {
            state.place = Some(self.owner.place_anyway());
            self.held.store(true, Ordering::Release);
        }
        let list = !state.listed && !state.pinned;
        state.listed |= list;
        drop(state);
        if list {
            self.owner.add(self);
        }
        Ok(handle)
    }

    /// Whether it is open and stays so.
    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// Opens the file, if it is not, and keeps it open from now on: an append will write to it.
    /// False when there is no place for that; nothing is changed then, nor after an error.
    pub(crate) fn pin(&self, mode: OpenMode, origin: Origin) -> io::Result<bool> {
        if self.is_held() {
            return Ok(true);
        }
        // Under the lock, so that whoever is about to close the handle has either seen this
        // or is done before it is asked for.
        let mut state = self.state.lock();
        if state.place.is_some() {
            return Ok(true);
        }
        let Some(place) = self.owner.place(origin) else {
            return Ok(false);
        };
        if state.handle.is_none() {
            state.handle = Some(self.owner.files.open(&state.path, mode)?);
        }
        state.pinned = true;
        state.place = Some(place);
        self.held.store(true, Ordering::Release);
        Ok(true)
    }

    /// From now on the handle may be closed when too many are open.
    pub(crate) fn unpin(self: &Arc<Self>) {
        let mut state = self.state.lock();
        self.held.store(false, Ordering::Release);
        state.pinned = false;
        state.place = None;
        let list = state.handle.is_some() && !state.listed;
        state.listed |= list;
        drop(state);
        if list {
            self.owner.add(self);
        }
    }

    /// Renames the file; an open handle stays good. A file that is not there is fine.
    pub(crate) fn rename(&self, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        match self.owner.files.rename(&state.path, to) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        to.clone_into(&mut state.path);
        Ok(())
    }

    /// The directory was renamed.
    pub(crate) fn moved(&self, dir: &Path) {
        let mut state = self.state.lock();
        if let Some(name) = state.path.file_name() {
            state.path = dir.join(name);
        }
    }

    /// Closes the handle and removes the file; one that is not there is fine.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        self.held.store(false, Ordering::Release);
        state.handle = None;
        state.place = None;
        match self.owner.files.remove_file(&state.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
