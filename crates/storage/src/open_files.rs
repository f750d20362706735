//! File handles of segments, opened when needed and closed when too many are open.
//!
//! Logs with bytes that are not synced yet are *pinned*: their handle stays open (an error of
//! background write-back is then reported to the next fsync and not lost with the last handle).
//! All others share a limit, [`OpenFiles::limit`], with second-chance eviction: indexes, which are
//! hints, and logs that nobody has written to since the last fsync. So an idle partition costs no
//! descriptor, and a busy one costs one.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use limpid_platform::files::{File, Files, OpenMode};
use parking_lot::Mutex;

/// The files that may be open at once beside the pinned ones.
#[derive(Debug)]
pub(crate) struct OpenFiles {
    files: Arc<dyn Files>,
    limit: usize,
    open: Mutex<VecDeque<Weak<Slot>>>,
}

/// One file of a segment, open or not.
#[derive(Debug)]
pub(crate) struct Slot {
    owner: Arc<OpenFiles>,
    state: Mutex<SlotState>,
    pinned: AtomicBool,
    used: AtomicBool,
}

#[derive(Debug)]
struct SlotState {
    path: PathBuf,
    handle: Option<Arc<dyn File>>,
    listed: bool,
}

impl OpenFiles {
    pub(crate) fn new(files: Arc<dyn Files>, limit: usize) -> Arc<Self> {
        Arc::new(Self {
            files,
            limit: limit.max(1),
            open: Mutex::default(),
        })
    }

    /// How many unpinned files are open, and how many may be.
    pub(crate) fn usage(&self) -> (usize, usize) {
        (self.open.lock().len(), self.limit)
    }

    fn add(&self, slot: &Arc<Slot>) {
        let mut open = self.open.lock();
        open.push_back(Arc::downgrade(slot));
        // Each round closes one file, drops a dead or pinned one, or spends a second chance.
        let mut rounds = 2 * open.len();
        while open.len() > self.limit && rounds > 0 {
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
                    if !victim.pinned.load(Ordering::Relaxed) {
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
                listed: false,
            }),
            pinned: AtomicBool::new(pinned),
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

    fn open_with(self: &Arc<Self>, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        self.used.store(true, Ordering::Relaxed);
        let mut state = self.state.lock();
        if let Some(handle) = &state.handle {
            return Ok(Arc::clone(handle));
        }
        let handle = self.owner.files.open(&state.path, mode)?;
        state.handle = Some(Arc::clone(&handle));
        let list = !state.listed && !self.pinned.load(Ordering::Relaxed);
        state.listed |= list;
        drop(state);
        if list {
            self.owner.add(self);
        }
        Ok(handle)
    }

    /// From now on the handle stays open, once it is.
    pub(crate) fn pin(&self) {
        if !self.pinned.load(Ordering::Relaxed) {
            // Under the lock, so that whoever is about to close the handle has either seen this
            // or is done before it is asked for.
            let _state = self.state.lock();
            self.pinned.store(true, Ordering::Relaxed);
        }
    }

    /// From now on the handle may be closed when too many are open.
    pub(crate) fn unpin(self: &Arc<Self>) {
        self.pinned.store(false, Ordering::Relaxed);
        let mut state = self.state.lock();
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
        state.handle = None;
        match self.owner.files.remove_file(&state.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use limpid_platform::files::RealFiles;

    #[test]
    fn no_more_than_the_limit_stay_open_and_pinned_ones_stay() {
        let dir = tempfile::tempdir().unwrap();
        let open = OpenFiles::new(Arc::new(RealFiles), 3);
        let pinned = Slot::new(&open, dir.path().join("pinned"), true);
        pinned
            .open_or_create()
            .unwrap()
            .write_all_at(b"p", 0)
            .unwrap();
        let slots: Vec<_> = (0..10)
            .map(|i| Slot::new(&open, dir.path().join(i.to_string()), false))
            .collect();
        for (i, slot) in slots.iter().enumerate() {
            slot.open_or_create()
                .unwrap()
                .write_all_at(&[i as u8], 0)
                .unwrap();
        }
        assert!(open.usage().0 <= 4, "{:?}", open.usage());
        let held = slots
            .iter()
            .filter(|slot| slot.state.lock().handle.is_some())
            .count();
        assert!(held <= 4, "{held}");
        for (i, slot) in slots.iter().enumerate() {
            let mut byte = [0];
            slot.get().unwrap().read_exact_at(&mut byte, 0).unwrap();
            assert_eq!(byte[0], i as u8);
        }
        assert!(pinned.state.lock().handle.is_some());
        pinned.unpin();
        assert!(pinned.state.lock().listed);
    }
}
