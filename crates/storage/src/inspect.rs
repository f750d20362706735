//! Looking at log directories from outside: what is there, and whether it is sound.
//!
//! Nothing is locked, repaired or written, so that the directories of a running broker can be looked
//! at as well. What changes meanwhile may then look unfinished; that is told apart where it can be.

use std::io;
use std::path::{Path, PathBuf};

use limpid_platform::files::{DirEntry, Files};
use limpid_protocol::Uuid;

use crate::checkpoint::{self, Offsets};
use crate::metadata::{MetaProperties, MetadataError};
use crate::names::{self, DirKind};

mod segment;

use segment::Looker;

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// File names, sizes and the headers of the last segments.
    Names,
    /// Every batch: checksums, offsets, records; every index entry.
    Everything,
}

/// A log directory.
#[derive(Debug)]
pub struct DirReport {
    /// Its path.
    pub path: PathBuf,
    /// Which cluster and node it belongs to; `None` when it is not formatted.
    pub meta: Option<MetaProperties>,
    /// True when it has the marker of a clean shutdown.
    pub clean: bool,
    /// Its logs, by name.
    pub logs: Vec<LogReport>,
    /// Directories of deleted, unknown and moving logs.
    pub set_aside: Vec<PathBuf>,
    /// What is wrong with the directory itself.
    pub problems: Vec<String>,
}

/// A partition's log.
#[derive(Debug, Clone)]
pub struct LogReport {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The topic's id, if `partition.metadata` has one.
    pub topic_id: Option<Uuid>,
    /// Its directory.
    pub path: PathBuf,
    /// Segments.
    pub segments: usize,
    /// Bytes of all its files.
    pub bytes: u64,
    /// The first offset that can be read.
    pub start: i64,
    /// One past the last.
    pub end: i64,
    /// Batches and records that were read; 0 when nobody asked for that.
    pub batches: u64,
    /// Records among them.
    pub records: u64,
    /// What is wrong, one line each; the place comes first.
    pub problems: Vec<String>,
    /// What recovery will put right at the next start.
    pub unfinished: Vec<String>,
}

/// Looks at log directories; `each` hears of every log.
///
/// # Errors
/// When a directory can't be listed. What is wrong inside of it is in the report.
pub fn inspect(
    files: &dyn Files,
    dirs: &[PathBuf],
    depth: Depth,
    each: &mut dyn FnMut(&LogReport),
) -> io::Result<Vec<DirReport>> {
    dirs.iter()
        .map(|dir| inspect_dir(files, dir, depth, each))
        .collect()
}

fn inspect_dir(
    files: &dyn Files,
    dir: &Path,
    depth: Depth,
    each: &mut dyn FnMut(&LogReport),
) -> io::Result<DirReport> {
    let mut report = DirReport {
        path: dir.to_owned(),
        meta: None,
        clean: files.exists(&dir.join(names::CLEAN_SHUTDOWN))?,
        logs: Vec::new(),
        set_aside: Vec::new(),
        problems: Vec::new(),
    };
    match MetaProperties::read(files, dir) {
        Ok(meta) => report.meta = Some(meta),
        Err(MetadataError::NotFormatted { .. }) => {}
        Err(error) => report.problems.push(error.to_string()),
    }
    let starts = checkpoint_of(files, dir, names::LOG_STARTS, &mut report.problems);
    for name in [
        names::RECOVERY_POINTS,
        names::HIGH_WATERMARKS,
        names::CLEANER_OFFSETS,
    ] {
        checkpoint_of(files, dir, name, &mut report.problems);
    }
    for entry in files.list(dir)?.into_iter().filter(|entry| entry.is_dir) {
        let path = dir.join(&entry.name);
        match names::dir_kind(&entry.name) {
            DirKind::Log { topic, partition } => {
                let key = (topic.to_owned(), partition);
                let start = starts.get(&key).copied().unwrap_or(0);
                let log = inspect_log(files, &path, key, start, depth)?;
                each(&log);
                report.logs.push(log);
            }
            DirKind::Delete | DirKind::Stray | DirKind::Future => report.set_aside.push(path),
            DirKind::Metadata | DirKind::Other => {}
        }
    }
    Ok(report)
}

fn checkpoint_of(files: &dyn Files, dir: &Path, name: &str, problems: &mut Vec<String>) -> Offsets {
    match checkpoint::read_offsets(files, &dir.join(name)) {
        Ok(offsets) => offsets.unwrap_or_default(),
        Err(why) => {
            problems.push(format!("{name}: {why}"));
            Offsets::new()
        }
    }
}

fn inspect_log(
    files: &dyn Files,
    path: &Path,
    (topic, partition): (String, i32),
    start: i64,
    depth: Depth,
) -> io::Result<LogReport> {
    let entries = files.list(path)?;
    let mut bases: Vec<(i64, u64)> = entries
        .iter()
        .filter_map(|entry| {
            Some((
                names::parse_segment_file(&entry.name, names::LOG)?,
                entry.len,
            ))
        })
        .collect();
    bases.sort_unstable();
    let mut report = LogReport {
        topic,
        partition,
        topic_id: None,
        path: path.to_owned(),
        segments: bases.len(),
        bytes: entries.iter().map(|entry| entry.len).sum(),
        start: start.max(bases.first().map_or(0, |(base, _)| *base)),
        end: bases.last().map_or(0, |(base, _)| *base),
        batches: 0,
        records: 0,
        problems: Vec::new(),
        unfinished: leftovers(&entries),
    };
    match checkpoint::read_topic_id(files, &path.join(names::PARTITION_METADATA)) {
        Ok(id) => report.topic_id = id,
        Err(why) => report
            .problems
            .push(format!("{}: {why}", names::PARTITION_METADATA)),
    }
    if let Err(why) = checkpoint::read_epochs(files, &path.join(names::EPOCHS)) {
        report.problems.push(format!("{}: {why}", names::EPOCHS));
    }
    let last = bases.last().copied();
    let mut looker = Looker::new(files, &mut report);
    for (base, len) in bases {
        let is_last = Some((base, len)) == last;
        if depth == Depth::Everything || is_last {
            looker.look(base, len, is_last, depth)?;
        }
    }
    Ok(report)
}

/// Files that say that something was interrupted.
fn leftovers(entries: &[DirEntry]) -> Vec<String> {
    let left = |entry: &&DirEntry| {
        [names::CLEANED, names::SWAP, ".tmp"]
            .iter()
            .any(|end| entry.name.ends_with(end))
    };
    entries
        .iter()
        .filter(left)
        .map(|entry| format!("{} is left over", entry.name))
        .collect()
}
