//! For how long each thread of the data path had nothing to do.
//!
//! The runtime's own count of busy time is brought up to date when a thread goes to sleep, or after
//! dozens of tasks: a thread that has more to do than it can would seem idle for as long as that lasts,
//! just when it matters. Here the times between sleep and waking are added up, as far as they have come.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Marks a thread that sleeps; the other bits hold 292 years.
const ASLEEP: u64 = 1 << 63;

thread_local! {
    static WORKER: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The times of the threads of one runtime, which calls it as its threads sleep and wake.
#[derive(Debug)]
pub(crate) struct WorkerTimes {
    born: Instant,
    /// Of a thread that is awake: the nanoseconds that it slept. Of one that sleeps, with the mark: when
    /// it would have fallen asleep if that were its only sleep. One word, so that nobody reads half.
    slept: Vec<AtomicU64>,
    known: AtomicUsize,
}

impl WorkerTimes {
    /// All are awake until they first sleep.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            born: Instant::now(),
            slept: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            known: AtomicUsize::new(0),
        }
    }

    /// How many threads there are.
    pub(crate) const fn workers(&self) -> usize {
        self.slept.len()
    }

    /// Since the start.
    pub(crate) fn age(&self) -> Duration {
        self.born.elapsed()
    }

    /// This thread goes to sleep.
    pub(crate) fn sleeps(&self) {
        let Some(own) = self.own() else { return };
        let slept = own.load(Ordering::Relaxed);
        if slept & ASLEEP == 0 {
            own.store((self.now() - slept) | ASLEEP, Ordering::Relaxed);
        }
    }

    /// This thread wakes up.
    pub(crate) fn wakes(&self) {
        let Some(own) = self.own() else { return };
        let since = own.load(Ordering::Relaxed);
        if since & ASLEEP != 0 {
            own.store(self.now() - (since & !ASLEEP), Ordering::Relaxed);
        }
    }

    /// How long a thread has slept by now; never goes down.
    pub(crate) fn slept(&self, worker: usize) -> Duration {
        let told = self.slept[worker].load(Ordering::Relaxed);
        let nanos = match told & ASLEEP {
            0 => told,
            _ => self.now().saturating_sub(told & !ASLEEP),
        };
        Duration::from_nanos(nanos)
    }

    /// How long a thread has been awake when the runtime is so old.
    pub(crate) fn busy(&self, worker: usize, age: Duration) -> Duration {
        age.saturating_sub(self.slept(worker))
    }

    fn now(&self) -> u64 {
        self.born.elapsed().as_nanos() as u64 & !ASLEEP
    }

    /// The place of this thread. A thread belongs to one runtime all its life.
    fn own(&self) -> Option<&AtomicU64> {
        let place = WORKER.get().unwrap_or_else(|| {
            let next = self.known.fetch_add(1, Ordering::Relaxed);
            WORKER.set(Some(next));
            next
        });
        self.slept.get(place)
    }
}
