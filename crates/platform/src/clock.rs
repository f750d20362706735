//! Wall clock and monotonic clock behind one trait.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// A source of time. Object-safe, so that it travels as `Arc<dyn Clock>`.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Milliseconds since the Unix epoch; may jump when an operator sets the clock.
    fn wall_ms(&self) -> i64;

    /// Time since an arbitrary start; never goes back. Durations are differences of two of these.
    fn monotonic(&self) -> Duration;
}

/// The clocks of the operating system.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic zero is now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall_ms(&self) -> i64 {
        // Asked several times for a request: the way through `SystemTime` costs seven times as much. A clock
        // set before 1970 gives a negative number, as Java's does.
        let now = clock_gettime(ClockId::Realtime);
        let whole = now.tv_sec.saturating_mul(1_000);
        whole.saturating_add(now.tv_nsec / 1_000_000)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The clocks of the operating system and a lead over them: for whoever can't wait until it is later.
#[derive(Debug, Default)]
pub struct LeadingClock {
    system: SystemClock,
    lead_ms: AtomicU64,
}

impl LeadingClock {
    /// Without a lead.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on it is so much later.
    pub fn skip(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.lead_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for LeadingClock {
    fn wall_ms(&self) -> i64 {
        let lead_ms = i64::try_from(self.lead_ms.load(Ordering::SeqCst)).unwrap_or(i64::MAX);
        self.system.wall_ms().saturating_add(lead_ms)
    }

    fn monotonic(&self) -> Duration {
        let lead = Duration::from_millis(self.lead_ms.load(Ordering::SeqCst));
        self.system.monotonic().saturating_add(lead)
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock {
    wall_ms: AtomicI64,
    monotonic_ns: AtomicU64,
}

impl ManualClock {
    /// A clock standing at `wall_ms`, its monotonic side at zero.
    #[must_use]
    pub fn new(wall_ms: i64) -> Self {
        Self {
            wall_ms: AtomicI64::new(wall_ms),
            monotonic_ns: AtomicU64::new(0),
        }
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let ns = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.monotonic_ns.fetch_add(ns, Ordering::SeqCst);
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets the wall clock alone, as an operator or NTP would.
    pub fn set_wall_ms(&self, wall_ms: i64) {
        self.wall_ms.store(wall_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall_ms(&self) -> i64 {
        self.wall_ms.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.monotonic_ns.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_moves_both_sides() {
        let clock = ManualClock::new(1_000);
        clock.advance(Duration::from_millis(250));
        assert_eq!(
            (clock.wall_ms(), clock.monotonic()),
            (1_250, Duration::from_millis(250))
        );
        clock.set_wall_ms(5);
        assert_eq!(
            (clock.wall_ms(), clock.monotonic()),
            (5, Duration::from_millis(250))
        );
    }

    #[test]
    fn a_lead_is_kept_on_both_sides() {
        let (clock, system) = (LeadingClock::new(), SystemClock::new());
        let before = clock.monotonic();
        clock.skip(Duration::from_secs(3_600));
        assert!(clock.monotonic() - before >= Duration::from_secs(3_600));
        let lead_ms = clock.wall_ms() - system.wall_ms();
        assert!((3_599_000..3_660_000).contains(&lead_ms), "{lead_ms}");
    }

    #[test]
    fn system_clock_is_after_2020_and_monotonic() {
        let clock = SystemClock::new();
        assert!(clock.wall_ms() > 1_577_836_800_000);
        let first = clock.monotonic();
        assert!(clock.monotonic() >= first);
    }
}
