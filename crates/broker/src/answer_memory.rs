//! The memory of answers that were read from files.
//!
//! What comes from the tail cache is shared and belongs to its pool. What was read from a file belongs
//! to one answer until the client has taken it, and a client may take its time. So a read asks for room
//! first, and gets a part of what is left: the more there is to be sent, the less a single answer holds.
//! When there is none left, a read waits, and those go who have stopped reading (see
//! [`AnswerMemory::is_short`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use limpid_platform::pipes::Pipes;
use limpid_telemetry::pools::{Charge, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Permits are counted in these units, since a semaphore counts in 32 bits.
const UNIT_BYTES: usize = 1024;
/// One part in so many of what is left goes to one read.
const PART: usize = 8;
/// No read gets less than this, if it wants it: the largest batch, by default.
const LEAST_BYTES: usize = (1 << 20) + UNIT_BYTES;
/// How long a read waits for room; then it is answered without its records, and the client asks again.
const PATIENCE: Duration = Duration::from_secs(1);
/// A client that has taken nothing for this long is cut off while others wait for room.
pub const STALLED: Duration = Duration::from_secs(5);

/// The pool.
pub struct AnswerMemory {
    room: Arc<Semaphore>,
    stats: Arc<Pool>,
    waiting: AtomicUsize,
    pipes: Arc<Pipes>,
}

/// Room for a read.
pub struct Room {
    bytes: usize,
    permit: OwnedSemaphorePermit,
    stats: Arc<Pool>,
}

/// Room that something takes up; given back on drop.
pub struct Used {
    _permit: OwnedSemaphorePermit,
    _charge: Charge,
}

impl AnswerMemory {
    /// A pool of `limit_bytes`.
    pub fn new(limit_bytes: usize, stats: Arc<Pool>) -> Self {
        let units = (limit_bytes.max(LEAST_BYTES) / UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self {
            room: Arc::new(Semaphore::new(units)),
            stats,
            waiting: AtomicUsize::new(0),
            pipes: Pipes::new(),
        }
    }

    /// Pipes for what is sent without being read. What they refer to is charged as what is read, though it
    /// is memory of the page cache.
    pub fn pipes(&self) -> &Arc<Pipes> {
        &self.pipes
    }

    /// Whether a read waits for room now.
    pub fn is_short(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Room for a read of up to `wanted` bytes, perhaps for less; `None` when there is none in time.
    pub async fn room(&self, wanted: usize) -> Option<Room> {
        if let Some(room) = self.room_now(wanted) {
            return Some(room);
        }
        let bytes = wanted.min(LEAST_BYTES);
        let permit = self.wait_for(units_of(bytes)).await?;
        Some(self.let_out(bytes, permit))
    }

    /// Room for a read of up to `wanted` bytes, if there is some at once.
    pub fn room_now(&self, wanted: usize) -> Option<Room> {
        let part = self.room.available_permits() * UNIT_BYTES / PART;
        let bytes = wanted.min(part.max(LEAST_BYTES));
        let permit = Arc::clone(&self.room).try_acquire_many_owned(units_of(bytes));
        Some(self.let_out(bytes, permit.ok()?))
    }

    fn let_out(&self, bytes: usize, permit: OwnedSemaphorePermit) -> Room {
        Room {
            bytes,
            permit,
            stats: Arc::clone(&self.stats),
        }
    }

    async fn wait_for(&self, units: u32) -> Option<OwnedSemaphorePermit> {
        let _waiting = Waiting::new(&self.waiting);
        let since = Instant::now();
        let acquired = timeout(PATIENCE, Arc::clone(&self.room).acquire_many_owned(units)).await;
        self.stats.waited(since.elapsed());
        acquired.ok()?.ok()
    }
}

impl Room {
    /// How much may be read.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives back what is beyond `bytes`, and charges the rest until it is dropped.
    pub fn used(self, bytes: usize) -> Used {
        let Self {
            mut permit, stats, ..
        } = self;
        let unused = permit
            .num_permits()
            .saturating_sub(bytes.div_ceil(UNIT_BYTES));
        drop(permit.split(unused));
        Used {
            _permit: permit,
            _charge: stats.charge(bytes as u64),
        }
    }

    /// As [`Room::used`], for what is in several pieces.
    pub fn shared(self, bytes: usize) -> Arc<Used> {
        Arc::new(self.used(bytes))
    }
}

impl Used {
    /// A piece of what was read: the room is given back when the last one is gone.
    pub fn hold(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        let held = Arc::clone(self);
        Bytes::from_owner(Charged { bytes, _held: held })
    }
}

fn units_of(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

/// Bytes with what they are charged to.
struct Charged {
    bytes: Bytes,
    _held: Arc<Used>,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Counts one who waits, also when it is given up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use limpid_telemetry::Registry;

    use super::*;

    fn memory() -> AnswerMemory {
        AnswerMemory::new(32 << 20, Registry::new().pool("answer_memory", 32 << 20))
    }

    #[tokio::test]
    async fn the_more_is_held_the_less_one_gets() {
        let memory = memory();
        let mut held = Vec::new();
        let mut last = usize::MAX;
        while let Some(room) = memory.room(8 << 20).await {
            assert!(room.bytes() <= last && room.bytes() >= LEAST_BYTES);
            last = room.bytes();
            held.push(room.shared(last).hold(Bytes::from(vec![0; last])));
        }
        assert_eq!(last, LEAST_BYTES);
        assert!(
            memory.room_now(8 << 20).is_none(),
            "nobody waits for this one"
        );
        let total: usize = held.iter().map(Bytes::len).sum();
        assert!(total <= 32 << 20, "{total} bytes are held");
        assert_eq!(memory.stats.used(), total as u64);
        held.clear();
        assert_eq!(memory.stats.used(), 0);
        assert_eq!(
            memory.room(8 << 20).await.map(|room| room.bytes()),
            Some(4 << 20)
        );
    }

    #[tokio::test]
    async fn what_was_not_read_is_given_back_and_a_slice_keeps_the_rest() {
        let memory = memory();
        let before = memory.room.available_permits();
        let room = memory.room(4 << 20).await.expect("room");
        let used = room.shared(5 * UNIT_BYTES);
        let held = used.hold(Bytes::from(vec![0; 5 * UNIT_BYTES]));
        drop(used);
        assert_eq!(memory.room.available_permits(), before - 5);
        let slice = held.slice(1..2);
        drop(held);
        assert_eq!(memory.room.available_permits(), before - 5);
        drop(slice);
        assert_eq!(memory.room.available_permits(), before);
        assert!(!memory.is_short());
    }
}
