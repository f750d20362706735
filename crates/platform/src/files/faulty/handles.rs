//! What a test wants to know of handles: how many were open at once, and which were closed with bytes that
//! nobody had synced.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Of all files of one [`super::FaultyFiles`].
#[derive(Debug, Default)]
pub(super) struct Handles {
    open: AtomicUsize,
    most: AtomicUsize,
    /// Counts writes; what is synced is synced up to one of them.
    writes: AtomicU64,
    all_synced: AtomicU64,
    closed_unsynced: Mutex<Vec<PathBuf>>,
}

impl Handles {
    pub(super) fn open(self: &Arc<Self>, path: PathBuf) -> Handle {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(open, Ordering::SeqCst);
        Handle {
            all: Arc::clone(self),
            path,
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
        }
    }

    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    pub(super) fn closed_unsynced(&self) -> Vec<PathBuf> {
        self.closed_unsynced.lock().clone()
    }

    /// Writes so far; to be asked before a sync begins.
    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// A sync of everything went well that began after so many writes.
    pub(super) fn all_synced(&self, writes: u64) {
        self.all_synced.fetch_max(writes, Ordering::SeqCst);
    }
}

/// One open file.
#[derive(Debug)]
pub(super) struct Handle {
    all: Arc<Handles>,
    path: PathBuf,
    written: AtomicU64,
    synced: AtomicU64,
}

impl Handle {
    /// Before bytes are written.
    pub(super) fn write(&self) {
        let turn = self.all.writes.fetch_add(1, Ordering::SeqCst) + 1;
        self.written.fetch_max(turn, Ordering::SeqCst);
    }

    /// A sync went well that began after so many writes.
    pub(super) fn synced(&self, writes: u64) {
        self.synced.fetch_max(writes, Ordering::SeqCst);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.all.open.fetch_sub(1, Ordering::SeqCst);
        let synced = &self.all.all_synced;
        let synced = *self
            .synced
            .get_mut()
            .max(&mut synced.load(Ordering::SeqCst));
        if *self.written.get_mut() > synced {
            self.all
                .closed_unsynced
                .lock()
                .push(std::mem::take(&mut self.path));
        }
    }
}
