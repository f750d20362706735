//! Copying segments into one that has only what stays.

use std::sync::Arc;

use limpid_protocol::records::{BatchHeader, BatchView};

use super::batches::BatchReader;
use super::filter::{Rules, Scratch};
use super::transactions::{Fate, Transactions};
use super::{Compacted, Trouble};
use crate::config::LogConfig;
use crate::segment::{SEGMENT_BYTES_MAX, Segment};

/// Says that so many bytes were read or written; false when the round must stop.
pub(crate) type Pace<'a> = &'a dyn Fn(usize) -> bool;

/// Writes one segment from others.
pub(crate) struct Copier<'a> {
    rules: &'a Rules,
    config: &'a LogConfig,
    pace: Pace<'a>,
    window_bytes: usize,
    target: Arc<Segment>,
    modified_ms: i64,
    /// Batches not yet in the file.
    pending: Vec<u8>,
    headers: Vec<BatchHeader>,
    scratch: Scratch,
    /// Whether the copy differs from what was copied.
    changed: bool,
    done: Compacted,
}

impl<'a> Copier<'a> {
    /// `target` is empty, and nobody else knows it yet.
    pub(crate) fn new(
        rules: &'a Rules,
        config: &'a LogConfig,
        pace: Pace<'a>,
        window_bytes: usize,
        target: Arc<Segment>,
    ) -> Self {
        let modified_ms = target.progress().modified_ms;
        Self {
            rules,
            config,
            pace,
            window_bytes,
            target,
            modified_ms,
            pending: Vec::new(),
            headers: Vec::new(),
            scratch: Scratch::default(),
            changed: false,
            done: Compacted::default(),
        }
    }

    /// Copies one segment; they come in the order of their offsets. `transactions` has been told
    /// which transactions of it were aborted.
    pub(crate) fn copy(
        &mut self,
        source: &Segment,
        transactions: &mut Transactions,
    ) -> Result<(), Trouble> {
        let end = source.size();
        let mut batches = BatchReader::new(source.log.get()?, 0, end, self.window_bytes);
        self.done.bytes_before += end;
        while let Some(batch) = batches.next()? {
            let fate = transactions.read(&batch);
            self.take(&batch, fate)?;
            if self.pending.len() >= self.window_bytes {
                self.write()?;
            }
            let read = batches.take_read();
            if read > 0 && !(self.pace)(read) {
                return Err(Trouble::Stopped);
            }
        }
        Ok(())
    }

    fn take(&mut self, batch: &BatchView<'_>, fate: Fate) -> Result<(), Trouble> {
        let left = self.rules.apply(batch, fate, &mut self.scratch)?;
        self.done.records_before += u64::from(batch.header().records_count.unsigned_abs());
        self.done.records_after += left.records;
        self.done.without_key += left.without_key;
        self.changed |= left.batch.as_deref() != Some(batch.bytes());
        let Some(bytes) = left.batch else {
            return Ok(());
        };
        if let Fate::AbortMarker(txn) = fate {
            self.target.txns.push(&txn)?;
        }
        let size = self.target.size() + (self.pending.len() + bytes.len()) as u64;
        if size > SEGMENT_BYTES_MAX {
            return Err(Trouble::TooLarge);
        }
        self.headers.push(BatchHeader::parse(&bytes)?);
        self.pending.extend_from_slice(&bytes);
        Ok(())
    }

    fn write(&mut self) -> Result<(), Trouble> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.target.write(&self.pending)?;
        for header in self.headers.drain(..) {
            self.target
                .publish(&header, self.modified_ms, self.config)?;
        }
        let written = self.pending.len();
        self.pending.clear();
        self.pending.shrink_to(2 * self.window_bytes);
        if (self.pace)(written) {
            Ok(())
        } else {
            Err(Trouble::Stopped)
        }
    }

    /// Puts the copy on the disk. `None` when it says the same as what was copied.
    pub(crate) fn finish(mut self) -> Result<(Compacted, Option<Arc<Segment>>), Trouble> {
        self.write()?;
        self.target.finish_indexes()?;
        self.target.log.get()?.set_modified(self.modified_ms)?;
        self.target.sync_closed()?;
        self.done.bytes_after = self.target.size();
        assert!(
            self.done.records_after <= self.done.records_before,
            "compaction makes no records"
        );
        let target = self.changed.then_some(self.target);
        Ok((self.done, target))
    }
}
