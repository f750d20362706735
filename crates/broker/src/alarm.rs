//! Waking a task that sleeps until something is due.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Longest sleep; settings and topics may change meanwhile.
const SLEEP_MS_MAX: u64 = 1_000;

/// Wakes the task when something was set that is due earlier than the time it sleeps until.
#[derive(Debug, Default)]
pub struct Alarm {
    sleeps_until_ms: AtomicU64,
    notify: Notify,
}

impl Alarm {
    /// Something is due then.
    pub fn wake_by(&self, deadline_ms: Option<u64>) {
        if deadline_ms.is_some_and(|at| at < self.sleeps_until_ms.load(Ordering::SeqCst)) {
            self.notify.notify_one();
        }
    }

    /// How long nothing is due; `first` looks for what is due first. What is set meanwhile either
    /// is seen there or wakes the task.
    pub fn nap(&self, now_ms: u64, first: impl FnOnce() -> Option<u64>) -> Duration {
        let at_most = now_ms.saturating_add(SLEEP_MS_MAX);
        self.sleeps_until_ms.store(at_most, Ordering::SeqCst);
        let until = first().map_or(at_most, |first| first.min(at_most));
        self.sleeps_until_ms.store(until, Ordering::SeqCst);
        Duration::from_millis(until.saturating_sub(now_ms))
    }

    /// Something was set that is due earlier.
    pub async fn rung(&self) {
        self.notify.notified().await;
    }
}
