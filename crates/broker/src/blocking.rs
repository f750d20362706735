//! Work that may block, off the data path: awaiting a job of platform's bounded pool.

use std::sync::Arc;

use limpid_platform::blocking::{BlockingPool, SubmitError};
use tokio::sync::{Semaphore, oneshot};

/// The pool, and places in its queue. Who finds none waits, instead of being turned away.
pub struct Blocking {
    pool: BlockingPool,
    places: Arc<Semaphore>,
}

/// The job was not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum BlockingError {
    /// The pool is shut down.
    #[error("the broker is shutting down")]
    ShutDown,
    /// The job panicked; the log has the backtrace.
    #[error("an internal error occurred, see the broker's log")]
    Panicked,
}

impl Blocking {
    /// `threads` threads and at most `queue_limit` jobs that wait for them.
    ///
    /// # Errors
    /// If the system can't start a thread.
    pub fn new(threads: usize, queue_limit: usize) -> std::io::Result<Self> {
        let pool = BlockingPool::new("limpid-io", threads, queue_limit)?;
        Ok(Self {
            pool,
            places: Arc::new(Semaphore::new(queue_limit)),
        })
    }

    /// Runs `job` on the pool and returns its result. The job runs to its end even when the caller
    /// goes away.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BlockingError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| BlockingError::ShutDown)?;
        let (sender, receiver) = oneshot::channel();
        let submitted = self.pool.submit(move || {
            drop(place);
            // The caller may have gone away.
            let _unheard = sender.send(job()).is_err();
        });
        match submitted {
            Ok(()) => receiver.await.map_err(|_| BlockingError::Panicked),
            Err(SubmitError::QueueFull | SubmitError::ShutDown) => Err(BlockingError::ShutDown),
        }
    }

    /// The pool below, for its numbers.
    pub fn pool(&self) -> &BlockingPool {
        &self.pool
    }
}
