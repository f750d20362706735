//! A moment of the monotonic clock in one number.
//!
//! `std::time::Instant` keeps seconds and nanoseconds apart, so that taking one from another costs
//! more than reading the clock. Every request takes several stamps.

use std::ops::Add;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

const NANOS: u64 = 1_000_000_000;

/// A moment; only good for telling how long before another one it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(u64);

impl Stamp {
    /// Now.
    #[inline]
    #[must_use]
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        // Time since the machine started: 64 bits of nanoseconds are enough for 584 years.
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        Self(seconds.wrapping_mul(NANOS) + u64::try_from(now.tv_nsec).unwrap_or(0))
    }

    /// Nanoseconds since an earlier moment; 0 if it is a later one.
    #[inline]
    #[must_use]
    pub fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Time since an earlier moment; zero if it is a later one.
    #[inline]
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    /// Time from then to now.
    #[inline]
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Self::now().since(self)
    }
}

/// A moment that many threads set and ask for: the last time that something was seen, to within a step.
#[derive(Debug, Default)]
pub struct LastSeen(AtomicU64);

impl LastSeen {
    /// It was seen now. Written only when that makes a difference of a step, so that threads which see it all
    /// the time do not take a cache line from each other.
    #[inline]
    pub fn see(&self, now: Stamp, step: Duration) {
        if self.since(now) > step {
            self.0.store(now.0, Ordering::Relaxed);
        }
    }

    /// How long ago that was; since the machine started when it was never seen.
    #[inline]
    pub fn since(&self, now: Stamp) -> Duration {
        now.since(Stamp(self.0.load(Ordering::Relaxed)))
    }
}

impl Add<Duration> for Stamp {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn it_runs_with_the_clock_of_the_standard_library() {
        let (instant, stamp) = (Instant::now(), Stamp::now());
        while instant.elapsed() < Duration::from_millis(3) {
            std::hint::spin_loop();
        }
        let by_stamp = stamp.elapsed();
        let by_instant = instant.elapsed();
        assert!(by_stamp <= by_instant, "{by_stamp:?}, {by_instant:?}");
        assert!(by_stamp >= Duration::from_millis(2), "{by_stamp:?}");
    }

    #[test]
    fn what_was_seen_is_known_to_within_a_step() {
        let (last, step) = (LastSeen::default(), Duration::from_millis(1));
        let then = Stamp(NANOS);
        assert_eq!(last.since(then), Duration::from_secs(1));
        last.see(then, step);
        assert_eq!(last.since(then), Duration::ZERO);
        last.see(then + step, step);
        assert_eq!(last.since(then + step), step, "not worth a write");
        last.see(then + step * 2, step);
        assert_eq!(last.since(then + step * 2), Duration::ZERO);
        assert_eq!(
            last.since(then),
            Duration::ZERO,
            "a later moment is no time ago"
        );
    }

    #[test]
    fn a_later_moment_is_no_time_ago() {
        let now = Stamp::now();
        let later = now + Duration::from_millis(7);
        assert_eq!(later.since(now), Duration::from_millis(7));
        assert_eq!(now.nanos_since(later), 0);
        assert!(later > now);
        assert!(now + Duration::MAX > later);
    }
}
