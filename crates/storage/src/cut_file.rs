//! `cut.json`: how much of each active segment belongs to a cut, see [`crate::LogManager::cut`].

use std::io;
use std::path::Path;

use limpid_platform::files::{Files, atomic_write};
use serde::{Deserialize, Serialize};

/// The file's name.
pub(crate) const NAME: &str = "cut.json";
/// Longer ones are garbage.
const BYTES_MAX: u64 = 300 << 20;

/// How far the active segment of a log goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ActiveEnd {
    /// The log's directory.
    pub(crate) log: String,
    /// Base offset of the segment.
    pub(crate) segment: i64,
    /// Its length.
    pub(crate) bytes: u64,
}

pub(crate) fn write(files: &dyn Files, path: &Path, ends: &[ActiveEnd]) -> io::Result<()> {
    atomic_write(files, path, &serde_json::to_vec(ends)?)
}

pub(crate) fn read(files: &dyn Files, path: &Path) -> io::Result<Vec<ActiveEnd>> {
    Ok(serde_json::from_slice(&files.read_small(path, BYTES_MAX)?)?)
}
