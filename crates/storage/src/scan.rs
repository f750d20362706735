//! Walking the batches of a segment file, by headers or with their checksums.

use std::io;
use std::sync::Arc;

use limpid_platform::files::File;
use limpid_protocol::records::{BATCH_HEADER_BYTES, BatchHeader, BatchView, ControlType};

use crate::producers::Marker;

/// Read at once while batches are checked.
const WINDOW_BYTES: usize = 256 << 10;
/// Read at once while only headers matter.
const HEADER_WINDOW_BYTES: usize = 16 << 10;
/// Control batches are a hundred bytes; longer ones are not looked into.
const CONTROL_BATCH_BYTES_MAX: usize = 4 << 10;
/// Where the checksummed part of a batch starts.
const CRC_COVERS_FROM: usize = 21;
const _: () = assert!(CONTROL_BATCH_BYTES_MAX <= HEADER_WINDOW_BYTES);
const _: () = assert!(BATCH_HEADER_BYTES <= HEADER_WINDOW_BYTES);

/// A batch found at a position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) position: u64,
    pub(crate) header: BatchHeader,
    /// The marker, if it is a control batch that ends a transaction.
    pub(crate) marker: Option<Marker>,
}

/// Why a walk stopped before the end.
#[derive(Debug)]
pub(crate) enum ScanError {
    /// The bytes at `position` are not a whole, valid batch.
    Corrupt { position: u64, reason: String },
    /// The disk did not answer.
    Io(io::Error),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads batches from `position` to `end`. Memory is bounded by the window, whatever lengths the
/// file claims.
pub(crate) struct Scanner {
    file: Arc<dyn File>,
    position: u64,
    end: u64,
    window: Vec<u8>,
    window_start: u64,
    window_bytes: usize,
    /// Batches that end below this offset are taken by their headers, the others by their checksums.
    trusted_below: i64,
}

impl Scanner {
    /// Headers only.
    pub(crate) fn headers(file: Arc<dyn File>, position: u64, end: u64) -> Self {
        Self::trusting(file, position, end, i64::MAX)
    }

    /// Headers, and checksums from the first batch on that reaches `trusted_below`.
    pub(crate) fn trusting(
        file: Arc<dyn File>,
        position: u64,
        end: u64,
        trusted_below: i64,
    ) -> Self {
        let (window, window_start) = (Vec::new(), 0);
        let window_bytes = match trusted_below {
            i64::MIN => WINDOW_BYTES,
            _ => HEADER_WINDOW_BYTES,
        };
        Self {
            file,
            position,
            end,
            window,
            window_start,
            window_bytes,
            trusted_below,
        }
    }

    /// The next batch, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Found>, ScanError> {
        let position = self.position;
        if position >= self.end {
            return Ok(None);
        }
        let corrupt = |reason: String| ScanError::Corrupt { position, reason };
        let left = self.end - position;
        let Some(start) = self.bytes_at(position, BATCH_HEADER_BYTES)? else {
            return Err(corrupt(format!("{left} bytes are less than a header")));
        };
        let header = BatchHeader::parse(start).map_err(|e| corrupt(e.to_string()))?;
        if header.size() as u64 > left {
            let size = header.size();
            return Err(corrupt(format!(
                "a batch of {size} bytes, of which {left} are there"
            )));
        }
        if header.base_offset < 0 || header.last_offset_delta < 0 || header.records_count < 0 {
            return Err(corrupt("negative offset or count".to_owned()));
        }
        if header.last_offset() >= self.trusted_below {
            // What follows is read as a whole.
            self.window_bytes = WINDOW_BYTES;
            let computed = self.crc(position + CRC_COVERS_FROM as u64, self.end_of(&header))?;
            if computed != header.crc {
                let stored = header.crc;
                return Err(corrupt(format!(
                    "checksum {computed:08x}, stored {stored:08x}"
                )));
            }
        }
        let marker = match header.attributes.is_control() {
            true => self.marker(position, header.size())?,
            false => None,
        };
        self.position = self.end_of(&header);
        Ok(Some(Found {
            position,
            header,
            marker,
        }))
    }

    fn end_of(&self, header: &BatchHeader) -> u64 {
        self.position + header.size() as u64
    }

    fn marker(&mut self, position: u64, size: usize) -> Result<Option<Marker>, ScanError> {
        if size > CONTROL_BATCH_BYTES_MAX {
            return Ok(None);
        }
        let Some(bytes) = self.bytes_at(position, size)? else {
            return Ok(None);
        };
        Ok(BatchView::parse(bytes)
            .ok()
            .and_then(|view| marker_of(&view)))
    }

    /// `len` bytes at `position`, or `None` when `end` comes first.
    fn bytes_at(&mut self, position: u64, len: usize) -> Result<Option<&[u8]>, ScanError> {
        if position + len as u64 > self.end {
            return Ok(None);
        }
        let window_end = self.window_start + self.window.len() as u64;
        if position < self.window_start || position + len as u64 > window_end {
            self.fill(position)?;
            if self.window.len() < len {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        let at = (position - self.window_start) as usize;
        Ok(Some(&self.window[at..at + len]))
    }

    fn fill(&mut self, position: u64) -> io::Result<()> {
        let size = (self.end - position).min(self.window_bytes as u64) as usize;
        self.window_start = position;
        self.file.read_into(&mut self.window, size, position)
    }

    fn crc(&mut self, from: u64, to: u64) -> Result<u32, ScanError> {
        let (mut crc, mut at) = (0, from);
        while at < to {
            let window_end = self.window_start + self.window.len() as u64;
            if at < self.window_start || at >= window_end {
                self.fill(at)?;
                if self.window.is_empty() {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                continue;
            }
            let stop = to.min(window_end);
            let (first, last) = (
                (at - self.window_start) as usize,
                (stop - self.window_start) as usize,
            );
            crc = crc32c::crc32c_append(crc, &self.window[first..last]);
            at = stop;
        }
        Ok(crc)
    }
}

/// Whether there is nothing but zeros from one position to another, or to the end of the file. No batch is: its length
/// is not 0.
pub(crate) fn is_blank(file: &dyn File, from: u64, to: u64) -> io::Result<bool> {
    let mut window = Vec::new();
    let mut position = from;
    while position < to {
        let size = (to - position).min(WINDOW_BYTES as u64) as usize;
        file.read_into(&mut window, size, position)?;
        if window.is_empty() {
            break;
        }
        if window.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        position += window.len() as u64;
    }
    Ok(true)
}

/// The transaction marker in a control batch.
pub(crate) fn marker_of(view: &BatchView<'_>) -> Option<Marker> {
    let (kind, value) = view.control_record().ok()??;
    let commit = match kind {
        ControlType::Commit => true,
        ControlType::Abort => false,
        _ => return None,
    };
    let epoch = value.get(2..6)?;
    let coordinator_epoch = i32::from_be_bytes([epoch[0], epoch[1], epoch[2], epoch[3]]);
    Some(Marker {
        commit,
        coordinator_epoch,
    })
}
