//! Opening the directory of a log.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::sync::{Arc, OnceLock};

use limpid_platform::files::DirEntry;
use limpid_protocol::Uuid;
use parking_lot::{Mutex, RwLock};

use super::listing::{LoadParams, list};
use super::outcome::Outcome;
use super::recover::Recovery;
use super::{PartitionLog, Shared, State};
use crate::arrivals::Arrivals;
use crate::checkpoint;
use crate::dir::LogDir;
use crate::epochs::Epochs;
use crate::error::StorageError;
use crate::names;
use crate::producers::Producers;
use crate::scan::Scanner;
use crate::segment::{FileLengths, Segment};
use crate::tail_cache::Tail;

impl PartitionLog {
    /// A new log in a new directory.
    pub(crate) fn create(
        shared: &Arc<Shared>,
        dir: &Arc<LogDir>,
        params: LoadParams,
        topic_id: Uuid,
    ) -> Result<Self, StorageError> {
        let path = dir
            .path
            .join(names::log_dir(&params.topic, params.partition));
        let fail = |e| dir.storage_error(&path, e);
        let files = &*shared.files;
        let make = || -> io::Result<()> {
            files.create_dir_all(&path)?;
            checkpoint::write_topic_id(files, &path.join(names::PARTITION_METADATA), topic_id)?;
            files.sync_dir(&dir.path)
        };
        dir.with_reserve(make).map_err(fail)?;
        let (log, _) = Self::load(shared, dir, &path, params)?;
        Ok(log)
    }

    /// Opens the log in `path`, repairing what a crash or a stranger left behind.
    pub(crate) fn load(
        shared: &Arc<Shared>,
        dir: &Arc<LogDir>,
        path: &Path,
        params: LoadParams,
    ) -> Result<(Self, Outcome), StorageError> {
        let fail = |e: io::Error| dir.storage_error(path, e);
        let mut outcome = Outcome::default();
        finish_swaps(shared, path, &mut outcome).map_err(fail)?;
        let listing = list(shared, path).map_err(fail)?;
        let topic_id = read_topic_id(shared, path, &mut outcome);
        let recovery = Recovery {
            shared,
            path,
            params: &params,
        };
        let found = recovery.run(&listing, &mut outcome).map_err(fail)?;
        let (mut segments, end) = (found.segments, found.end);
        // Otherwise there are new or repaired files: the first flush syncs them and the directory.
        let untouched = params.clean && found.scanned.is_empty() && !segments.is_empty();
        if segments.is_empty() {
            let now = shared.clock.wall_ms();
            let lengths = FileLengths::default();
            let segment = Segment::new(&shared.open, path, end, lengths, now);
            segment.create_files(&params.config).map_err(fail)?;
            segments.insert(end, segment);
        }
        let Some((first, active)) = segments.first_key_value().zip(segments.last_key_value())
        else {
            return Err(fail(io::Error::other("a log always has a segment")));
        };
        let start = effective_start(*first.0, end, params.log_start, &mut outcome);
        let active = Arc::clone(active.1);
        // What is below the recovery point was on the disk before. A file that has nothing else need
        // not stay open, nor one that is new and empty.
        if untouched || params.recovery_point >= end {
            active.unpin();
        }
        let state = State {
            opened_clean: untouched.then_some((active.base_offset, end)),
            active,
            producers: Producers::default(),
            epochs: Epochs::default(),
            arrivals: Arrivals::default(),
            snapshots: Vec::new(),
            unflushed_bytes: 0,
            unflushed_records: 0,
            unflushed_since: (!untouched).then(|| shared.clock.monotonic()),
            on_the_way: None,
            dir_dirty: !untouched,
        };
        let log = Self {
            jitter_per_mille: jitter(&params.topic, params.partition),
            topic: params.topic.clone(),
            partition: params.partition,
            topic_id: RwLock::new(topic_id),
            dir: Arc::clone(dir),
            path: RwLock::new(path.to_owned()),
            config: RwLock::new(Arc::new(params.config.clone())),
            shared: Arc::clone(shared),
            state: Mutex::new(state),
            segments: RwLock::new(segments),
            tail: Tail::new(Arc::clone(&shared.tail_cache)),
            log_start: AtomicI64::new(start),
            log_end: AtomicI64::new(end),
            high_watermark: AtomicI64::new(start),
            last_stable: AtomicI64::new(start),
            recovery_point: AtomicI64::new(found.recovery_point.clamp(0, end)),
            closed: AtomicBool::new(false),
            clean_to: AtomicI64::new(params.clean_to.unwrap_or(-1)),
            unsound: Mutex::default(),
            upkeep: Mutex::default(),
            renaming: Mutex::default(),
            replacements: AtomicU64::new(0),
            flush_lock: Mutex::default(),
            flush_queue: Mutex::default(),
            is_in_whole: OnceLock::new(),
        };
        log.restore_state(&listing, &found.scanned, &mut outcome)
            .map_err(fail)?;
        log.restore_arrivals(params.arrivals, &found.scanned)
            .map_err(fail)?;
        Ok((log, outcome))
    }
}

