//! What a log's directory holds, before anything is judged.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::Shared;
use crate::arrivals::file::Saved;
use crate::config::LogConfig;
use crate::names;

/// What the manager knows of a log before it is opened.
#[derive(Debug, Clone)]
pub(crate) struct LoadParams {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) config: LogConfig,
    /// The log directory was shut down cleanly.
    pub(crate) clean: bool,
    pub(crate) recovery_point: i64,
    /// From the checkpoint; 0 when it has none.
    pub(crate) log_start: i64,
    /// Up to where it is compacted; `None` when the checkpoint has nothing.
    pub(crate) clean_to: Option<i64>,
    /// When its records came, from the checkpoint.
    pub(crate) arrivals: Option<Saved>,
}

/// The segment files of a directory.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) segments: BTreeMap<i64, SegmentFiles>,
    pub(super) snapshots: Vec<i64>,
}

/// The files of one segment; an index of length `None` is missing.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct SegmentFiles {
    pub(super) log: Option<u64>,
    pub(super) index: Option<u64>,
    pub(super) time_index: Option<u64>,
    pub(super) txn_index: Option<u64>,
    pub(super) modified_ms: i64,
}

/// Sorts the names of a log's directory; indexes without a log are removed.
pub(super) fn list(shared: &Shared, path: &Path) -> io::Result<Listing> {
    let mut out = Listing::default();
    for entry in shared
        .files
        .list(path)?
        .into_iter()
        .filter(|entry| !entry.is_dir)
    {
        let base = |suffix| names::parse_segment_file(&entry.name, suffix);
        if let Some(base) = base(names::LOG) {
            let files = out.segments.entry(base).or_default();
            files.log = Some(entry.len);
            files.modified_ms = entry.modified_ms;
        } else if let Some(base) = base(names::INDEX) {
            out.segments.entry(base).or_default().index = Some(entry.len);
        } else if let Some(base) = base(names::TIME_INDEX) {
            out.segments.entry(base).or_default().time_index = Some(entry.len);
        } else if let Some(base) = base(names::TXN_INDEX) {
            out.segments.entry(base).or_default().txn_index = Some(entry.len);
        } else if let Some(offset) = base(names::SNAPSHOT) {
            out.snapshots.push(offset);
        }
    }
    out.snapshots.sort_unstable();
    let orphans: Vec<i64> = out
        .segments
        .iter()
        .filter(|(_, f)| f.log.is_none())
        .map(|(base, _)| *base)
        .collect();
    for base in orphans {
        out.segments.remove(&base);
        for suffix in [names::INDEX, names::TIME_INDEX, names::TXN_INDEX] {
            remove_if_there(shared, &names::segment_file(path, base, suffix))?;
        }
    }
    Ok(out)
}

pub(super) fn remove_if_there(shared: &Shared, path: &Path) -> io::Result<()> {
    match shared.files.remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
