//! Where a log stood at one moment, and its files under second names.

use std::io;
use std::path::Path;

use parking_lot::MutexGuard;

use super::{PartitionLog, State};
use crate::names;

/// While this is held nothing is appended.
pub(crate) struct Standstill<'a> {
    log: &'a PartitionLog,
    state: MutexGuard<'a, State>,
}

/// Where a log stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stand {
    /// Base offset of the active segment.
    pub(crate) active_base: i64,
    /// Bytes of whole batches in it.
    pub(crate) active_bytes: u64,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl PartitionLog {
    /// Stops appends for as long as the result lives.
    pub(crate) fn stand_still(&self) -> Standstill<'_> {
        let state = self.state.lock();
        Standstill { log: self, state }
    }

    /// While this is held no segment is removed or replaced. Waits for compaction.
    pub(crate) fn hold_upkeep(&self) -> MutexGuard<'_, ()> {
        self.upkeep.lock()
    }

    /// Gives what the log had at `stand` second names in `to`. The active segment's file goes on
    /// growing under both names; its indexes are left out, for they do as well.
    pub(crate) fn link_files(&self, stand: &Stand, to: &Path) -> io::Result<()> {
        let files = &*self.shared.files;
        let from = self.path();
        files.create_dir_all(to)?;
        let segments: Vec<i64> = self.segments.read().keys().copied().collect();
        for base in segments
            .into_iter()
            .filter(|base| *base <= stand.active_base)
        {
            let suffixes: &[&str] = if base == stand.active_base {
                &[names::LOG]
            } else {
                &[
                    names::LOG,
                    names::INDEX,
                    names::TIME_INDEX,
                    names::TXN_INDEX,
                ]
            };
            for suffix in suffixes {
                let name = names::segment_file(Path::new(""), base, suffix);
                link_if_there(files, &from.join(&name), &to.join(&name))?;
            }
            let snapshot = names::segment_file(Path::new(""), base, names::SNAPSHOT);
            link_if_there(files, &from.join(&snapshot), &to.join(&snapshot))?;
        }
        for name in [names::EPOCHS, names::PARTITION_METADATA] {
            link_if_there(files, &from.join(name), &to.join(name))?;
        }
        Ok(())
    }
}

impl Standstill<'_> {
    /// Where the log stands.
    pub(crate) fn stand(&self) -> Stand {
        Stand {
            active_base: self.state.active.base_offset,
            active_bytes: self.state.active.size(),
            start: self.log.log_start_offset(),
            end: self.log.log_end_offset(),
        }
    }
}

pub(crate) fn link_if_there(
    files: &dyn limpid_platform::files::Files,
    from: &Path,
    to: &Path,
) -> io::Result<()> {
    match files.hard_link(from, to) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
