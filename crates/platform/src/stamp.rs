//! A moment of the monotonic clock in one number.
//!
//! `std::time::Instant` keeps seconds and nanoseconds apart, so that taking one from another costs
//! more than reading the clock. Every request takes several stamps.

use std::ops::Add;
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
    fn a_later_moment_is_no_time_ago() {
        let now = Stamp::now();
        let later = now + Duration::from_millis(7);
        assert_eq!(later.since(now), Duration::from_millis(7));
        assert_eq!(now.nanos_since(later), 0);
        assert!(later > now);
        assert!(now + Duration::MAX > later);
    }
}
