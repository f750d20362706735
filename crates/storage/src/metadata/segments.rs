//! The `.log` segments of the metadata log.
//!
//! One append is one batch, one write and one fdatasync, so at most the last batch of the last
//! segment can be torn by a crash: that is cut off. A broken place with batches behind it is damage
//! and stops the start. There are no index files; Kafka makes them when it opens the directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use limpid_platform::files::{File, Files, OpenMode, is_disk_full};
use limpid_protocol::records::BatchView;

use super::error::{AppendError, MetadataError};
use super::files::{BatchReader, Next};

/// A segment that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    base_offset: i64,
    size_bytes: u64,
}

/// The segments of a log, the last one open for appending.
#[derive(Debug)]
pub(super) struct Segments {
    files: Arc<dyn Files>,
    dir: PathBuf,
    segments: Vec<Segment>,
    active: Option<Arc<dyn File>>,
    /// Append time of the first batch in the active segment.
    active_since_ms: Option<i64>,
    end_offset: i64,
}

/// What a scan cut off the end of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub path: PathBuf,
    /// Its length now, in bytes.
    pub kept_bytes: u64,
    /// The bytes that were cut.
    pub cut_bytes: u64,
    /// Why they were no batch.
    pub reason: String,
}

impl Segments {
    /// Opens the segments and hands every batch from the segment of `from_offset` on to `visit`,
    /// which may refuse it with a reason.
    pub(super) fn open(
        files: Arc<dyn Files>,
        dir: &Path,
        from_offset: i64,
        mut visit: impl FnMut(&BatchView<'_>) -> Result<(), String>,
    ) -> Result<(Self, Option<TornTail>), MetadataError> {
        let segments = list(&*files, dir)?;
        let mut log = Self {
            files,
            dir: dir.to_owned(),
            segments,
            active: None,
            active_since_ms: None,
            end_offset: from_offset,
        };
        let Some(first) = log.segments.first() else {
            return Ok((log, None));
        };
        if first.base_offset > from_offset {
            let reason = format!(
                "the log starts here, but the newest snapshot ends at offset {from_offset}"
            );
            return Err(MetadataError::corrupt(&log.path(first.base_offset), reason));
        }
        // The last segment that starts at or before the offset, and all behind it.
        let start = log
            .segments
            .partition_point(|s| s.base_offset <= from_offset)
            - 1;
        log.end_offset = log.segments[start].base_offset;
        let mut torn = None;
        for index in start..log.segments.len() {
            torn = log.scan(index, &mut visit)?;
        }
        Ok((log, torn))
    }

    /// Walks one segment; cuts a torn tail off the last one.
    fn scan(
        &mut self,
        index: usize,
        visit: &mut impl FnMut(&BatchView<'_>) -> Result<(), String>,
    ) -> Result<Option<TornTail>, MetadataError> {
        let Segment {
            base_offset,
            size_bytes,
        } = self.segments[index];
        let path = self.path(base_offset);
        if base_offset != self.end_offset {
            let reason = format!("the segment before it ends at offset {}", self.end_offset);
            return Err(MetadataError::corrupt(&path, reason));
        }
        let last = index + 1 == self.segments.len();
        self.active_since_ms = None;
        let mut reader = BatchReader::open(&*self.files, &path)?;
        loop {
            let (position, bytes) = match reader.next()? {
                Next::Batch { position, bytes } => (position, bytes),
                Next::End => return Ok(None),
                Next::Broken { position, reason } => {
                    if !last {
                        let reason = format!("byte {position}: {reason}; later segments exist");
                        return Err(MetadataError::corrupt(&path, reason));
                    }
                    if let Some(at) = reader.batch_behind(position, self.end_offset)? {
                        let reason =
                            format!("byte {position}: {reason}; a later batch is at byte {at}");
                        return Err(MetadataError::corrupt(&path, reason));
                    }
                    let cut_bytes = size_bytes - position;
                    self.cut(index, position)?;
                    return Ok(Some(TornTail {
                        path,
                        kept_bytes: position,
                        cut_bytes,
                        reason,
                    }));
                }
            };
            let wrong = |reason: String| {
                MetadataError::corrupt(&path, format!("batch at byte {position}: {reason}"))
            };
            let batch = BatchView::parse(&bytes).map_err(|e| wrong(e.to_string()))?;
            let found = batch.header().base_offset;
            if found != self.end_offset {
                let expected = self.end_offset;
                return Err(wrong(format!(
                    "base offset {found} where {expected} must follow"
                )));
            }
            visit(&batch).map_err(wrong)?;
            self.end_offset = batch.header().next_offset();
            self.active_since_ms
                .get_or_insert(batch.header().max_timestamp);
        }
    }

    fn cut(&mut self, index: usize, len: u64) -> Result<(), MetadataError> {
        let path = self.path(self.segments[index].base_offset);
        let file = self
            .files
            .open(&path, OpenMode::ReadWrite)
            .map_err(MetadataError::io("open", &path))?;
        file.truncate(len)
            .map_err(MetadataError::io("truncate", &path))?;
        file.sync_data().map_err(MetadataError::io("sync", &path))?;
        self.segments[index].size_bytes = len;
        Ok(())
    }

    /// Removes everything and starts again at an offset: the newest snapshot is ahead of the log.
    pub(super) fn restart_at(&mut self, offset: i64) -> Result<(), MetadataError> {
        self.active = None;
        while let Some(segment) = self.segments.pop() {
            self.remove_files(segment.base_offset)?;
        }
        self.end_offset = offset;
        self.active_since_ms = None;
        Ok(())
    }

    /// The offset that the next batch gets.
    pub(super) fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// The offset of the first batch that is still there.
    pub(super) fn start_offset(&self) -> i64 {
        self.segments
            .first()
            .map_or(self.end_offset, |segment| segment.base_offset)
    }

    /// Bytes of all segments.
    pub(super) fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size_bytes).sum()
    }

