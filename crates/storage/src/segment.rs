//! One segment: a run of batches in `<base>.log` with its indexes.
//!
//! Written by one thread at a time (the holder of the log's append lock); read by any number,
//! which see only what was published through [`Segment::size`].

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use limpid_platform::files::{OpenMode, is_shortage};
use limpid_protocol::records::BatchHeader;
use parking_lot::Mutex;

use crate::api::Origin;
use crate::config::LogConfig;
use crate::index::{OFFSET_ENTRY_BYTES, OffsetIndex, TIME_ENTRY_BYTES, TimeIndex, TxnIndex};
use crate::names;
use crate::open_files::{OpenFiles, Slot, Wait};
use crate::scan::{ScanError, Scanner};

pub(crate) mod headroom;

use headroom::Headroom;

/// Positions in `.index` are signed in Kafka: a segment stays below this.
pub(crate) const SEGMENT_BYTES_MAX: u64 = i32::MAX as u64;
/// What the file of a segment is never longer than.
pub(crate) fn bytes_limit(config: &LogConfig) -> u64 {
    u64::from(config.segment_bytes).min(SEGMENT_BYTES_MAX)
}
/// Offsets relative to the base are signed in Kafka.
pub(crate) const RELATIVE_OFFSET_MAX: i64 = i32::MAX as i64;

/// What is known of a segment's times and of its last index entries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// Bytes since the last index entry.
    since_index: u64,
    /// Largest timestamp, −1 if none.
    pub(crate) max_timestamp: i64,
    /// Last offset of the batch that carries it.
    pub(crate) max_timestamp_offset: i64,
    /// Largest timestamp of the first batch: rolling by time counts from it.
    first_timestamp: Option<i64>,
    /// Timestamp of the last entry of the time index, −1 if none.
    indexed_timestamp: i64,
    /// Wall clock of the creation or last append, for segments without timestamps.
    pub(crate) modified_ms: i64,
}

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) base_offset: i64,
    pub(crate) log: Arc<Slot>,
    pub(crate) offsets: OffsetIndex,
    pub(crate) times: TimeIndex,
    pub(crate) txns: TxnIndex,
    size: AtomicU64,
    headroom: Headroom,
    progress: Mutex<Progress>,
    /// True once closed for writing and on the disk with its indexes.
    synced: AtomicBool,
    /// True once it is no part of the log any more.
    deleted: AtomicBool,
}

/// Lengths of a segment's files as found in the directory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FileLengths {
    pub(crate) log: u64,
    pub(crate) index: u64,
    pub(crate) time_index: u64,
    pub(crate) txn_index: u64,
}

impl Segment {
    /// A segment whose files may be there (`lengths`) or not yet (all zero).
    pub(crate) fn new(
        open: &Arc<OpenFiles>,
        dir: &Path,
        base_offset: i64,
        lengths: FileLengths,
        now_ms: i64,
    ) -> Arc<Self> {
        Self::named(open, dir, base_offset, "", lengths, now_ms)
    }

    /// What compaction makes of other segments: empty, under names that are worthless after a
    /// crash, until [`Segment::rename`] gives it better ones.
    pub(crate) fn cleaned(
        open: &Arc<OpenFiles>,
        dir: &Path,
        base_offset: i64,
        modified_ms: i64,
    ) -> io::Result<Arc<Self>> {
        let lengths = FileLengths::default();
        let suffix = names::CLEANED;
        let segment = Self::named(open, dir, base_offset, suffix, lengths, modified_ms);
        // An earlier attempt may have left some.
        segment.remove()?;
        segment.log.open_or_create()?;
        segment.offsets.clear()?;
        segment.times.clear()?;
        Ok(segment)
    }

    fn named(
        open: &Arc<OpenFiles>,
        dir: &Path,
        base_offset: i64,
        after: &str,
        lengths: FileLengths,
        now_ms: i64,
    ) -> Arc<Self> {
        let slot = |suffix: &str, pinned: bool| {
            let path = names::segment_file(dir, base_offset, &format!("{suffix}{after}"));
            Slot::new(open, path, pinned)
        };
        Arc::new(Self {
            base_offset,
            log: slot(names::LOG, true),
            offsets: OffsetIndex::new(slot(names::INDEX, false), lengths.index),
            times: TimeIndex::new(slot(names::TIME_INDEX, false), lengths.time_index),
            txns: TxnIndex::new(slot(names::TXN_INDEX, true), lengths.txn_index),
            size: AtomicU64::new(lengths.log),
            headroom: Headroom::default(),
            progress: Mutex::new(Progress {
                since_index: 0,
                max_timestamp: -1,
                max_timestamp_offset: base_offset,
                first_timestamp: None,
                indexed_timestamp: -1,
                modified_ms: now_ms,
            }),
            synced: AtomicBool::new(false),
            deleted: AtomicBool::new(false),
        })
    }