fn read_topic_id(shared: &Shared, path: &Path, outcome: &mut Outcome) -> Uuid {
    match checkpoint::read_topic_id(&*shared.files, &path.join(names::PARTITION_METADATA)) {
        Ok(Some(id)) => id,
        Ok(None) => Uuid::ZERO,
        Err(why) => {
            outcome.note(&path.join(names::PARTITION_METADATA), &why);
            Uuid::ZERO
        }
    }
}

/// The first readable offset. A checkpoint beyond the end of the log is not believed: it may be
/// garbage, and believing it would cost every record.
fn effective_start(first_base: i64, end: i64, checkpoint: i64, outcome: &mut Outcome) -> i64 {
    if checkpoint > end {
        let why = format!("log start {checkpoint} is beyond the end {end} and was not believed");
        outcome.notes.push(why);
        return first_base;
    }
    checkpoint.max(first_base)
}

/// A number that differs between partitions and stays the same over restarts (FNV-1a).
fn jitter(topic: &str, partition: i32) -> i64 {
    let bytes = topic.bytes().chain(partition.to_be_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash % 1_001) as i64
}

/// Removes what is on its way out and finishes replacements that were interrupted.
fn finish_swaps(shared: &Shared, path: &Path, outcome: &mut Outcome) -> io::Result<()> {
    let files = &*shared.files;
    let entries = files.list(path)?;
    let log_swap = format!("{}{}", names::LOG, names::SWAP);
    let base_of = |entry: &DirEntry| entry.name.split('.').next()?.parse::<i64>().ok();
    // A replacement of several segments whose last part was still being written is void from
    // that part on: the originals are all there.
    let half_written = entries.iter().filter(|e| e.name.ends_with(names::CLEANED));
    let void_from = half_written.filter_map(base_of).min();
    for entry in &entries {
        let gone = entry.name.ends_with(names::DELETED)
            || entry.name.ends_with(names::CLEANED)
            || entry.name.ends_with(".tmp")
            || (entry.name.ends_with(names::SWAP)
                && void_from
                    .zip(base_of(entry))
                    .is_some_and(|(from, base)| base >= from));
        if gone && !entry.is_dir {
            files.remove_file(&path.join(&entry.name))?;
        }
    }
    let entries = files.list(path)?;
    for entry in entries
        .iter()
        .filter(|entry| entry.name.ends_with(&log_swap))
    {
        let Some(base) = names::parse_segment_file(&entry.name, &log_swap) else {
            continue;
        };
        let end = end_of_swap(shared, &path.join(&entry.name), base, entry.len)?;
        // What the replacement covers has to go before it takes their names, its indexes with it:
        // those of the first original would be taken for the replacement's.
        for old in &entries {
            let suffixes = [
                names::LOG,
                names::INDEX,
                names::TIME_INDEX,
                names::TXN_INDEX,
            ];
            let bases = suffixes.map(|suffix| names::parse_segment_file(&old.name, suffix));
            if bases
                .into_iter()
                .flatten()
                .any(|old| old == base || (base..end).contains(&old))
            {
                files.remove_file(&path.join(&old.name))?;
            }
        }
        outcome.note(
            &path.join(&entry.name),
            "an interrupted replacement was finished",
        );
    }
    for entry in entries
        .iter()
        .filter(|entry| entry.name.ends_with(names::SWAP))
    {
        let to = entry.name.trim_end_matches(names::SWAP);
        files.rename(&path.join(&entry.name), &path.join(to))?;
    }
    if entries
        .iter()
        .any(|entry| entry.name.ends_with(names::SWAP))
    {
        files.sync_dir(path)?;
    }
    Ok(())
}

fn end_of_swap(shared: &Shared, path: &Path, base: i64, len: u64) -> io::Result<i64> {
    let file = shared
        .files
        .open(path, limpid_platform::files::OpenMode::Read)?;
    let mut scanner = Scanner::headers(file, 0, len);
    let mut end = base;
    while let Ok(Some(found)) = scanner.next() {
        end = end.max(found.header.next_offset());
    }
    Ok(end)
}
