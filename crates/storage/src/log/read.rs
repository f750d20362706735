//! Reading whole batches, from memory or from files.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use limpid_platform::pipes::{Piped, Pipes};
use limpid_protocol::records::{BATCH_HEADER_BYTES, BatchHeader};

use super::{PartitionLog, spliced};
use crate::error::ReadError;
use crate::open_files::Wait;
use crate::scan::ScanError;
use crate::segment::Segment;

/// Most that is copied out of files by a thread that may not block: some 20 µs of its time.
pub const COPIED_AT_ONCE_BYTES_MAX: usize = 256 << 10;

/// The answer to a read: always whole batches, in offset order.
#[derive(Debug)]
pub enum LogRead {
    /// From the tail cache (or empty, at the end of the log): no disk is touched.
    Memory(Vec<Bytes>),
    /// To be read from files: call [`ColdRead::read`] on a thread that may block.
    FileRange(ColdRead),
}

impl LogRead {
    /// The batches, reading from the disk if need be.
    ///
    /// # Errors
    /// As [`ColdRead::read`].
    pub fn into_batches(self) -> Result<Vec<Bytes>, ReadError> {
        match self {
            Self::Memory(batches) => Ok(batches),
            Self::FileRange(cold) => {
                let bytes = cold.read()?;
                Ok(if bytes.is_empty() {
                    Vec::new()
                } else {
                    vec![bytes]
                })
            }
        }
    }
}

/// A read of files, to be done on a thread that may block. Holding one costs nothing.
#[derive(Debug)]
pub struct ColdRead {
    log: Arc<PartitionLog>,
    offset: i64,
    max_bytes: usize,
    end_exclusive: i64,
    min_one: bool,
}

impl PartitionLog {
    /// Batches from the one that contains `offset` on: whole ones, at most `max_bytes` of them
    /// (but with `min_one_batch` at least one), none that reaches `max_offset_exclusive`.
    ///
    /// # Errors
    /// [`ReadError::OffsetOutOfRange`] outside of log start … log end; the end itself is empty.
    pub fn read(
        self: &Arc<Self>,
        offset: i64,
        max_bytes: usize,
        max_offset_exclusive: i64,
        min_one_batch: bool,
    ) -> Result<LogRead, ReadError> {
        self.check_readable(offset)?;
        let end_exclusive = max_offset_exclusive.min(self.log_end_offset());
        if offset >= end_exclusive {
            return Ok(LogRead::Memory(Vec::new()));
        }
        let cached = self
            .tail
            .read(offset, max_bytes, end_exclusive, min_one_batch);
        if let Some(batches) = cached {
            self.shared.metrics.tail_cache_hits.inc();
            return Ok(LogRead::Memory(batches));
        }
        self.shared.metrics.tail_cache_misses.inc();
        Ok(LogRead::FileRange(ColdRead {
            log: Arc::clone(self),
            offset,
            max_bytes,
            end_exclusive,
            min_one: min_one_batch,
        }))
    }

    pub(super) fn check_readable(&self, offset: i64) -> Result<(), ReadError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(ReadError::Closed);
        }
        if !self.dir.is_online() {
            let (dir, reason) = (self.dir.path.clone(), self.dir.reason());
            return Err(ReadError::DirOffline { dir, reason });
        }
        // The end first: it only grows, so that a start beyond it can't be seen.
        let end = self.log_end_offset();
        let start = self.log_start_offset();
        if offset < start || offset > end {
            return Err(ReadError::OffsetOutOfRange { offset, start, end });
        }
        Ok(())
    }

    /// The segment that holds `offset`, or the first one behind it.
    pub(super) fn segment_at(&self, offset: i64) -> Option<Arc<Segment>> {
        let segments = self.segments.read();
        let below = segments.range(..=offset).next_back();
        below
            .or_else(|| segments.iter().next())
            .map(|(_, segment)| Arc::clone(segment))
    }

    pub(super) fn segment_after(&self, segment: &Segment) -> Option<Arc<Segment>> {
        let from = (Bound::Excluded(segment.base_offset), Bound::Unbounded);
        self.segments
            .read()
            .range(from)
            .next()
            .map(|(_, segment)| Arc::clone(segment))
    }

    /// Judges why `segment` could not be read.
    pub(super) fn read_error(&self, segment: &Segment, offset: i64, error: ScanError) -> ReadError {
        let file = segment.log.path();
        match error {
            ScanError::Corrupt { position, reason } => ReadError::Corrupt {
                file,
                position,
                reason,
            },
            // Retention removed it while we were on the way.
            ScanError::Io(e) if e.kind() == std::io::ErrorKind::NotFound => {
                match self.check_readable(offset) {
                    Err(gone) => gone,
                    // Compaction did: the look is begun anew.
                    Ok(()) if segment.is_deleted() => {
                        ReadError::Busy("the segment was replaced".to_owned())
                    }
                    Ok(()) => self.dir.read_error(&file, &e),
                }
            }
            ScanError::Io(e) => self.dir.read_error(&file, &e),
        }
    }
}

/// What a [`ColdRead`] gives: whole batches, of which only the beginning need be there.
#[derive(Debug, Default)]
pub struct ColdBytes {
    /// The beginning, or all of it. Where something follows, it holds the first batch, or its header.
    pub head: Bytes,
    /// What follows.
    pub unread: Option<Unread>,
}

