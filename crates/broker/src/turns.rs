//! Requests that keep a processor busy for long take turns, so that one thread of the data path is always
//! left for those that don't; and between two pieces of long work a thread lets everybody else go first.
//!
//! A thread looks for what came in over its sockets when it has nothing to do, and otherwise only after
//! sixty-one tasks. If those are all long, whoever has a short request waits for all of them. So a thread
//! that has worked for `ROUND_BYTES` does what is ready, looks at its sockets, and does what is ready
//! then, before it goes on. Who wants to go on holds a turn or a place, so that after such a look not all of
//! them go on at once.

use std::cell::Cell;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::yield_now;

use crate::hurry::Hurry;
use crate::places::{self, Place};

/// A request beyond this is long to read and to answer, unless most of it is records.
pub const LONG_REQUEST_BYTES: usize = 128 * 1024;
/// A read of so many bytes is long: they are copied, mostly into memory that was not used before. So is a
/// batch of as many.
pub const LONG_READ_BYTES: usize = 64 * 1024;
/// Records beyond this are long to check and to write.
pub const LONG_PRODUCE_BYTES: usize = 512 * 1024;
/// A batch that is larger than this once it is decompressed is long to check.
pub const LONG_BATCH_BYTES: usize = 1 << 20;
/// After so many bytes of long work a thread looks after everybody else.
const ROUND_BYTES: usize = 256 * 1024;

thread_local! {
    /// Bytes of long work of this thread since it looked after everybody else.
    static WORKED: Cell<usize> = const { Cell::new(0) };
}

/// Hands out turns.
pub struct Turns {
    turns: Semaphore,
    /// For batches that are not so long that they need a turn: as many as there are threads.
    places: Semaphore,
    /// Whether it matters how long that takes.
    pub hurry: Hurry,
}

/// A turn, or a place, which ends on drop.
pub type Turn<'a> = SemaphorePermit<'a>;

impl Turns {
    /// For a data path of so many threads.
    pub fn new(threads: usize) -> Self {
        Self {
            turns: Semaphore::new(threads.saturating_sub(1).max(1)),
            places: Semaphore::new(threads.max(1)),
            hurry: Hurry::default(),
        }
    }

    /// Waits for a turn. Held while there is something to compute, never while
    /// something is waited for. At the entrance nobody has one: the thread there comes last, and whoever waits
    /// for a turn would come last as well.
    pub async fn next(&self) -> Option<Turn<'_>> {
        let turn = match places::here() {
            Place::Entrance => None,
            _ => self.turns.acquire().await.ok(),
        };
        give_way().await;
        turn
    }

    /// Waits until a batch of so many bytes may be worked on, which is now for most, and aside. The place, if it
    /// needs one, is held meanwhile.
    pub async fn place(&self, bytes: usize, turn: Option<&Turn<'_>>) -> Option<Turn<'_>> {
        if bytes < LONG_READ_BYTES || places::here() == Place::Aside {
            return None;
        }
        let place = match turn {
            Some(_) => None,
            None => self.places.acquire().await.ok(),
        };
        give_way().await;
        place
    }
}

/// Tells that so much was worked on since a turn or a place was asked for.
pub fn worked(bytes: usize) {
    if bytes >= LONG_READ_BYTES {
        WORKED.set(WORKED.get().saturating_add(bytes));
    }
}

/// Lets everybody else go first, if this thread has worked for long.
async fn give_way() {
    if WORKED.get() < ROUND_BYTES {
        return;
    }
    // After the first time all is done that was ready, and the sockets were looked at. But the task that is
    // called last goes first, which is this one: after the second time the others have gone.
    yield_now().await;
    yield_now().await;
    WORKED.set(0);
}

#[cfg(test)]
mod tests;
