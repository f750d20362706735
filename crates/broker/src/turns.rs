//! Requests that keep a processor busy for long take turns, so that one thread of the data path is always
//! left for those that don't.

use tokio::sync::{Semaphore, SemaphorePermit};

/// A request beyond this is long to read and to answer, unless most of it is records.
pub const LONG_REQUEST_BYTES: usize = 128 * 1024;
/// A read of so many bytes is long: they are copied, mostly into memory that was not used before.
pub const LONG_READ_BYTES: usize = 64 * 1024;
/// Records beyond this are long to check and to write.
pub const LONG_PRODUCE_BYTES: usize = 512 * 1024;
/// A batch that is larger than this once it is decompressed is long to check.
pub const LONG_BATCH_BYTES: usize = 1 << 20;

/// Hands out turns.
pub struct Turns(Semaphore);

/// A turn, which ends on drop.
pub type Turn<'a> = SemaphorePermit<'a>;

impl Turns {
    /// For a data path of so many threads.
    pub fn new(threads: usize) -> Self {
        Self(Semaphore::new(threads.saturating_sub(1).max(1)))
    }

    /// Waits for a turn. Held while there is something to compute, never while
    /// something is waited for.
    pub async fn next(&self) -> Option<Turn<'_>> {
        self.0.acquire().await.ok()
    }
}
