//! How many connections there may be, and how fast new ones may come: in total, by a listener, and
//! from one address.
//!
//! Like Kafka's: at `max.connections` (of the broker or the listener) and beyond
//! `max.connection.creation.rate` the broker waits before it takes another, so nobody is turned
//! away by mistake. Beyond `max.connections.per.ip` a connection is closed at once, beyond the
//! `connection_creation_rate` of its address a moment later. All limits can be altered while
//! connections are open.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use limpid_config::ConnectionsConfig;
use limpid_platform::clock::Clock;
use limpid_telemetry::FloatCounter;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::metrics::ConnectionLimitMetrics;
use crate::quotas::Quotas;
use crate::quotas::measure::{Rate, Windows};
use crate::quotas::rules::QuotaKind;
use crate::settings::Settings;

/// Most addresses whose rate is measured one by one; further ones share a rate.
const ADDRESSES_MAX: usize = 10_000;

/// The limits of one broker and what is in use of them.
pub struct ConnectionLimits {
    settings: Arc<Settings>,
    quotas: Arc<Quotas>,
    clock: Arc<dyn Clock>,
    windows: Windows,
    metrics: ConnectionLimitMetrics,
    used: Mutex<Used>,
    /// A connection ended, or a limit was raised.
    changed: Notify,
}

#[derive(Default)]
struct Used {
    open: usize,
    from: HashMap<IpAddr, usize>,
    rate: Rate,
    listeners: Vec<OfListener>,
    rates_from: HashMap<IpAddr, Measured>,
    /// The rate of all addresses that found no place.
    rate_from_others: Measured,
}

#[derive(Default)]
struct Measured {
    rate: Rate,
    last_ms: u64,
}

struct OfListener {
    name: Arc<str>,
    open: usize,
    rate: Rate,
}

/// What one listener lets in.
#[derive(Clone)]
pub struct ListenerLimits {
    limits: Arc<ConnectionLimits>,
    index: usize,
    blocked: FloatCounter,
}

