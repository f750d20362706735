//! How fast compaction may read and write (`log.cleaner.io.max.bytes.per.second`).

use std::time::Duration;

use limpid_platform::clock::Clock;
use parking_lot::{Condvar, Mutex};

/// How long a thread sleeps before it looks whether it must stop.
const NAP: Duration = Duration::from_millis(100);
/// Unused time that may be made up for later.
const CREDIT: Duration = Duration::from_millis(300);

/// Shared by all threads that compact.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    /// The moment at which everything done so far would have been done at the allowed rate.
    paid_until: Mutex<Duration>,
    /// Nobody signals it: whoever waits looks again after a nap.
    nap: Condvar,
    napping: Mutex<()>,
}

impl Throttle {
    /// Counts `bytes` as done, and waits until the rate allows to go on. False when `stop` says so
    /// first.
    pub(crate) fn done(
        &self,
        bytes: usize,
        bytes_per_second: f64,
        clock: &dyn Clock,
        stop: &dyn Fn() -> bool,
    ) -> bool {
        if !bytes_per_second.is_finite() || bytes_per_second > 1e15 || bytes_per_second <= 0.0 {
            return !stop();
        }
        let cost = Duration::try_from_secs_f64(bytes as f64 / bytes_per_second);
        let until = {
            let mut paid_until = self.paid_until.lock();
            let oldest = clock.monotonic().saturating_sub(CREDIT);
            *paid_until = (*paid_until)
                .max(oldest)
                .saturating_add(cost.unwrap_or(Duration::MAX));
            *paid_until
        };
        loop {
            if stop() {
                return false;
            }
            let left = until.saturating_sub(clock.monotonic());
            if left.is_zero() {
                return true;
            }
            self.nap.wait_for(&mut self.napping.lock(), left.min(NAP));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use limpid_platform::clock::SystemClock;

    use super::*;

    #[test]
    fn the_rate_holds_and_a_stop_is_heard() {
        let (throttle, clock) = (Throttle::default(), SystemClock::new());
        let began = Instant::now();
        for _ in 0..10 {
            assert!(throttle.done(100, 2_000.0, &clock, &|| false));
        }
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(150), "{took:?}");
        assert!(
            throttle.done(1 << 30, f64::MAX, &clock, &|| false),
            "no limit"
        );
        assert!(!throttle.done(1 << 30, 1.0, &clock, &|| true));
    }
}
