//! How many connections each address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use limpid_access::AccessMetrics;
use limpid_access::throttle::network;
use limpid_config::Network;
use parking_lot::Mutex;

/// Counts of connections. There are no more addresses in it than there are connections.
pub(crate) struct Crowd {
    each_max: usize,
    /// Through these many people come.
    proxies: Vec<Network>,
    counts: Mutex<HashMap<IpAddr, usize>>,
    metrics: Arc<AccessMetrics>,
}

/// One connection; its end is counted when this goes.
pub(crate) struct Counted {
    crowd: Arc<Crowd>,
    address: Option<IpAddr>,
}

impl Crowd {
    /// Nobody yet; `limpid.http.connections.max.per.address`.
    pub(crate) fn new(each_max: usize, proxies: Vec<Network>, metrics: Arc<AccessMetrics>) -> Self {
        metrics.connections_each_max.set(each_max as i64);
        Self {
            each_max,
            proxies,
            counts: Mutex::default(),
            metrics,
        }
    }

    /// One more, unless its address has too many.
    pub(crate) fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Counted> {
        let mut counted = Counted {
            crowd: Arc::clone(self),
            address: None,
        };
        if self.proxies.iter().any(|proxy| proxy.has(from)) {
            return Some(counted);
        }
        let address = network(from);
        let mut counts = self.counts.lock();
        let count = counts.entry(address).or_default();
        if *count >= self.each_max {
            return None;
        }
        *count += 1;
        self.tell(&counts);
        counted.address = Some(address);
        Some(counted)
    }

    fn tell(&self, counts: &HashMap<IpAddr, usize>) {
        let most = counts.values().max().copied().unwrap_or_default();
        self.metrics.connections_each.set(most as i64);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some(address) = self.address else {
            return;
        };
        let mut counts = self.crowd.counts.lock();
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
        self.crowd.tell(&counts);
    }
}

#[cfg(test)]
mod tests {
    use limpid_telemetry::Registry;

    use super::*;

    #[test]
    fn each_address_has_so_many_and_proxies_any_number() {
        let config = limpid_config::Config::load(limpid_config::LoadOptions {
            overrides: vec!["limpid.http.trusted.proxies=192.0.2.0/24".to_owned()],
            ..limpid_config::LoadOptions::default()
        });
        let proxies = config.expect("a configuration").config;
        let proxies = proxies.broker().http.access.proxies.clone();
        let metrics = AccessMetrics::register(&Registry::new()).expect("names");
        let metrics = Arc::new(metrics);
        let crowd = Arc::new(Crowd::new(2, proxies, Arc::clone(&metrics)));
        let enter = |address: &str| crowd.enter(address.parse().expect("an address"));
        let first = enter("198.51.100.1").expect("one");
        let second = enter("::ffff:198.51.100.1").expect("two");
        assert!(enter("198.51.100.1").is_none());
        assert!(
            enter("198.51.100.2").is_some(),
            "another, who leaves at once"
        );
        assert_eq!(metrics.connections_each.get(), 2);
        drop(second);
        let again = enter("198.51.100.1").expect("there is room again");
        let proxied: Vec<_> = (0..5)
            .map(|_| enter("192.0.2.9").expect("a proxy"))
            .collect();
        drop((first, again, proxied));
        assert_eq!(metrics.connections_each.get(), 0);
        assert!(crowd.counts.lock().is_empty());
    }
}