/// A counted connection; gives its place back on drop.
pub struct ConnectionGuard {
    limits: Arc<ConnectionLimits>,
    index: usize,
    address: IpAddr,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotLetIn {
    /// Its address has `max.connections.per.ip` open.
    TooMany,
    /// Its address opens them too fast: it is closed after this time.
    TooFast(Duration),
}

impl ConnectionLimits {
    /// The limits are those of `settings` and `quotas` at any moment.
    pub fn new(
        settings: Arc<Settings>,
        quotas: Arc<Quotas>,
        clock: Arc<dyn Clock>,
        metrics: ConnectionLimitMetrics,
    ) -> Arc<Self> {
        Arc::new(Self {
            windows: quotas.windows(QuotaKind::Request),
            settings,
            quotas,
            clock,
            metrics,
            used: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// A place for one more listener.
    pub fn listener(self: &Arc<Self>, name: &Arc<str>) -> ListenerLimits {
        let mut used = self.used.lock();
        used.listeners.push(OfListener {
            name: Arc::clone(name),
            open: 0,
            rate: Rate::default(),
        });
        ListenerLimits {
            limits: Arc::clone(self),
            index: used.listeners.len() - 1,
            blocked: self.metrics.blocked_seconds.bind(name),
        }
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.used.lock().open
    }

    /// `max.connections`.
    pub fn max(&self) -> usize {
        count(self.settings.current().broker().network.connections.max)
    }

    /// Shows what is used, forgets who has not come for long, and lets those look again who wait
    /// for a limit that was raised; once a second.
    pub fn tick(&self) {
        let now_ms = self.now_ms();
        let config = self.settings.current();
        let connections = &config.broker().network.connections;
        let mut used = self.used.lock();
        let forget_ms = self.windows.total_ms();
        used.rates_from
            .retain(|_, of| now_ms.saturating_sub(of.last_ms) < forget_ms);
        let metrics = &self.metrics;
        metrics.max.set(connections.max.into());
        metrics.per_address_max.set(connections.per_ip_max.into());
        let most = used.from.values().copied().max().unwrap_or(0);
        metrics
            .per_address
            .set(i64::try_from(most).unwrap_or(i64::MAX));
        metrics.rate_max.set(connections.creation_rate_max.into());
        for listener in &mut used.listeners {
            let limits = connections.of_listener(&listener.name);
            let name = &*listener.name;
            metrics.listener_max.bind(name).set(limits.max.into());
            let rate = listener.rate.per_second(self.windows, now_ms);
            metrics.rate.bind(name).set(rate);
        }
        drop(used);
        self.changed.notify_waiters();
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }
}

impl ListenerLimits {
    /// Waits until a connection that came may be taken, or refuses it.
    pub async fn admit(&self, address: IpAddr) -> Result<ConnectionGuard, NotLetIn> {
        let address = address.to_canonical();
        let began = Instant::now();
        let hold_back = self.count_new();
        if !hold_back.is_zero() {
            tokio::time::sleep(hold_back).await;
        }
        loop {
            let mut changed = pin!(self.limits.changed.notified());
            // Before the look, so that nothing is missed between it and the wait.
            changed.as_mut().enable();
            if let Some(taken) = self.try_take(address) {
                let waited = began.elapsed();
                if waited > Duration::from_millis(1) {
                    self.blocked.inc_by_duration(waited);
                }
                return taken;
            }
            changed.await;
        }
    }

    /// Counts a connection that came, and tells for how long the listener must wait with it.
    fn count_new(&self) -> Duration {
        let limits = &*self.limits;
        let (windows, now_ms) = (limits.windows, limits.now_ms());
        let config = limits.settings.current();
        let connections = &config.broker().network.connections;
        let mut used = limits.used.lock();
        let protected = used.is_protected(self.index, &config.broker().inter_broker_listener);
        let mut wait_ms = 0;
        if !protected {
            let max = connections.creation_rate_max;
            wait_ms = count_one(&mut used.rate, windows, max, now_ms);
        }
        let listener = &mut used.listeners[self.index];
        let max = connections.of_listener(&listener.name).creation_rate_max;
        wait_ms = wait_ms.max(count_one(&mut listener.rate, windows, max, now_ms));
        // As in Kafka nobody waits for longer than a window.
        Duration::from_millis(wait_ms.min(windows.ms))
    }

    /// Takes a place; `None` if there is none just now.
    fn try_take(&self, address: IpAddr) -> Option<Result<ConnectionGuard, NotLetIn>> {
        let limits = &self.limits;
        let config = limits.settings.current();
        let broker = config.broker();
        let connections = &broker.network.connections;
        let mut used = limits.used.lock();
        let protected = used.is_protected(self.index, &broker.inter_broker_listener);
        if !used.has_place(self.index, connections, protected) {
            return None;
        }
        if let Some(bound) = limits.quotas.rules().connection_rate(address) {
            let now_ms = limits.now_ms();
            let wait_ms = used.count_from(address, limits.windows, bound, now_ms);
            if wait_ms > 0 {
                // It was not let in, so it counts for nobody else either.
                if !protected {
                    used.rate.record(limits.windows, -1.0, now_ms);
                }
                let rate = &mut used.listeners[self.index].rate;
                rate.record(limits.windows, -1.0, now_ms);
                return Some(Err(NotLetIn::TooFast(Duration::from_millis(wait_ms))));
            }
        }
        let from = used.from.get(&address).copied().unwrap_or(0);
        if from >= max_from(connections, address) {
            return Some(Err(NotLetIn::TooMany));
        }
        used.from.insert(address, from + 1);
        used.open += 1;
        used.listeners[self.index].open += 1;
        Some(Ok(ConnectionGuard {
            limits: Arc::clone(limits),
            index: self.index,
            address,
        }))
    }
}

impl Used {
    /// The listener of the brokers is not held back by what clients do on the others.
    fn is_protected(&self, index: usize, inter_broker: &str) -> bool {
        self.listeners.len() > 1 && *self.listeners[index].name == *inter_broker
    }

    fn has_place(&self, index: usize, config: &ConnectionsConfig, protected: bool) -> bool {
        let listener = &self.listeners[index];
        let own = config.of_listener(&listener.name).max;
        listener.open < count(own) && (protected || self.open < count(config.max))
    }

    /// Counts a connection from an address unless its rate is too high; then for how long.
    fn count_from(&mut self, address: IpAddr, windows: Windows, bound: f64, now_ms: u64) -> u64 {
        let is_known = self.rates_from.contains_key(&address);
        let measured = if is_known || self.rates_from.len() < ADDRESSES_MAX {
            self.rates_from.entry(address).or_default()
        } else {
            &mut self.rate_from_others
        };
        measured.last_ms = now_ms;
        measured.rate.record(windows, 1.0, now_ms);
        let wait_ms = measured.rate.wait_ms(windows, bound, now_ms);
        if wait_ms > 0 {
            measured.rate.record(windows, -1.0, now_ms);
        }
        wait_ms.min(windows.ms)
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut used = self.limits.used.lock();
        used.open -= 1;
        used.listeners[self.index].open -= 1;
        if let Some(count) = used.from.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                used.from.remove(&self.address);
            }
        }
        drop(used);
        self.limits.changed.notify_waiters();
    }
}

fn count_one(rate: &mut Rate, windows: Windows, max: i32, now_ms: u64) -> u64 {
    rate.record(windows, 1.0, now_ms);
    if max == i32::MAX {
        return 0;
    }
    // A rate of 0 lets one in per window all the same.
    rate.wait_ms(
        windows,
        f64::from(max.max(0)).max(f64::MIN_POSITIVE),
        now_ms,
    )
}

fn max_from(config: &ConnectionsConfig, address: IpAddr) -> usize {
    let own = config.per_ip_overrides.get(&address);
    count(own.copied().unwrap_or(config.per_ip_max))
}

fn count(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or(0)
}

#[cfg(test)]
mod tests;
