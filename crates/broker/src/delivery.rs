//! How long a record waits for its first reader: one record of a partition at a time is timed, from
//! its append until a consumer is sent it.
//!
//! A writer leaves offset and time when the place is free, which is one load otherwise; whoever sends
//! records looks whether that offset is among them. No lock on either side. A reader that is already
//! behind the record without having been sent it (it began at the end of the log) frees the place
//! without a result.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use limpid_protocol::records::offsets_of_run;
use limpid_telemetry::SEEN;

/// Nobody is timed.
const FREE: i64 = -1;
/// Somebody is about to write or to read the time.
const TAKEN: i64 = -2;

/// The place for one record of a partition.
#[derive(Debug)]
pub struct Delivery {
    began: Instant,
    offset: AtomicI64,
    appended_us: AtomicU64,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            offset: AtomicI64::new(FREE),
            appended_us: AtomicU64::new(0),
        }
    }
}

impl Delivery {
    /// The record at `offset` was appended just now.
    #[inline]
    pub fn appended(&self, offset: i64) {
        if SEEN && self.offset.load(Ordering::Relaxed) == FREE {
            self.begin(offset);
        }
    }

    fn begin(&self, offset: i64) {
        let (claim, relaxed) = (Ordering::Acquire, Ordering::Relaxed);
        let claimed = self.offset.compare_exchange(FREE, TAKEN, claim, relaxed);
        if claimed.is_ok() {
            let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.appended_us.store(now, Ordering::Relaxed);
            self.offset.store(offset.max(0), Ordering::Release);
        }
    }

    /// These batches are sent to a consumer, up to `end_offset` where they are not all in memory. How long
    /// the record waited that was timed, if it is among them.
    pub fn delivered(&self, records: &[Bytes], end_offset: Option<i64>) -> Option<Duration> {
        let timed = self.offset.load(Ordering::Acquire);
        if !SEEN || timed < 0 {
            return None;
        }
        let end_of_last = || Some(offsets_of_run(records.last()?)?.end);
        if end_offset.or_else(end_of_last)? <= timed {
            return None;
        }
        let first = i64::from_be_bytes(*records.first()?.first_chunk()?);
        let (claim, relaxed) = (Ordering::Acquire, Ordering::Relaxed);
        let claimed = self.offset.compare_exchange(timed, TAKEN, claim, relaxed);
        claimed.ok()?;
        let appended = Duration::from_micros(self.appended_us.load(Ordering::Relaxed));
        self.offset.store(FREE, Ordering::Release);
        let waited = self.began.elapsed().saturating_sub(appended);
        (first <= timed).then_some(waited)
    }
}

#[cfg(test)]
mod tests;
