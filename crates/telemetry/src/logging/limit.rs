//! Rate limit of the lines that clients can cause.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;

use crate::handle::Counter;

/// Most (cause, address class) pairs watched at once; causes are static, so this is a backstop.
const WINDOWS_MAX: usize = 1_024;

/// Where a client is, coarsely: a flood from one side must not hide the other's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// This machine.
    Loopback,
    /// A private or link-local network.
    Private,
    /// Anywhere else.
    Public,
}

impl AddressClass {
    /// The class of an address; an IPv4 address mapped into IPv6 counts as itself.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            ip if ip.is_loopback() => AddressClass::Loopback,
            IpAddr::V4(ip) if ip.is_private() || ip.is_link_local() => AddressClass::Private,
            IpAddr::V6(ip) if ip.is_unique_local() || ip.is_unicast_link_local() => {
                AddressClass::Private
            }
            _ => AddressClass::Public,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            AddressClass::Loopback => "loopback",
            AddressClass::Private => "private",
            AddressClass::Public => "public",
        }
    }
}

#[derive(Debug)]
struct Window {
    ends: Duration,
    logged: u32,
    suppressed: u64,
}

/// Lets so many lines per cause and interval through. What it holds back becomes one line
/// `suppressed lines` with their number when the interval is over.
///
/// ```
/// # use std::time::Duration;
/// # use limpid_telemetry::{Registry, logging::{AddressClass, RateLimiter}};
/// # let registry = Registry::new();
/// # let (peer, now) = (std::net::IpAddr::from([127, 0, 0, 1]), Duration::ZERO);
/// let limiter = RateLimiter::new(&registry, 5, Duration::from_secs(10));
/// if limiter.allow("bad_frame", AddressClass::of(peer), now) {
///     tracing::warn!(client.address = %peer, "closing: the frame is larger than allowed");
/// }
/// ```
#[derive(Debug)]
pub struct RateLimiter {
    lines: u32,
    interval: Duration,
    suppressed: Counter,
    windows: Mutex<HashMap<(&'static str, AddressClass), Window>>,
}

impl RateLimiter {
    /// `lines` per cause and address class in each `interval`.
    pub fn new(registry: &crate::Registry, lines: u32, interval: Duration) -> Self {
        let suppressed = registry.own().log_lines_suppressed.clone();
        RateLimiter {
            lines,
            interval,
            suppressed,
            windows: Mutex::default(),
        }
    }

    /// Whether to log a line of this cause at this (monotonic) time.
    pub fn allow(&self, cause: &'static str, class: AddressClass, now: Duration) -> bool {
        let mut windows = self.windows.lock();
        if windows.len() >= WINDOWS_MAX && !windows.contains_key(&(cause, class)) {
            self.suppressed.inc();
            return false;
        }
        let ends = now + self.interval;
        let fresh = || Window {
            ends,
            logged: 0,
            suppressed: 0,
        };
        let window = windows.entry((cause, class)).or_insert_with(fresh);
        let mut report = 0;
        if now >= window.ends {
            report = window.suppressed;
            *window = fresh();
        }
        let allowed = window.logged < self.lines;
        if allowed {
            window.logged += 1;
        } else {
            window.suppressed += 1;
            self.suppressed.inc();
        }
        drop(windows);
        self.report(cause, class, report);
        allowed
    }

    /// Reports intervals that ended without another line; call it about once a second.
    pub fn tick(&self, now: Duration) {
        let mut ended = Vec::new();
        self.windows.lock().retain(|key, window| {
            let over = now >= window.ends;
            if over {
                ended.push((*key, window.suppressed));
            }
            !over
        });
        for ((cause, class), suppressed) in ended {
            self.report(cause, class, suppressed);
        }
    }

    fn report(&self, cause: &'static str, class: AddressClass, suppressed: u64) {
        if suppressed > 0 {
            let addresses = class.as_str();
            tracing::warn!(
                cause,
                client.addresses = addresses,
                suppressed,
                "suppressed lines"
            );
        }
    }
}
