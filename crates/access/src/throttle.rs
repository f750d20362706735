//! Holds back addresses from which logging in fails again and again.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use parking_lot::Mutex;

/// Failures are counted for so long.
pub const WINDOW: Duration = Duration::from_secs(60);
/// Most addresses that are counted one by one; those beyond share a count.
pub const ADDRESSES_MAX: usize = 10_000;
/// How much more the shared count takes.
const SHARED_FACTOR: u32 = 100;

/// Counts of failures.
pub(crate) struct Throttle {
    failures_max: u32,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    by_address: HashMap<IpAddr, Count>,
    shared: Count,
}

#[derive(Clone, Copy, Default)]
struct Count {
    since: Duration,
    failures: u32,
}

impl Count {
    /// Counts one more; how long to wait if there were enough already.
    fn take(&mut self, limit: u32, now: Duration) -> Result<(), Duration> {
        let age = now.saturating_sub(self.since);
        if self.failures == 0 || age >= WINDOW {
            *self = Self {
                since: now,
                failures: 1,
            };
            return Ok(());
        }
        if self.failures >= limit {
            return Err(WINDOW.saturating_sub(age));
        }
        self.failures += 1;
        Ok(())
    }
}

impl Throttle {
    pub(crate) fn new(failures_max: u32) -> Self {
        Self {
            failures_max,
            counts: Mutex::default(),
        }
    }

    /// An attempt begins: it counts as failed until it succeeds, so that many at once are not more
    /// than many in a row. An error is how long to wait.
    pub(crate) fn begin(&self, from: IpAddr, now: Duration) -> Result<(), Duration> {
        let key = network(from);
        let counts = &mut *self.counts.lock();
        if counts.by_address.len() >= ADDRESSES_MAX && !counts.by_address.contains_key(&key) {
            let recent = |count: &Count| now.saturating_sub(count.since) < WINDOW;
            counts.by_address.retain(|_, count| recent(count));
            if counts.by_address.len() >= ADDRESSES_MAX {
                let limit = self.failures_max.saturating_mul(SHARED_FACTOR);
                return counts.shared.take(limit, now);
            }
        }
        let count = counts.by_address.entry(key).or_default();
        count.take(self.failures_max, now)
    }

    /// An attempt succeeded, or nobody could tell.
    pub(crate) fn take_back(&self, from: IpAddr) {
        let key = network(from);
        let counts = &mut *self.counts.lock();
        if let Some(count) = counts.by_address.get_mut(&key) {
            count.failures = count.failures.saturating_sub(1);
            if count.failures == 0 {
                counts.by_address.remove(&key);
            }
        }
    }

    /// Forgets what is over; how many addresses are left.
    pub(crate) fn sweep(&self, now: Duration) -> usize {
        let counts = &mut *self.counts.lock();
        let recent = |count: &Count| now.saturating_sub(count.since) < WINDOW;
        counts.by_address.retain(|_, count| recent(count));
        counts.by_address.len()
    }
}

/// What counts as one address: who has an IPv6 address usually has 2⁶⁴ of them.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = v6.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn who_fails_often_waits_and_others_do_not() {
        let throttle = Throttle::new(3);
        for _ in 0..3 {
            assert_eq!(throttle.begin(address(1), SECOND), Ok(()));
        }
        let later = SECOND * 11;
        assert_eq!(throttle.begin(address(1), later), Err(SECOND * 50));
        assert_eq!(throttle.begin(address(2), later), Ok(()));
        assert_eq!(throttle.sweep(later), 2);
        assert_eq!(throttle.begin(address(1), SECOND + WINDOW), Ok(()));
        assert_eq!(throttle.sweep(later + WINDOW * 2), 0);
    }

    #[test]
    fn what_succeeds_is_not_counted() {
        let throttle = Throttle::new(2);
        for _ in 0..10 {
            assert_eq!(throttle.begin(address(1), SECOND), Ok(()));
            throttle.take_back(address(1));
        }
        assert_eq!(throttle.sweep(SECOND), 0);
        assert_eq!(throttle.begin(address(1), SECOND), Ok(()));
        assert_eq!(throttle.begin(address(1), SECOND), Ok(()));
        assert!(throttle.begin(address(1), SECOND).is_err(), "two at once");
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let throttle = Throttle::new(1);
        let v6 = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert!(throttle.begin(v6("2001:db8::1"), SECOND).is_ok());
        assert!(throttle.begin(v6("2001:db8::ffff:2"), SECOND).is_err());
        assert!(throttle.begin(v6("2001:db8:0:1::1"), SECOND).is_ok());
        assert!(throttle.begin(v6("10.0.0.1"), SECOND).is_ok());
        assert!(throttle.begin(v6("::ffff:10.0.0.1"), SECOND).is_err());
    }

    #[test]
    fn many_addresses_share_a_count_and_no_memory() {
        let throttle = Throttle::new(1);
        let all = u32::try_from(ADDRESSES_MAX).expect("a number");
        for n in 0..all {
            assert_eq!(throttle.begin(address(n), SECOND), Ok(()));
        }
        for n in 0..SHARED_FACTOR {
            assert_eq!(throttle.begin(address(all + n), SECOND), Ok(()));
        }
        assert!(throttle.begin(address(all * 2), SECOND).is_err());
        assert!(throttle.begin(address(0), SECOND).is_err());
        assert_eq!(throttle.sweep(SECOND), ADDRESSES_MAX);
        let over = SECOND + WINDOW;
        assert_eq!(throttle.begin(address(all * 2), over), Ok(()));
        assert_eq!(throttle.sweep(over), 1);
    }
}
