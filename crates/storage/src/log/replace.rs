//! Putting compacted segments in the place of the originals, so that a crash at any moment leaves
//! either these or those.
//!
//! | step | a crash after it |
//! |---|---|
//! | 1. the copy is written under `.cleaned` names and synced | names in `.cleaned` are removed |
//! | 2. it is renamed to `.swap`, the log first; the directory is synced | while a `.cleaned` name is left, the copy is removed; then it is complete and step 3 and 4 are done at the start |
//! | 3. the originals are renamed to `.deleted`, which frees their names | names in `.deleted` are removed, step 4 is done at the start |
//! | 4. the copy loses `.swap`, the log first; the directory is synced | `.swap` names that are left are renamed |
//!
//! Apache Kafka does the same steps and repairs the same way, so that each finishes what the other
//! began. Readers that are at an original stay there: its files go later.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;

use super::PartitionLog;
use super::retention::Condemned;
use crate::compaction::CompactionError;
use crate::error::ReadError;
use crate::names;
use crate::segment::Segment;

/// A look over the segments is begun anew so often when replacements come between.
const LOOKS_MAX: usize = 8;

impl PartitionLog {
    /// Puts `copy` in the place of `originals`, whose records it has as far as they stay.
    pub(super) fn replace(
        &self,
        copy: &Arc<Segment>,
        originals: &[Arc<Segment>],
    ) -> Result<Vec<Condemned>, CompactionError> {
        assert_eq!(
            originals.first().map(|segment| segment.base_offset),
            Some(copy.base_offset),
            "a copy starts where its first original does"
        );
        let _nobody_renames = self.renaming.lock();
        if self.closed.load(Ordering::Acquire) {
            return Err(CompactionError::Closed);
        }
        let path = self.path();
        self.swap_in(copy, originals, &path)
            .map_err(|e| self.dir.storage_error(&path, e))?;
        let delay_ms = self.config().file_delete_delay_ms;
        let condemned = originals.iter().map(|segment| Condemned {
            segment: Arc::clone(segment),
            snapshot: self.snapshot_of(segment, copy, &path),
            delay_ms,
        });
        Ok(condemned.collect())
    }

    fn swap_in(
        &self,
        copy: &Arc<Segment>,
        originals: &[Arc<Segment>],
        path: &Path,
    ) -> std::io::Result<()> {
        let files = &*self.shared.files;
        copy.rename(names::CLEANED, names::SWAP)?;
        files.sync_dir(path)?;
        {
            let mut segments = self.segments.write();
            for original in originals {
                segments.remove(&original.base_offset);
            }
            segments.insert(copy.base_offset, Arc::clone(copy));
            self.replacements.fetch_add(1, Ordering::Release);
        }
        for original in originals {
            original.mark_deleted()?;
        }
        copy.rename(names::SWAP, "")?;
        files.sync_dir(path)
    }

    /// A producer snapshot belongs to the segment that starts at its offset; the copy keeps that
    /// of the first original.
    fn snapshot_of(&self, original: &Segment, copy: &Segment, path: &Path) -> Option<PathBuf> {
        let base = original.base_offset;
        (base != copy.base_offset).then(|| names::segment_file(path, base, names::SNAPSHOT))
    }

    /// While this is held, no segment is replaced; for whoever renames the directory.
    pub(crate) fn hold_replacements(&self) -> MutexGuard<'_, ()> {
        self.renaming.lock()
    }

    /// Does `look`, which goes through several segments, and once more when some of them were
    /// replaced meanwhile: it may have missed what moved into a segment that it had passed.
    pub(super) fn look_through<T>(
        &self,
        look: impl Fn() -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        for _ in 1..LOOKS_MAX {
            let before = self.replacements.load(Ordering::Acquire);
            let found = look();
            if self.replacements.load(Ordering::Acquire) == before {
                return found;
            }
        }
        look()
    }
}
