//! A bounded pool of threads for work that blocks: disk reads, fsync, recovery, deletes.
//!
//! Both the threads and the queue have a limit; a full queue is told to the caller at once instead
//! of growing. State is read by accessors, so that whoever scrapes can show use against limit.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};

use crate::nice::be_nicer;

type Job = Box<dyn FnOnce() + Send>;

/// The queue is full or the pool is shut down; the job was not taken and is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// `queue_limit` jobs wait already.
    #[error("the queue of the blocking pool is full")]
    QueueFull,
    /// [`BlockingPool::shutdown`] was called.
    #[error("the blocking pool is shut down")]
    ShutDown,
}

/// What a pool is doing now, and what it may do at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStats {
    /// Threads.
    pub threads: usize,
    /// Threads at work.
    pub busy: usize,
    /// Jobs waiting.
    pub queued: usize,
    /// The most jobs that may wait.
    pub queue_limit: usize,
    /// The most that ever waited.
    pub queued_high_water: usize,
    /// Jobs that panicked; the thread went on.
    pub panics: u64,
    /// Jobs turned away because the queue was full.
    pub rejected: u64,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    busy: usize,
    high_water: usize,
    panics: u64,
    rejected: u64,
    stopping: bool,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    room: Condvar,
    queue_limit: usize,
}

/// The pool. Dropping it finishes what is queued and joins the threads.
pub struct BlockingPool {
    name: &'static str,
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    thread_count: usize,
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPool")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl BlockingPool {
    /// Starts `threads` (at least one) named `name`-0, `name`-1 …
    ///
    /// # Errors
    /// When the system can't start a thread.
    pub fn new(name: &'static str, threads: usize, queue_limit: usize) -> std::io::Result<Self> {
        Self::nicer(name, threads, queue_limit, 0)
    }

    /// As [`BlockingPool::new`], with threads that are so much nicer than the one that starts them: the
    /// kernel lets others go first. Only Linux knows nice threads; elsewhere they are like all others.
    ///
    /// # Errors
    /// When the system can't start a thread.
    pub fn nicer(
        name: &'static str,
        threads: usize,
        queue_limit: usize,
        nicer: i32,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            room: Condvar::new(),
            queue_limit: queue_limit.max(1),
        });
        let thread_count = threads.max(1);
        let pool = Self {
            name,
            shared,
            threads: Mutex::default(),
            thread_count,
        };
        for i in 0..thread_count {
            let shared = Arc::clone(&pool.shared);
            let builder = std::thread::Builder::new().name(format!("{name}-{i}"));
            pool.threads.lock().push(builder.spawn(move || {
                be_nicer(nicer);
                work(&shared);
            })?);
        }
        Ok(pool)
    }

    /// The name given at the start.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Queues a job, or says at once that there is no room.
    ///
    /// # Errors
    /// [`SubmitError`]; the job is dropped without having run.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) -> Result<(), SubmitError> {
        let mut state = self.shared.state.lock();
        if state.stopping {
            return Err(SubmitError::ShutDown);
        }
        if state.queue.len() >= self.shared.queue_limit {
            state.rejected += 1;
            return Err(SubmitError::QueueFull);
        }
        self.push(state, Box::new(job));
        Ok(())
    }

    /// Queues a job, waiting for room. Not for the data path.
    ///
    /// # Errors
    /// [`SubmitError::ShutDown`].
    pub fn submit_wait(&self, job: impl FnOnce() + Send + 'static) -> Result<(), SubmitError> {
        let mut state = self.shared.state.lock();
        while !state.stopping && state.queue.len() >= self.shared.queue_limit {
            self.shared.room.wait(&mut state);
        }
        if state.stopping {
            return Err(SubmitError::ShutDown);
        }
        self.push(state, Box::new(job));
        Ok(())
    }

    /// Runs a job and hands its result over a channel; the channel closes without one if the job
    /// panics.
    ///
    /// # Errors
    /// As [`BlockingPool::submit`].
    pub fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<mpsc::Receiver<T>, SubmitError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.submit(move || {
            // Nobody waiting any more is not an error.
            sender.send(job()).ok();
        })?;
        Ok(receiver)
    }

    /// Use and limits, now.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let state = self.shared.state.lock();
        PoolStats {
            threads: self.thread_count,
            busy: state.busy,
            queued: state.queue.len(),
            queue_limit: self.shared.queue_limit,
            queued_high_water: state.high_water,
            panics: state.panics,
            rejected: state.rejected,
        }
    }

    /// Takes no more jobs, finishes the queued ones and joins the threads.
    pub fn shutdown(&self) {
        self.shared.state.lock().stopping = true;
        self.shared.work.notify_all();
        self.shared.room.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // A job may hold the last handle to its own pool; a thread can't join itself.
            if thread.thread().id() != std::thread::current().id() {
                thread.join().ok();
            }
        }
    }

    fn push(&self, mut state: parking_lot::MutexGuard<'_, State>, job: Job) {
        state.queue.push_back(job);
        state.high_water = state.high_water.max(state.queue.len());
        assert!(state.queue.len() <= self.shared.queue_limit);
        drop(state);
        self.shared.work.notify_one();
    }
}

impl Drop for BlockingPool {
    fn drop(&mut self) {
        self.shutdown();
    }
}

fn work(shared: &Shared) {
    loop {
        let mut state = shared.state.lock();
        let job = loop {
            if let Some(job) = state.queue.pop_front() {
                break job;
            }
            if state.stopping {
                return;
            }
            shared.work.wait(&mut state);
        };
        state.busy += 1;
        drop(state);
        shared.room.notify_one();
        let panicked = catch_unwind(AssertUnwindSafe(job)).is_err();
        let mut state = shared.state.lock();
        state.busy -= 1;
        state.panics += u64::from(panicked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_is_told_at_once() {
        let pool = BlockingPool::new("t", 1, 1).unwrap();
        let (release, gate) = mpsc::channel::<()>();
        let (started, running) = mpsc::channel();
        pool.submit(move || {
            started.send(()).unwrap();
            gate.recv().ok();
        })
        .unwrap();
        running.recv().unwrap();
        let second = pool.run(|| 7).unwrap();
        assert_eq!(pool.submit(|| {}), Err(SubmitError::QueueFull));
        let stats = pool.stats();
        assert_eq!((stats.busy, stats.queued, stats.rejected), (1, 1, 1));
        release.send(()).unwrap();
        assert_eq!(second.recv(), Ok(7));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_its_threads_are_nicer() {
        let own = || rustix::process::getpriority_process(None).unwrap();
        let before = own();
        let pool = BlockingPool::nicer("t", 1, 1, 3).unwrap();
        let theirs = pool.run(own).unwrap();
        assert_eq!(theirs.recv(), Ok((before + 3).min(19)));
        assert_eq!(own(), before);
    }

    #[test]
    fn a_panic_is_counted_and_shutdown_finishes_the_queue() {
        let pool = BlockingPool::new("t", 2, 10).unwrap();
        let lost = pool.run(|| panic!("planted")).unwrap();
        assert!(lost.recv().is_err());
        let kept: Vec<_> = (0..5).map(|i| pool.run(move || i).unwrap()).collect();
        pool.shutdown();
        assert_eq!(kept.iter().map(|r| r.recv().unwrap()).sum::<i32>(), 10);
        assert_eq!(pool.stats().panics, 1);
        assert_eq!(pool.submit(|| {}), Err(SubmitError::ShutDown));
    }
}
