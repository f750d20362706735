//! What opening a log found and did.

use std::path::Path;

/// What happened to one log.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) scanned: bool,
    pub(crate) segments_scanned: usize,
    pub(crate) bytes_scanned: u64,
    pub(crate) bytes_cut: u64,
    pub(crate) segments_removed: usize,
    pub(crate) indexes_rebuilt: usize,
    pub(crate) snapshots_discarded: usize,
    pub(crate) notes: Vec<String>,
}

impl Outcome {
    pub(super) fn note(&mut self, path: &Path, what: &str) {
        self.notes.push(format!("{}: {what}", path.display()));
    }
}