    pub(super) fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// Starts a new segment if the active one is too long for `incoming` more bytes or too old.
    pub(super) fn roll_if_due(
        &mut self,
        incoming: usize,
        limit: SegmentLimit,
        now_ms: i64,
    ) -> Result<(), AppendError> {
        let Some(active) = self.segments.last() else {
            return self.roll();
        };
        let full = active.size_bytes > 0
            && active.size_bytes.saturating_add(incoming as u64) > limit.bytes;
        let old = self
            .active_since_ms
            .is_some_and(|since| now_ms.saturating_sub(since) > limit.ms);
        if full || old { self.roll() } else { Ok(()) }
    }

    fn roll(&mut self) -> Result<(), AppendError> {
        let base_offset = self.end_offset;
        let path = self.path(base_offset);
        let opened = self.files.open(&path, OpenMode::Create);
        let file = opened.map_err(|e| failed(&path, &e))?;
        self.files
            .sync_dir(&self.dir)
            .map_err(|e| failed(&path, &e))?;
        self.segments.push(Segment {
            base_offset,
            size_bytes: 0,
        });
        self.active = Some(file);
        self.active_since_ms = None;
        Ok(())
    }

    /// Writes one batch at the end and syncs it.
    ///
    /// After [`AppendError::DiskFull`] the log is as before; after [`AppendError::Offline`] nobody
    /// knows, and the caller must not append again.
    pub(super) fn append(&mut self, batch: &[u8], next_offset: i64) -> Result<(), AppendError> {
        assert!(
            next_offset > self.end_offset,
            "a batch holds at least one record"
        );
        let Some(segment) = self.segments.last().copied() else {
            return Err(AppendError::Offline("no active segment".into()));
        };
        let path = self.path(segment.base_offset);
        let file = match &self.active {
            Some(file) => Arc::clone(file),
            None => {
                let opened = self.files.open(&path, OpenMode::ReadWrite);
                let file = opened.map_err(|e| failed(&path, &e))?;
                self.active = Some(Arc::clone(&file));
                file
            }
        };
        if let Err(e) = file.write_all_at(batch, segment.size_bytes) {
            // What was written of it must not stay: the next batch would be taken for damage.
            if is_disk_full(&e) && file.truncate(segment.size_bytes).is_ok() {
                return Err(AppendError::DiskFull { path });
            }
            return Err(offline(&path, "write", &e));
        }
        file.sync_data().map_err(|e| offline(&path, "sync", &e))?;
        if let Some(segment) = self.segments.last_mut() {
            segment.size_bytes += batch.len() as u64;
        }
        if let Ok(batch) = BatchView::parse(batch) {
            self.active_since_ms
                .get_or_insert(batch.header().max_timestamp);
        }
        self.end_offset = next_offset;
        Ok(())
    }

    /// Removes the segments that end at or before `offset`; the last one always stays.
    pub(super) fn remove_before(&mut self, offset: i64) -> Result<usize, MetadataError> {
        let mut removed = 0;
        while self
            .segments
            .get(1)
            .is_some_and(|next| next.base_offset <= offset)
        {
            let first = self.segments.remove(0);
            self.remove_files(first.base_offset)?;
            removed += 1;
        }
        Ok(removed)
    }

    /// Removes a segment with the index files that Kafka may have put beside it.
    fn remove_files(&self, base_offset: i64) -> Result<(), MetadataError> {
        for suffix in ["log", "index", "timeindex", "txnindex", "snapshot"] {
            let path = self.dir.join(format!("{base_offset:020}.{suffix}"));
            match self.files.remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(MetadataError::io("remove", &path)(e));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn path(&self, base_offset: i64) -> PathBuf {
        self.dir.join(format!("{base_offset:020}.log"))
    }
}

/// When a new segment starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentLimit {
    pub(super) bytes: u64,
    pub(super) ms: i64,
}

fn offline(path: &Path, action: &str, error: &std::io::Error) -> AppendError {
    AppendError::Offline(format!("cannot {action} {}: {error}", path.display()).into())
}

/// Before anything was written: a full disk is no fault.
fn failed(path: &Path, error: &std::io::Error) -> AppendError {
    if is_disk_full(error) {
        AppendError::DiskFull {
            path: path.to_owned(),
        }
    } else {
        offline(path, "create", error)
    }
}

fn list(files: &dyn Files, dir: &Path) -> Result<Vec<Segment>, MetadataError> {
    let entries = files.list(dir).map_err(MetadataError::io("list", dir))?;
    let segments = entries.iter().filter_map(|entry| {
        let digits = entry.name.strip_suffix(".log")?;
        let named = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
        let base_offset = if named {
            digits.parse().ok()?
        } else {
            return None;
        };
        Some(Segment {
            base_offset,
            size_bytes: entry.len,
        })
    });
    let mut segments: Vec<_> = segments.collect();
    segments.sort_by_key(|segment| segment.base_offset);
    Ok(segments)
}
