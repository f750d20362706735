//! Fetches that wait for data ("purgatory").
//!
//! A parked fetch is one [`Waiter`], registered with every partition it watches. An append adds its
//! bytes to the waiters of that partition; the one that crosses a waiter's threshold wakes it, once.
//! Nobody else is woken, and a partition without waiters pays one atomic load per append.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// One parked fetch.
#[derive(Debug)]
pub struct Waiter {
    /// Bytes that are still missing. Starts far above anything real, so that appends between
    /// registration and [`Waiter::arm`] are counted but wake nobody.
    missing: AtomicI64,
    notify: Notify,
}

const UNARMED: i64 = i64::MAX / 2;

impl Waiter {
    /// A waiter that counts but can't be woken yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            missing: AtomicI64::new(UNARMED),
            notify: Notify::new(),
        })
    }

    /// Sets how many bytes are missing, taking into account what was appended since registration.
    pub fn arm(&self, missing_bytes: u64) {
        let missing = i64::try_from(missing_bytes).unwrap_or(UNARMED).min(UNARMED);
        let before = self.missing.fetch_sub(UNARMED - missing, Ordering::AcqRel);
        if before - (UNARMED - missing) <= 0 {
            self.notify.notify_one();
        }
    }

    /// Waits until the missing bytes are there or [`Waiter::wake`] is called.
    pub async fn ready(&self) {
        self.notify.notified().await;
    }

    /// Wakes it whatever is missing: the partition is gone, or the broker drains.
    pub fn wake(&self) {
        self.notify.notify_one();
    }

    fn add(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(UNARMED);
        let before = self.missing.fetch_sub(bytes, Ordering::AcqRel);
        if before > 0 && before <= bytes {
            self.notify.notify_one();
        }
    }
}

/// The waiters of one partition.
#[derive(Debug, Default)]
pub struct Waiters {
    count: AtomicUsize,
    list: Mutex<Vec<Arc<Waiter>>>,
}

impl Waiters {
    /// From now on `waiter` hears of appends here.
    pub fn register(&self, waiter: &Arc<Waiter>) {
        let mut list = self.list.lock();
        list.push(Arc::clone(waiter));
        // SeqCst pairs with the load in `appended`: either the appender sees the count, or the
        // fetch, which reads the log after registering, sees the appended bytes.
        self.count.store(list.len(), Ordering::SeqCst);
    }

    /// The counterpart of [`Waiters::register`].
    pub fn deregister(&self, waiter: &Arc<Waiter>) {
        let mut list = self.list.lock();
        if let Some(at) = list.iter().position(|w| Arc::ptr_eq(w, waiter)) {
            list.swap_remove(at);
        }
        self.count.store(list.len(), Ordering::SeqCst);
    }

    /// `bytes` became readable.
    pub fn appended(&self, bytes: u64) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        for waiter in self.list.lock().iter() {
            waiter.add(bytes);
        }
    }

    /// Wakes all: the answer changed for a reason other than new data.
    pub fn wake_all(&self) {
        for waiter in self.list.lock().iter() {
            waiter.wake();
        }
    }

    /// [`Waiters::wake_all`] but for one who knows.
    pub fn wake_others(&self, except: &Arc<Waiter>) {
        let list = self.list.lock();
        for waiter in list.iter().filter(|w| !Arc::ptr_eq(w, except)) {
            waiter.wake();
        }
    }

    /// How many fetches wait here.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests;
