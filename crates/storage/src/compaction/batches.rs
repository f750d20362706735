//! Reading the batches of a segment one after another, whole and checked.

use std::io;
use std::sync::Arc;

use limpid_platform::files::File;
use limpid_protocol::records::{BATCH_HEADER_BYTES, BatchHeader, BatchView};

use crate::scan::ScanError;

/// Reads from `position` to `end`. Memory is the window, or the largest batch if that is larger; a
/// batch is never larger than what is left of its file.
pub(crate) struct BatchReader {
    file: Arc<dyn File>,
    position: u64,
    end: u64,
    window: Vec<u8>,
    window_start: u64,
    window_bytes: usize,
    /// Bytes read from the file since [`BatchReader::take_read`].
    read: usize,
}

impl BatchReader {
    /// `end` is where the segment ends, `window_bytes` how much is read at once.
    pub(crate) fn new(file: Arc<dyn File>, position: u64, end: u64, window_bytes: usize) -> Self {
        Self {
            file,
            position,
            end,
            window: Vec::new(),
            window_start: position,
            window_bytes: window_bytes.max(BATCH_HEADER_BYTES),
            read: 0,
        }
    }

    /// The next batch, its checksum found right; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<BatchView<'_>>, ScanError> {
        let position = self.position;
        if position >= self.end {
            return Ok(None);
        }
        let corrupt = |reason: String| ScanError::Corrupt { position, reason };
        let start = self.fill(BATCH_HEADER_BYTES)?;
        let header = BatchHeader::parse(&self.window[start..]);
        let size = header.map_err(|e| corrupt(e.to_string()))?.size();
        let start = self.fill(size)?;
        let view = BatchView::parse(&self.window[start..start + size]);
        let view = view.map_err(|e| corrupt(e.to_string()))?;
        view.verify_crc().map_err(|e| corrupt(e.to_string()))?;
        let header = view.header();
        if header.base_offset < 0 || header.last_offset_delta < 0 || header.records_count < 0 {
            return Err(corrupt("negative offset or count".to_owned()));
        }
        self.position += size as u64;
        Ok(Some(view))
    }

    /// Bytes read from the file since this was last asked.
    pub(crate) fn take_read(&mut self) -> usize {
        std::mem::take(&mut self.read)
    }

    /// Makes the window hold `len` bytes from the position on; where they start in it.
    fn fill(&mut self, len: usize) -> Result<usize, ScanError> {
        let left = self.end - self.position;
        if len as u64 > left {
            return Err(ScanError::Corrupt {
                position: self.position,
                reason: format!("a batch of at least {len} bytes, of which {left} are there"),
            });
        }
        let start = (self.position - self.window_start) as usize;
        if start + len <= self.window.len() {
            return Ok(start);
        }
        let wanted = self
            .window_bytes
            .max(len)
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        self.window.clear();
        self.window.shrink_to(self.window_bytes.max(len));
        self.window.resize(wanted, 0);
        self.window_start = self.position;
        let got = self.file.read_up_to_at(&mut self.window, self.position)?;
        self.window.truncate(got);
        self.read += got;
        if got < len {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(0)
    }
}
