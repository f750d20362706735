//! Finding offsets: by timestamp, by leader epoch, of aborted transactions.

use std::sync::Arc;

use limpid_protocol::records::BatchView;

use super::PartitionLog;
use crate::api::{AbortedTxn, TimestampedOffset};
use crate::compaction::DECOMPRESSED_BYTES_MAX;
use crate::error::ReadError;
use crate::open_files::Wait;
use crate::scan::{Found, ScanError};
use crate::segment::Segment;

impl PartitionLog {
    /// The first record whose timestamp is at least `timestamp` (ListOffsets by time). Reads
    /// files: blocks.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn offset_for_timestamp(
        &self,
        timestamp: i64,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        self.look_through(|| self.look_for_timestamp(timestamp))
    }

    fn look_for_timestamp(&self, timestamp: i64) -> Result<Option<TimestampedOffset>, ReadError> {
        let start = self.log_start_offset();
        self.check_readable(start)?;
        let segments: Vec<Arc<Segment>> = self.segments.read().values().cloned().collect();
        for segment in segments {
            if segment.progress().max_timestamp < timestamp {
                continue;
            }
            let found = self.search_segment(&segment, timestamp, start);
            let found = found.map_err(|e| self.read_error(&segment, start, e))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The record with the largest timestamp, the first of them if several (KIP-734). Blocks.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn max_timestamp_offset(&self) -> Result<Option<TimestampedOffset>, ReadError> {
        self.look_through(|| self.look_for_max_timestamp())
    }

    fn look_for_max_timestamp(&self) -> Result<Option<TimestampedOffset>, ReadError> {
        let start = self.log_start_offset();
        self.check_readable(start)?;
        let newest = {
            let segments = self.segments.read();
            let with_times = segments.values().map(|s| (s.progress().max_timestamp, s));
            // `max_by_key` takes the last of equals; the first is wanted.
            let newest = with_times.rev().max_by_key(|(timestamp, _)| *timestamp);
            newest.map(|(timestamp, segment)| (timestamp, Arc::clone(segment)))
        };
        match newest {
            Some((timestamp, segment)) if timestamp >= 0 => self
                .search_segment(&segment, timestamp, start)
                .map_err(|e| self.read_error(&segment, start, e)),
            _ => Ok(None),
        }
    }

    fn search_segment(
        &self,
        segment: &Segment,
        timestamp: i64,
        start: i64,
    ) -> Result<Option<TimestampedOffset>, ScanError> {
        // Everything up to that entry's offset is older than `timestamp`.
        let before = segment.times.entry_before(timestamp.saturating_sub(1))?;
        let from = before.map_or(segment.base_offset, |(_, relative)| {
            segment.base_offset + i64::from(relative)
        });
        let mut scanner = segment.scan_headers(from.max(start), Wait::ForDisk)?;
        while let Some(found) = scanner.next()? {
            if found.header.max_timestamp < timestamp || found.header.last_offset() < start {
                continue;
            }
            let hit = search_batch(segment, &found, timestamp, start)?;
            if hit.is_some() {
                return Ok(hit);
            }
        }
        Ok(None)
    }

    /// The epoch that wrote `offset`.
    #[must_use]
    pub fn epoch_at(&self, offset: i64) -> Option<i32> {
        self.state.lock().epochs.epoch_at(offset)
    }

    /// The largest epoch at or below `epoch` and where it ended; (−1, −1) when unknown.
    #[must_use]
    pub fn epoch_end_offset(&self, epoch: i32) -> (i32, i64) {
        let state = self.state.lock();
        state.epochs.end_offset(epoch, self.log_end_offset())
    }

    /// Whether any transaction was aborted in what is left of the log. Reads no file.
    #[must_use]
    pub fn has_aborted_transactions(&self) -> bool {
        let segments = self.segments.read();
        segments.values().any(|segment| segment.txns.entries() > 0)
    }

    /// The aborted transactions that touch `from..to_exclusive`. Reads files: blocks.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn aborted_transactions(
        &self,
        from: i64,
        to_exclusive: i64,
    ) -> Result<Vec<AbortedTxn>, ReadError> {
        self.look_through(|| self.look_for_aborted(from, to_exclusive))
    }

    fn look_for_aborted(&self, from: i64, to_exclusive: i64) -> Result<Vec<AbortedTxn>, ReadError> {
        let mut out = Vec::new();
        let mut next = self.segment_at(from);
        while let Some(segment) = next {
            let collected = segment.txns.collect(from, to_exclusive, &mut out);
            if collected.map_err(|e| self.read_error(&segment, from, e.into()))? {
                break;
            }
            next = self.segment_after(&segment);
        }
        Ok(out)
    }
}

fn search_batch(
    segment: &Segment,
    found: &Found,
    timestamp: i64,
    start: i64,
) -> Result<Option<TimestampedOffset>, ScanError> {
    let corrupt = |e: limpid_protocol::records::RecordsError| ScanError::Corrupt {
        position: found.position,
        reason: e.to_string(),
    };
    let bytes = read_batch(segment, found)?;
    let view = BatchView::parse(&bytes).map_err(corrupt)?;
    let mut scratch = Vec::new();
    for record in view
        .records_with(DECOMPRESSED_BYTES_MAX, &mut scratch)
        .map_err(corrupt)?
    {
        let record = record.map_err(corrupt)?;
        if record.timestamp >= timestamp && record.offset >= start {
            return Ok(Some(TimestampedOffset {
                timestamp: record.timestamp,
                offset: record.offset,
                leader_epoch: found.header.partition_leader_epoch,
            }));
        }
    }
    Ok(None)
}

pub(super) fn read_batch(segment: &Segment, found: &Found) -> Result<Vec<u8>, ScanError> {
    // The size was checked against the segment's, which bounds the allocation.
    let mut bytes = vec![0; found.header.size()];
    let file = segment.log.get()?;
    file.read_exact_at(&mut bytes, found.position)?;
    Ok(bytes)
}
