//! When records came, and what they say themselves: what lag in seconds is made of.

use std::collections::BTreeSet;
use std::io;

use limpid_protocol::Uuid;
use limpid_protocol::records::{BatchHeader, BatchView};

use super::PartitionLog;
use super::lookup::read_batch;
use crate::arrivals::Arrivals;
use crate::arrivals::file::{Saved, Writer};
use crate::compaction::DECOMPRESSED_BYTES_MAX;
use crate::error::ReadError;
use crate::open_files::Wait;
use crate::scan::{Found, ScanError};
use crate::segment::Segment;

impl PartitionLog {
    /// When the first record at or after `offset` came to this broker, wall clock in
    /// milliseconds. Never later than it truly came, by a clock that was not set since, and at
    /// most a second, or a twelfth of its age, earlier. An estimate, by the timestamps of the
    /// batches, for what was appended in the last seconds before a crash.
    ///
    /// `None` at the end of the log, and for records that came before this was noted (an earlier
    /// version or Apache Kafka wrote them). Does not block.
    #[must_use]
    pub fn arrival_ms(&self, offset: i64) -> Option<i64> {
        let state = self.state.lock();
        let offset = offset.max(self.log_start_offset());
        let arrived = state.arrivals.at(offset);
        arrived.filter(|_| offset < self.log_end_offset())
    }

    /// The timestamp of the first data record at or after `offset` (or the start of the log, if
    /// that is later) that everybody may read; markers of transactions are passed over. −1 if the
    /// record has none, `None` if there is no such record. Reads files: blocks.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn timestamp_at(&self, offset: i64) -> Result<Option<i64>, ReadError> {
        self.look_through(|| self.look_at_timestamp(offset))
    }

    fn look_at_timestamp(&self, offset: i64) -> Result<Option<i64>, ReadError> {
        // The end first: it never is behind a start read after it.
        let end = self.high_watermark();
        let offset = offset.max(self.log_start_offset());
        if offset >= end {
            return Ok(None);
        }
        self.check_readable(offset)?;
        let mut next = self.segment_at(offset);
        while let Some(segment) = next.filter(|segment| segment.base_offset < end) {
            let stamped = stamped_in(&segment, offset, end);
            let stamped = stamped.map_err(|e| self.read_error(&segment, offset, e))?;
            if stamped.is_some() {
                return Ok(stamped);
            }
            next = self.segment_after(&segment);
        }
        Ok(None)
    }

    /// Changes whenever a checkpoint of the arrivals would be another one.
    pub(crate) fn arrivals_stamp(&self) -> u64 {
        let state = self.state.lock();
        let end = u64::try_from(self.log_end_offset()).unwrap_or(0);
        state.arrivals.changes().wrapping_add(end)
    }

    /// Puts the arrivals into a checkpoint.
    pub(crate) fn save_arrivals(&self, to: &mut Writer) {
        let (points, end) = {
            let state = self.state.lock();
            (state.arrivals.points().to_vec(), self.log_end_offset())
        };
        to.add(
            self.topic(),
            self.partition(),
            self.topic_id(),
            end,
            &points,
        );
    }

    /// The arrivals as saved; what was appended after that is estimated where recovery had to
    /// look at the batches anyway, and unknown otherwise.
    pub(super) fn restore_arrivals(
        &self,
        saved: Option<Saved>,
        scanned: &BTreeSet<i64>,
    ) -> io::Result<()> {
        let (start, end) = (self.log_start_offset(), self.log_end_offset());
        let id = self.topic_id();
        let known = saved.filter(|saved| saved.topic_id == id && id != Uuid::ZERO);
        let (mut arrivals, covered_to, saved_ms) = match known {
            Some(saved) => {
                let points = Arrivals::from_points(saved.points);
                (points, saved.covered_to.max(start), saved.saved_ms)
            }
            None => (Arrivals::default(), start, -1),
        };
        arrivals.truncate_end(end);
        arrivals.truncate_start(start);
        let from = scanned.first().map_or(end, |base| covered_to.max(*base));
        if covered_to < from.min(end) {
            arrivals.note_unknown(covered_to);
        }
        let now_ms = self.shared.clock.wall_ms();
        let mut newest = saved_ms;
        let mut segment = self.segment_at(from).filter(|_| from < end);
        while let Some(current) = segment {
            self.each_header(&current, from, |found| {
                newest = newest.max(found.header.max_timestamp.min(now_ms));
                if newest >= 0 {
                    arrivals.note(found.header.base_offset.max(from), newest);
                } else {
                    arrivals.note_unknown(found.header.base_offset.max(from));
                }
                Ok(())
            })?;
            segment = self.segment_after(&current);
        }
        self.state.lock().arrivals = arrivals;
        Ok(())
    }
}

/// The timestamp of the segment's first data record in `offset..end`.
fn stamped_in(segment: &Segment, offset: i64, end: i64) -> Result<Option<i64>, ScanError> {
    let mut scanner = segment.scan_headers(offset, Wait::ForDisk)?;
    while let Some(found) = scanner.next()? {
        let header = &found.header;
        if header.base_offset >= end {
            break;
        }
        if header.last_offset() < offset || header.attributes.is_control() {
            continue;
        }
        if offset <= header.base_offset && is_whole(header) {
            return Ok(Some(first_timestamp(header)));
        }
        let stamped = stamped_in_batch(segment, &found, offset)?;
        if stamped.is_some() {
            return Ok(stamped);
        }
    }
    Ok(None)
}

/// Compaction took nothing out of the batch: its first record is the one that the header tells of.
fn is_whole(header: &BatchHeader) -> bool {
    i64::from(header.records_count) == i64::from(header.last_offset_delta) + 1
        && !header.attributes.has_delete_horizon()
}

fn first_timestamp(header: &BatchHeader) -> i64 {
    match header.attributes.timestamp_type() {
        limpid_protocol::records::TimestampType::LogAppendTime => header.max_timestamp,
        limpid_protocol::records::TimestampType::CreateTime => header.base_timestamp,
    }
}

fn stamped_in_batch(
    segment: &Segment,
    found: &Found,
    offset: i64,
) -> Result<Option<i64>, ScanError> {
    let corrupt = |e: limpid_protocol::records::RecordsError| ScanError::Corrupt {
        position: found.position,
        reason: e.to_string(),
    };
    let bytes = read_batch(segment, found)?;
    let view = BatchView::parse(&bytes).map_err(corrupt)?;
    let mut scratch = Vec::new();
    let records = view.records_with(DECOMPRESSED_BYTES_MAX, &mut scratch);
    for record in records.map_err(corrupt)? {
        let record = record.map_err(corrupt)?;
        if record.offset >= offset {
            return Ok(Some(record.timestamp));
        }
    }
    Ok(None)
}
