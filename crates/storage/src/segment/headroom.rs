//! Headroom: what a segment that much is written to has ready behind its last batch.
//!
//! A page cache takes what is appended a page or a few at a time: for each it looks for memory, hangs it into the file, and
//! has the file system reserve a block. Where pages and blocks are there already, an append is hardly
//! more than its copy. On ext4 a GB in appends of 16 KB costs 0.55 s of system time without headroom and 0.17 s with, in
//! appends of 60 KB 0.35 and 0.13 s (docs/decisions/2026-11-23-headroom-behind-the-last-batch.md).
//!
//! So a file is longer than its batches while it is written to, and nobody may take the length of a file for the end of a
//! log. What is behind the last batch is zeros, and no batch: recovery cuts them off.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use limpid_platform::files::File;

use super::Segment;

/// Written ahead unless told otherwise. Less means more and smaller pages, and with more a small append has
/// too much to look at: the file system goes through all blocks of the page it writes to.
pub(crate) const HEADROOM_BYTES: u64 = 128 << 10;
/// More is never written ahead.
pub(crate) const HEADROOM_BYTES_MAX: u64 = 1 << 20;
static ZEROS: [u8; HEADROOM_BYTES as usize] = [0; HEADROOM_BYTES as usize];
/// Blocks are reserved for a quarter of what the segment has already, in such steps, and not more than this
/// at once: what isn't needed is given back, but is missed by others until then.
const RESERVED_STEP: u64 = 1 << 20;
const RESERVED_MAX: u64 = 8 << 20;

/// How much headroom there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    /// Bytes of zeros; 0 for no headroom.
    pub(crate) bytes: u64,
    /// The file does not get longer than this for it.
    pub(crate) limit: u64,
}

impl Allowed {
    /// Whether a log to which so much was appended is worth it.
    pub(crate) const fn is_due(self, appended_bytes: u64) -> bool {
        self.bytes > 0 && appended_bytes >= self.bytes / 2
    }
}

impl Segment {
    /// Makes headroom for an append of so many bytes and for what may follow it.
    pub(crate) fn make_headroom(&self, bytes: usize, allowed: Allowed) {
        let size = self.size();
        let append = size..size + bytes as u64;
        if self.headroom.has(append.end) {
            return;
        }
        if let Ok(file) = self.log.get() {
            self.headroom.make(&*file, &append, allowed);
        }
    }

    /// Cuts off what was made ready behind the last batch, if there is something.
    pub(crate) fn give_headroom_back(&self) -> io::Result<()> {
        if self.headroom.is_any(self.size()) {
            self.cut_back()
        } else {
            Ok(())
        }
    }
}

/// What a file has behind its last batch. Changed by the holder of the log's append lock.
#[derive(Debug, Default)]
pub(crate) struct Headroom {
    /// Where the zeros end.
    blank_to: AtomicU64,
    /// Where the blocks end that were reserved.
    reserved_to: AtomicU64,
}

impl Headroom {
    /// Whether zeros lie ready as far as an append ends.
    fn has(&self, end: u64) -> bool {
        end <= self.blank_to.load(Ordering::Relaxed)
    }

    /// Makes headroom for an append that is about to be written and for some that follow it. What goes wrong is no
    /// matter: they are written without.
    fn make(&self, file: &dyn File, append: &Range<u64>, allowed: Allowed) {
        let from = self.blank_to.load(Ordering::Relaxed).max(append.start);
        let end = (append.end / allowed.bytes + 1) * allowed.bytes;
        let end = end.min(allowed.limit);
        self.reserve(file, append.start, end, allowed.limit);
        // An append that is longer brings pages in large pieces itself.
        if append.end - append.start < allowed.bytes && append.end < end {
            // How far it got before an error is not known.
            self.blank_to.store(end, Ordering::Relaxed);
            write_zeros(file, from..end).ok();
        }
    }

    /// Has blocks reserved as far as `end` and a while on.
    fn reserve(&self, file: &dyn File, size: u64, end: u64, limit: u64) {
        let reserved = self.reserved_to.load(Ordering::Relaxed).max(size);
        let more = (size / 4).min(RESERVED_MAX) / RESERVED_STEP * RESERVED_STEP;
        let to = (end + more).min(limit);
        if more == 0 || end <= reserved || to <= reserved {
            return;
        }
        if file.allocate(reserved, to - reserved).is_ok() {
            self.reserved_to.store(to, Ordering::Relaxed);
        }
    }

    /// Blocks are reserved as far as this.
    pub(crate) fn note_reserved(&self, to: u64) {
        self.reserved_to.store(to, Ordering::Relaxed);
    }

    /// Whether there may be something behind `size`.
    pub(crate) fn is_any(&self, size: u64) -> bool {
        let ready = [&self.blank_to, &self.reserved_to];
        ready.iter().any(|to| to.load(Ordering::Relaxed) > size)
    }

    /// The file was cut behind its last batch.
    pub(crate) fn forget(&self) {
        self.blank_to.store(0, Ordering::Relaxed);
        self.reserved_to.store(0, Ordering::Relaxed);
    }
}

fn write_zeros(file: &dyn File, mut range: Range<u64>) -> io::Result<()> {
    while range.start < range.end {
        let piece = (range.end - range.start).min(HEADROOM_BYTES) as usize;
        file.write_all_at(&ZEROS[..piece], range.start)?;
        range.start += piece as u64;
    }
    Ok(())
}