    /// Makes the files of a new segment.
    pub(crate) fn create_files(&self, config: &LogConfig) -> io::Result<()> {
        let log = self.log.open_or_create()?;
        log.truncate(0)?;
        if config.preallocate {
            log.allocate(0, u64::from(config.segment_bytes))?;
            self.headroom.note_reserved(u64::from(config.segment_bytes));
        }
        self.offsets.clear()?;
        self.times.clear()
    }

    /// Its files, the log first: the order of renaming, on which recovery relies.
    fn slots(&self) -> [&Arc<Slot>; 4] {
        [
            &self.log,
            &self.offsets.slot,
            &self.times.slot,
            &self.txns.slot,
        ]
    }

    /// Bytes of valid batches.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    pub(crate) fn progress(&self) -> Progress {
        *self.progress.lock()
    }

    /// The largest timestamp, or when there is none the time of the last append.
    pub(crate) fn largest_timestamp(&self) -> i64 {
        let progress = self.progress();
        if progress.max_timestamp >= 0 {
            progress.max_timestamp
        } else {
            progress.modified_ms
        }
    }

    /// Whether an append must go to a new segment, by Kafka's rules.
    pub(crate) fn must_roll(
        &self,
        bytes: usize,
        last_offset: i64,
        max_timestamp: i64,
        now_ms: i64,
        config: &LogConfig,
        jitter_ms: i64,
    ) -> bool {
        let size = self.size();
        if last_offset - self.base_offset > RELATIVE_OFFSET_MAX {
            return true;
        }
        if size == 0 {
            return false;
        }
        let progress = self.progress();
        let age = match progress.first_timestamp {
            Some(first) if first >= 0 && max_timestamp >= 0 => max_timestamp - first,
            _ => now_ms - progress.modified_ms,
        };
        let index_bytes = u64::from(config.segment_index_bytes);
        // One place in the time index is kept for the entry written when the segment is closed.
        let times_limit = (index_bytes / TIME_ENTRY_BYTES as u64).saturating_sub(1);
        size + bytes as u64 > bytes_limit(config)
            || age > config.roll_after_ms().saturating_sub(jitter_ms)
            || u64::from(self.offsets.entries()) >= index_bytes / OFFSET_ENTRY_BYTES as u64
            || u64::from(self.times.entries()) >= times_limit
    }

    /// Writes `bytes` at the end without publishing them. After an error nothing of it counts,
    /// if [`Segment::cut_back`] succeeds.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let size = self.size();
        assert!(
            size + bytes.len() as u64 <= SEGMENT_BYTES_MAX,
            "the segment was not rolled"
        );
        self.log.get()?.write_all_at(bytes, size)
    }

    /// Makes sure that an append can write: opens the log, if it is not, and keeps it open until the
    /// next flush, as it keeps the index of aborted transactions if `aborts`. False when too many
    /// files wait for the disk.
    pub(crate) fn pin(&self, origin: Origin, aborts: bool) -> io::Result<bool> {
        Ok(self.log.pin(OpenMode::ReadWrite, origin)?
            && (!aborts || self.txns.slot.pin(OpenMode::Create, origin)?))
    }

    /// Whether its log is open for what is not on the disk.
    pub(crate) fn is_pinned(&self) -> bool {
        self.log.is_held()
    }

    /// Removes all behind the last batch: what a failed write may have left, or headroom.
    pub(crate) fn cut_back(&self) -> io::Result<()> {
        self.log.get()?.truncate(self.size())?;
        self.headroom.forget();
        Ok(())
    }

    /// Counts a batch that lies at the end: index entries when due, then the new size. An index
    /// entry for which a full disk has no room, nor memory any more, is left out; it is only a hint.
    pub(crate) fn publish(
        &self,
        header: &BatchHeader,
        now_ms: i64,
        config: &LogConfig,
    ) -> io::Result<()> {
        let position = self.size();
        let mut progress = self.progress.lock();
        if header.max_timestamp > progress.max_timestamp {
            progress.max_timestamp = header.max_timestamp;
            progress.max_timestamp_offset = header.last_offset();
        }
        progress.first_timestamp.get_or_insert(header.max_timestamp);
        progress.modified_ms = now_ms;
        if progress.since_index > u64::from(config.index_interval_bytes) {
            let indexed = self.index(&mut progress, header.last_offset(), position);
            match indexed {
                Err(e) if !is_shortage(&e) => return Err(e),
                _ => progress.since_index = 0,
            }
        }
        progress.since_index += header.size() as u64;
        self.size
            .store(position + header.size() as u64, Ordering::Release);
        Ok(())
    }

    fn index(&self, progress: &mut Progress, last_offset: i64, position: u64) -> io::Result<()> {
        let relative = u32::try_from(last_offset - self.base_offset).map_err(io::Error::other)?;
        let position = u32::try_from(position).map_err(io::Error::other)?;
        self.offsets.push(relative, position)?;
        self.index_time(progress)
    }

    fn index_time(&self, progress: &mut Progress) -> io::Result<()> {
        if progress.max_timestamp <= progress.indexed_timestamp {
            return Ok(());
        }
        let relative = progress.max_timestamp_offset - self.base_offset;
        let relative = u32::try_from(relative).map_err(io::Error::other)?;
        self.times.push(progress.max_timestamp, relative)?;
        progress.indexed_timestamp = progress.max_timestamp;
        Ok(())
    }

    /// Adds the final entry of the time index and writes what waits of both. What there is no room for
    /// waits on, until the segment is put on the disk.
    pub(crate) fn finish_indexes(&self) -> io::Result<()> {
        let mut progress = self.progress.lock();
        let done = self
            .index_time(&mut progress)
            .and_then(|()| self.offsets.write_waiting())
            .and_then(|()| self.times.write_waiting());
        match done {
            Err(e) if is_shortage(&e) => Ok(()),
            done => done,
        }
    }

    /// Puts a closed segment on the disk with its indexes, and lets its files be closed.
    pub(crate) fn sync_closed(&self) -> io::Result<()> {
        if self.synced.load(Ordering::Acquire) {
            return Ok(());
        }
        self.log.get()?.sync_data()?;
        self.offsets.settle()?;
        self.times.settle()?;
        self.offsets.sync()?;
        self.times.sync()?;
        if self.txns.entries() > 0 {
            self.txns.sync()?;
        }
        self.mark_synced();
        Ok(())
    }

    /// Nothing was written since the last fsync: its files need not stay open until something is.
    pub(crate) fn unpin(&self) {
        self.log.unpin();
        self.txns.slot.unpin();
    }

    /// The files are on the disk already (a clean start): they need not stay open.
    pub(crate) fn mark_synced(&self) {
        self.synced.store(true, Ordering::Release);
        for slot in self.slots() {
            slot.unpin();
        }
    }

    pub(crate) fn is_synced(&self) -> bool {
        self.synced.load(Ordering::Acquire)
    }

    /// The position of the batch that contains `offset` or follows it, and its header.
    pub(crate) fn locate(
        &self,
        offset: i64,
        wait: Wait,
    ) -> Result<Option<(u64, BatchHeader)>, ScanError> {
        let mut scanner = self.scan_headers(offset, wait)?;
        while let Some(found) = scanner.next()? {
            if found.header.last_offset() >= offset {
                return Ok(Some((found.position, found.header)));
            }
        }
        Ok(None)
    }

    /// Walks headers from the last indexed position at or before `offset`.
    pub(crate) fn scan_headers(&self, offset: i64, wait: Wait) -> Result<Scanner, ScanError> {
        let relative = (offset - self.base_offset).clamp(0, RELATIVE_OFFSET_MAX) as u32;
        let position = self.offsets.position_before(relative, wait)?;
        Ok(Scanner::headers(
            self.log.to_read(wait)?,
            u64::from(position),
            self.size(),
        ))
    }

    /// Forgets size, indexes and times, before a scan rebuilds them.
    pub(crate) fn reset(&self) -> io::Result<()> {
        self.offsets.clear()?;
        self.times.clear()?;
        self.size.store(0, Ordering::Release);
        let mut progress = self.progress.lock();
        progress.since_index = 0;
        progress.max_timestamp = -1;
        progress.max_timestamp_offset = self.base_offset;
        progress.first_timestamp = None;
        progress.indexed_timestamp = -1;
        Ok(())
    }

    /// Keeps the bytes behind a place that can't be read: what is before and after in the file
    /// stays, reading there is an error.
    pub(crate) fn keep_size(&self, size: u64) {
        self.size.store(size, Ordering::Release);
    }

    /// Takes the times of a closed, trusted segment from the last entry of its time index.
    /// False when it has none: then the log has to be asked.
    pub(crate) fn restore_times(&self) -> io::Result<bool> {
        let Some((timestamp, relative)) = self.times.last_entry()? else {
            return Ok(false);
        };
        let mut progress = self.progress.lock();
        progress.max_timestamp = timestamp;
        progress.max_timestamp_offset = self.base_offset + i64::from(relative);
        progress.indexed_timestamp = timestamp;
        Ok(true)
    }

    /// Takes the times of a segment that is trusted from its time index, and those of the bytes
    /// behind the last index entry from their headers. Returns the offset after the last batch.
    pub(crate) fn restore_progress(&self) -> Result<i64, ScanError> {
        let mut progress = self.progress();
        if let Some((timestamp, relative)) = self.times.last_entry()? {
            progress.max_timestamp = timestamp;
            progress.max_timestamp_offset = self.base_offset + i64::from(relative);
            progress.indexed_timestamp = timestamp;
        }
        let start = self
            .offsets
            .last_entry()?
            .map_or(0, |(_, position)| u64::from(position));
        if self.size() > 0 {
            let mut first = Scanner::headers(self.log.get()?, 0, self.size());
            progress.first_timestamp = first.next()?.map(|found| found.header.max_timestamp);
        }
        let mut scanner = Scanner::headers(self.log.get()?, start, self.size());
        let mut next_offset = self.base_offset;
        while let Some(found) = scanner.next()? {
            let header = &found.header;
            let relative = header.last_offset() - self.base_offset;
            if header.base_offset < next_offset || relative > RELATIVE_OFFSET_MAX {
                let reason = format!(
                    "offset {} does not follow {next_offset}",
                    header.base_offset
                );
                return Err(ScanError::Corrupt {
                    position: found.position,
                    reason,
                });
            }
            if header.max_timestamp > progress.max_timestamp {
                progress.max_timestamp = header.max_timestamp;
                progress.max_timestamp_offset = header.last_offset();
            }
            next_offset = header.next_offset();
        }
        progress.since_index = self.size() - start;
        *self.progress.lock() = progress;
        Ok(next_offset)
    }

    /// Renames every file to `<name>.deleted`; open handles stay good for readers.
    pub(crate) fn mark_deleted(&self) -> io::Result<()> {
        self.deleted.store(true, Ordering::Release);
        // Nobody asks any more whether it got to the disk.
        self.unpin();
        self.rename("", names::DELETED)
    }

    /// True when it is no part of the log any more: its files may be gone.
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Acquire)
    }

    /// Replaces the end of every file's name, the log's first. Open handles stay good.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        for slot in self.slots() {
            let path = slot.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let stem = name.strip_suffix(from).unwrap_or(&name);
            slot.rename(&path.with_file_name(format!("{stem}{to}")))?;
        }
        Ok(())
    }

    /// The largest timestamp of the first batch, from the file if need be; `None` while empty.
    pub(crate) fn first_timestamp(&self) -> Result<Option<i64>, ScanError> {
        let known = self.progress().first_timestamp;
        if known.is_some() || self.size() == 0 {
            return Ok(known);
        }
        let first = Scanner::headers(self.log.get()?, 0, self.size()).next()?;
        let timestamp = first.map(|found| found.header.max_timestamp);
        self.progress.lock().first_timestamp = timestamp;
        Ok(timestamp)
    }

    /// Removes the files.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for slot in self.slots() {
            slot.remove()?;
        }
        Ok(())
    }

    /// The directory was renamed.
    pub(crate) fn moved(&self, dir: &Path) {
        for slot in self.slots() {
            slot.moved(dir);
        }
    }
}
