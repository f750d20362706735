//! Where somebody is who comes through a proxy of ours.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use limpid_config::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";
/// Most proxies in a row that are looked through.
const HOPS_MAX: usize = 16;

/// The address that our own proxies have seen: each adds the one it was asked from at the end, so what
/// stands before the first that is no proxy of ours is anybody's word.
pub(super) fn of(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let is_ours = |address: IpAddr| proxies.iter().any(|network| network.has(address));
    let mut nearest = peer;
    if !is_ours(peer) {
        return nearest;
    }
    let lines = headers.get_all(FORWARDED_FOR).iter();
    let lines: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    for hop in hops.take(HOPS_MAX) {
        let Some(address) = parse(hop.trim()) else {
            return nearest;
        };
        nearest = address;
        if !is_ours(address) {
            return nearest;
        }
    }
    nearest
}

/// An address, perhaps with a port.
fn parse(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<SocketAddr>().map(|socket| socket.ip());
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    bare.parse().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_proxies_tell_where_somebody_is() {
        let config = limpid_config::Config::load(limpid_config::LoadOptions {
            overrides: vec!["limpid.http.trusted.proxies=192.0.2.0/24".to_owned()],
            ..limpid_config::LoadOptions::default()
        });
        let config = config.expect("a configuration").config;
        let proxies = config.broker().http.access.proxies.clone();
        let seen = |peer: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, line.parse().expect("a header"));
            }
            of(peer.parse().expect("an address"), &headers, &proxies).to_string()
        };
        let proxy = "192.0.2.1";
        assert_eq!(seen("198.51.100.1", &["203.0.113.9"]), "198.51.100.1");
        assert_eq!(seen(proxy, &[]), proxy);
        assert_eq!(seen(proxy, &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            seen(proxy, &["10.9.9.9, 203.0.113.9"]),
            "203.0.113.9",
            "forged before"
        );
        assert_eq!(
            seen(proxy, &["203.0.113.9, 192.0.2.7"]),
            "203.0.113.9",
            "two of ours"
        );
        assert_eq!(
            seen(proxy, &["10.9.9.9", "203.0.113.9"]),
            "203.0.113.9",
            "two lines"
        );
        assert_eq!(seen(proxy, &["203.0.113.9, nonsense"]), proxy);
        assert_eq!(seen(proxy, &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(seen(proxy, &["203.0.113.9:4711"]), "203.0.113.9");
    }
}
