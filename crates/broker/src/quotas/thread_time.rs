//! How long a request kept a thread busy: what `request_percentage` is about. Waiting costs nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Adds up the time that a future is being worked on. Read by the same future as well.
#[derive(Debug)]
pub struct ThreadTime {
    base: Option<Instant>,
    /// Nanoseconds of all turns that have ended.
    done: AtomicU64,
    /// When the turn of now began, in nanoseconds after `base`, plus one; 0 between turns.
    turn: AtomicU64,
}

impl ThreadTime {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::from(Some(Instant::now()))
    }

    /// Nothing, ever: for what nobody times. Reads no clock.
    pub fn untimed() -> Self {
        Self::from(None)
    }

    fn from(base: Option<Instant>) -> Self {
        Self {
            base,
            done: AtomicU64::new(0),
            turn: AtomicU64::new(0),
        }
    }

    /// So far, the turn of now included.
    pub fn so_far(&self) -> Duration {
        let turn = match self.turn.load(Ordering::Relaxed) {
            0 => 0,
            began => self.now_ns().saturating_sub(began - 1),
        };
        Duration::from_nanos(self.done.load(Ordering::Relaxed) + turn)
    }

    fn now_ns(&self) -> u64 {
        let elapsed = self.base.map_or(Duration::ZERO, |base| base.elapsed());
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX - 1)
    }

    fn begin(&self) {
        self.turn.store(self.now_ns() + 1, Ordering::Relaxed);
    }

    fn end(&self) {
        let so_far = u64::try_from(self.so_far().as_nanos()).unwrap_or(u64::MAX);
        self.done.store(so_far, Ordering::Relaxed);
        self.turn.store(0, Ordering::Relaxed);
    }
}

impl Default for ThreadTime {
    fn default() -> Self {
        Self::new()
    }
}

/// A future whose work is timed.
pub struct Timed<'a, F> {
    /// What is timed.
    pub inner: F,
    /// Where the time is added up; nowhere if nobody asks.
    pub time: Option<&'a ThreadTime>,
}

impl<F: Future + Unpin> Future for Timed<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(time) = self.time else {
            return Pin::new(&mut self.inner).poll(cx);
        };
        time.begin();
        let polled = Pin::new(&mut self.inner).poll(cx);
        time.end();
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_costs_nothing() {
        let time = ThreadTime::new();
        let work = Box::pin(async {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(5) {}
            let before = time.so_far();
            tokio::time::sleep(Duration::from_millis(50)).await;
            before
        });
        let inner = Timed {
            inner: work,
            time: Some(&time),
        };
        let began = Instant::now();
        let before = inner.await;
        assert!(before >= Duration::from_millis(5), "{before:?}");
        assert!(time.so_far() >= before);
        assert!(time.so_far() + Duration::from_millis(45) <= began.elapsed());
    }
}
