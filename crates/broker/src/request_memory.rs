//! The memory that requests may take while they are read and answered.
//!
//! Every byte of every frame is charged here before it is read, so the broker's memory for
//! requests is bounded whatever clients do. Three areas make up the limit:
//!
//! - the **reserve**: one largest request, owned by one connection at a time;
//! - a quarter of the rest for **small frames**, so that large ones never stand before metadata
//!   requests and heartbeats;
//! - the others share what is left, first come, first served.
//!
//! The reserve is what makes partial frames unable to block each other for ever: a connection that
//! has part of a frame and finds its area empty may finish that frame there. A connection charges
//! as bytes arrive, at most doubling what it has already sent, so announcing a large frame costs
//! the broker nothing; only one that has sent such frames before gets the memory at once, while there is
//! plenty. The deadline for the body (see `frame`) takes the memory back from those who
//! stop sending.

use std::sync::Arc;
use std::time::Instant;

use limpid_telemetry::SEEN;
use limpid_telemetry::pools::{Lent, Pool};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// Permits are counted in these units, since a semaphore counts in 32 bits.
const UNIT_BYTES: usize = 1024;

/// Frames up to this size have an area of their own.
const SMALL_FRAME_BYTES_MAX: usize = 64 * 1024;
/// One part in so many of what the reserve leaves is for small frames.
const SMALL_PART: usize = 4;

/// One part in so many of what is free may be taken before it is needed.
const LITTLE_PART: usize = 16;

/// The pool of request memory of one broker.
pub struct RequestMemory {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    reserve: Arc<tokio::sync::Mutex<()>>,
    stats: Arc<Pool>,
}

impl RequestMemory {
    /// A pool of `limit_bytes`, of which `max_request_bytes` are the reserve.
    ///
    /// # Panics
    /// If the limit is below one largest request; the configuration has been checked for that.
    pub fn new(limit_bytes: usize, max_request_bytes: usize, stats: Arc<Pool>) -> Self {
        assert!(
            limit_bytes >= max_request_bytes,
            "pool smaller than one request"
        );
        let units = ((limit_bytes - max_request_bytes) / UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        let small = units / SMALL_PART;
        Self {
            small: Arc::new(Semaphore::new(small)),
            large: Arc::new(Semaphore::new(units - small)),
            reserve: Arc::default(),
            stats,
        }
    }

    /// An empty charge for a frame of this length, to be grown while it arrives.
    pub fn charge(&self, frame_bytes: usize) -> RequestCharge<'_> {
        let is_small = frame_bytes <= SMALL_FRAME_BYTES_MAX;
        let area = if is_small { &self.small } else { &self.large };
        RequestCharge {
            memory: self,
            area,
            bytes: 0,
            permits: None,
            reserve: None,
            counted: None,
        }
    }
}

/// What one frame holds of the pool; given back on drop.
pub struct RequestCharge<'a> {
    memory: &'a RequestMemory,
    area: &'a Arc<Semaphore>,
    bytes: usize,
    permits: Option<OwnedSemaphorePermit>,
    reserve: Option<OwnedMutexGuard<()>>,
    counted: Option<Lent<'a>>,
}

impl RequestCharge<'_> {
    /// Bytes charged so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether that many bytes are at most a sixteenth of what is free for such a frame.
    pub fn is_little(&self, bytes: usize) -> bool {
        bytes.div_ceil(UNIT_BYTES) <= self.area.available_permits() / LITTLE_PART
    }

    /// Charges until `total` bytes are covered, or nothing when the pool is used up.
    pub fn try_grow_to(&mut self, total: usize) -> bool {
        if total <= self.bytes {
            return true;
        }
        if self.reserve.is_none() {
            match Arc::clone(self.area).try_acquire_many_owned(self.units_to(total)) {
                Ok(more) => self.merge(more),
                Err(_) => return false,
            }
        }
        self.covers(total);
        true
    }

    /// Charges until `total` bytes are covered. Waits when the pool is used up.
    pub async fn grow_to(&mut self, total: usize) {
        if !self.try_grow_to(total) {
            self.acquire(total).await;
            self.covers(total);
        }
    }

    fn covers(&mut self, total: usize) {
        self.bytes = total;
        if SEEN {
            // Dropped before the larger charge is taken, so that nothing is counted twice.
            self.counted = None;
            self.counted = Some(self.memory.stats.lend(total as u64));
        }
    }

    /// What is missing to that many bytes.
    fn units_to(&self, total: usize) -> u32 {
        let held = self.permits.as_ref();
        let held = held.map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = total.div_ceil(UNIT_BYTES) - held;
        u32::try_from(wanted).unwrap_or(u32::MAX)
    }

    async fn acquire(&mut self, total: usize) {
        let (area, wanted) = (self.area, self.units_to(total));
        let waiting_since = Instant::now();
        tokio::select! {
            biased;
            Ok(more) = Arc::clone(area).acquire_many_owned(wanted) => self.merge(more),
            guard = Arc::clone(&self.memory.reserve).lock_owned() => self.reserve = Some(guard),
        }
        self.memory.stats.waited(waiting_since.elapsed());
    }

    fn merge(&mut self, more: OwnedSemaphorePermit) {
        match &mut self.permits {
            Some(permits) => permits.merge(more),
            None => self.permits = Some(more),
        }
    }
}

#[cfg(test)]
mod tests;