/// The rest of a run of batches, which never was in this process.
#[derive(Debug)]
pub struct Unread {
    /// Its bytes.
    pub bytes: Piped,
    /// The offset behind the last record.
    pub end_offset: i64,
}

impl ColdBytes {
    /// Bytes of both.
    #[must_use]
    pub fn len(&self) -> usize {
        let unread = self.unread.as_ref().map_or(0, |unread| unread.bytes.len());
        self.head.len() + unread
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Bytes> for ColdBytes {
    fn from(head: Bytes) -> Self {
        Self {
            head,
            ..Self::default()
        }
    }
}

impl ColdRead {
    /// The bytes; blocks on the disk. Empty when nothing fits the bounds.
    ///
    /// # Errors
    /// [`ReadError`]; an I/O error takes the log directory offline.
    pub fn read(self) -> Result<Bytes, ReadError> {
        let look = || self.look(None, Wait::ForDisk);
        Ok(self.log.look_through(look)?.unwrap_or_default().head)
    }

    /// As [`ColdRead::read`], for a socket: what is large is left in `pipes` where that can be.
    ///
    /// # Errors
    /// As [`ColdRead::read`].
    pub fn read_for_socket(self, pipes: &Arc<Pipes>) -> Result<ColdBytes, ReadError> {
        let look = || self.look(Some(pipes), Wait::ForDisk);
        Ok(self.log.look_through(look)?.unwrap_or_default())
    }

    /// The same on a thread that may not block: `None` unless all that is looked at is in memory and no more than
    /// [`COPIED_AT_ONCE_BYTES_MAX`] of it has to be copied. With no `pipes` all has.
    ///
    /// # Errors
    /// As [`ColdRead::read`].
    pub fn read_at_once(&self, pipes: Option<&Arc<Pipes>>) -> Result<Option<ColdBytes>, ReadError> {
        self.log.look_through(|| self.look(pipes, Wait::Never))
    }

    /// `None` only of one who may not wait.
    fn look(&self, pipes: Option<&Arc<Pipes>>, wait: Wait) -> Result<Option<ColdBytes>, ReadError> {
        self.log.check_readable(self.offset)?;
        let mut next = self.log.segment_at(self.offset);
        while let Some(segment) = next {
            let read = match segment.locate(self.offset, wait) {
                Ok(None) => {
                    next = self.log.segment_after(&segment);
                    continue;
                }
                Ok(Some((position, first))) => {
                    self.read_from(&segment, position, &first, pipes, wait)
                }
                Err(error) => Err(error),
            };
            return match read {
                Ok(read) => {
                    let counted = &self.log.shared.metrics.file_read_bytes;
                    counted.inc_by(read.len() as u64);
                    Ok(Some(read))
                }
                Err(ScanError::Io(e)) if wait == Wait::Never && would_block(&e) => Ok(None),
                Err(error) => Err(self.log.read_error(&segment, self.offset, error)),
            };
        }
        Ok(Some(ColdBytes::default()))
    }

    fn read_from(
        &self,
        segment: &Segment,
        position: u64,
        first: &BatchHeader,
        pipes: Option<&Arc<Pipes>>,
        wait: Wait,
    ) -> Result<ColdBytes, ScanError> {
        let fits = first.size() <= self.max_bytes || self.min_one;
        if first.last_offset() >= self.end_exclusive || !fits {
            return Ok(ColdBytes::default());
        }
        let available = segment.size() - position;
        assert!(first.size() as u64 <= available, "a located batch is whole");
        let len = (self.max_bytes.max(first.size()) as u64).min(available) as usize;
        let piped = pipes.and_then(|pipes| {
            let range = position..position + len as u64;
            let bounds = (self.end_exclusive, wait);
            spliced::read(segment, range, first, bounds, pipes)
        });
        if let Some(read) = piped {
            return Ok(read);
        }
        if wait == Wait::Never && len > COPIED_AT_ONCE_BYTES_MAX {
            return Err(ScanError::Io(std::io::ErrorKind::WouldBlock.into()));
        }
        let mut buffer = Vec::new();
        let file = segment.log.to_read(wait)?;
        file.read_into(&mut buffer, len, position)?;
        let end = whole_batches(&buffer, self.end_exclusive).map_err(|(at, reason)| {
            ScanError::Corrupt {
                position: position + at,
                reason,
            }
        })?;
        buffer.truncate(end);
        Ok(Bytes::from(buffer).into())
    }
}

fn would_block(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock
}

/// How many bytes of `buffer` are whole batches below `end_exclusive`.
fn whole_batches(buffer: &[u8], end_exclusive: i64) -> Result<usize, (u64, String)> {
    let mut end = 0;
    while buffer.len() - end >= BATCH_HEADER_BYTES {
        let header = match BatchHeader::parse(&buffer[end..]) {
            Ok(header) => header,
            // What is good before it is delivered; the next read starts at the bad one.
            Err(_) if end > 0 => break,
            Err(e) => return Err((end as u64, e.to_string())),
        };
        if header.size() > buffer.len() - end || header.last_offset() >= end_exclusive {
            break;
        }
        end += header.size();
    }
    Ok(end)
}
