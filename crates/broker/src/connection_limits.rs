//! How many connections there may be: in total, and from one address.
//!
//! Like Kafka's: at `max.connections` the broker stops accepting until one closes, so nobody is
//! turned away by mistake; beyond `max.connections.per.ip` a connection is closed at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The limits of one broker and what is in use of them.
#[derive(Debug)]
pub struct ConnectionLimits {
    slots: Arc<Semaphore>,
    max: usize,
    per_ip_max: usize,
    per_ip_overrides: HashMap<IpAddr, usize>,
    per_ip: Mutex<HashMap<IpAddr, usize>>,
}

/// One place among `max.connections`.
#[derive(Debug)]
pub struct Slot(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// A counted connection; gives its place back on drop.
#[derive(Debug)]
pub struct ConnectionGuard {
    limits: Arc<ConnectionLimits>,
    ip: IpAddr,
    #[expect(dead_code, reason = "held for its drop")]
    slot: Slot,
}

impl ConnectionLimits {
    /// `max.connections`, `max.connections.per.ip` and its overrides.
    pub fn new(max: usize, per_ip_max: usize, overrides: HashMap<IpAddr, usize>) -> Arc<Self> {
        let max = max.min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            slots: Arc::new(Semaphore::new(max)),
            max,
            per_ip_max,
            per_ip_overrides: overrides,
            per_ip: Mutex::default(),
        })
    }

    /// Waits until one more connection may be accepted.
    pub async fn slot(&self) -> Slot {
        let slots = Arc::clone(&self.slots);
        Slot(
            slots
                .acquire_owned()
                .await
                .expect("the semaphore is never closed"),
        )
    }

    /// Counts an accepted connection, or refuses it because its address has too many.
    pub fn admit(self: &Arc<Self>, ip: IpAddr, slot: Slot) -> Option<ConnectionGuard> {
        let ip = ip.to_canonical();
        let max = self
            .per_ip_overrides
            .get(&ip)
            .copied()
            .unwrap_or(self.per_ip_max);
        let mut per_ip = self.per_ip.lock();
        let count = per_ip.entry(ip).or_default();
        if *count >= max {
            if *count == 0 {
                per_ip.remove(&ip);
            }
            return None;
        }
        *count += 1;
        Some(ConnectionGuard {
            limits: Arc::clone(self),
            ip,
            slot,
        })
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.per_ip.lock().values().sum()
    }

    /// `max.connections`.
    pub fn max(&self) -> usize {
        self.max
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut per_ip = self.limits.per_ip.lock();
        if let Some(count) = per_ip.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                per_ip.remove(&self.ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn an_address_has_its_own_limit() {
        let limits = ConnectionLimits::new(10, 2, HashMap::new());
        let one = limits.admit(IP, limits.slot().await);
        let two = limits.admit(IP, limits.slot().await);
        assert!(one.is_some() && two.is_some());
        assert!(limits.admit(IP, limits.slot().await).is_none());
        let mapped = "::ffff:127.0.0.1".parse().expect("an address");
        assert!(
            limits.admit(mapped, limits.slot().await).is_none(),
            "the same host over IPv6"
        );
        drop(two);
        assert!(limits.admit(IP, limits.slot().await).is_some());
        assert_eq!(limits.open(), 1);
    }

    #[tokio::test]
    async fn a_refused_connection_gives_its_slot_back() {
        let limits = ConnectionLimits::new(1, 0, HashMap::new());
        for _ in 0..3 {
            assert!(limits.admit(IP, limits.slot().await).is_none());
        }
        let overrides = HashMap::from([(IP, 1)]);
        let limits = ConnectionLimits::new(1, 0, overrides);
        assert!(limits.admit(IP, limits.slot().await).is_some());
    }
}
