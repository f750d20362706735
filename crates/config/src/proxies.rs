//! Proxies that say who visits: `limpid.http.trusted.header` and `limpid.http.trusted.proxies`.

use std::net::IpAddr;

use crate::check::list_items;
use crate::values::{KeyedMessage, Values};

const HEADER: &str = "limpid.http.trusted.header";
const PROXIES: &str = "limpid.http.trusted.proxies";
/// Headers that mean something else here, or that browsers and clients fill in themselves.
const TAKEN: [&str; 8] = [
    "authorization",
    "connection",
    "cookie",
    "host",
    "origin",
    "referer",
    "user-agent",
    "x-limpid-csrf",
];

/// A header in which proxies name the visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedHeader {
    /// Its name, lower case.
    pub header: String,
    /// Where the proxies are; from elsewhere it says nothing.
    pub proxies: Vec<Network>,
}

impl TrustedHeader {
    /// Whether what comes from this address is believed.
    pub fn believes(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.has(address))
    }
}

/// Addresses that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether an address belongs to it; an IPv4 address mapped into IPv6 counts as itself.
    pub fn has(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }

    /// Reads `10.0.0.0/8` or an address.
    fn parse(text: &str) -> Result<Self, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| format!("{text} is no address, and no network as in 10.0.0.0/8"))?;
        let address = address.to_canonical();
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits: u32 = match bits.map(str::parse) {
            None => all,
            Some(Ok(bits)) if bits <= all => bits,
            Some(_) => return Err(format!("{text}: after / stands a number from 1 to {all}")),
        };
        if bits == 0 || address.is_unspecified() {
            return Err(format!(
                "{text} is everywhere: everybody could say to be anybody"
            ));
        }
        let network = Self { address, bits };
        let beyond = match address {
            IpAddr::V4(own) => own.to_bits().checked_shl(bits).unwrap_or(0) != 0,
            IpAddr::V6(own) => own.to_bits().checked_shl(bits).unwrap_or(0) != 0,
        };
        match beyond {
            true => Err(format!(
                "{text}: the address has more bits than the {bits} that count"
            )),
            false => Ok(network),
        }
    }
}

/// Where our proxies are.
pub(crate) fn trusted_proxies(values: &Values<'_>) -> Result<Vec<Network>, KeyedMessage> {
    parse_networks(&values.text(PROXIES)).map_err(|message| (PROXIES, message))
}

/// Reads both keys: the header needs proxies.
pub(crate) fn trusted_header(values: &Values<'_>) -> Result<Option<TrustedHeader>, KeyedMessage> {
    let header = values.text(HEADER).trim().to_ascii_lowercase();
    let proxies = trusted_proxies(values)?;
    match (header.is_empty(), proxies.is_empty()) {
        (true, _) => Ok(None),
        (false, false) => Ok(Some(TrustedHeader { header, proxies })),
        (false, true) => {
            let message = format!("name the proxies whose header counts: {PROXIES}");
            Err((HEADER, message))
        }
    }
}

fn parse_networks(value: &str) -> Result<Vec<Network>, String> {
    list_items(value).map(Network::parse).collect()
}

pub(crate) fn check_networks(value: &str) -> Result<(), String> {
    parse_networks(value).map(|_| ())
}

pub(crate) fn check_header(value: &str) -> Result<(), String> {
    let name = value.trim().to_ascii_lowercase();
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !name.bytes().all(fine) {
        return Err(format!("{value:?} is no name of a header"));
    }
    match TAKEN.contains(&name.as_str()) {
        true => Err(format!("{value} means something else")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, LoadOptions};

    fn load(entries: &[&str]) -> Result<Option<TrustedHeader>, String> {
        let loaded = Config::load(LoadOptions {
            overrides: entries.iter().map(ToString::to_string).collect(),
            hostname: Some("host".to_owned()),
            ..LoadOptions::default()
        });
        let loaded = loaded.map_err(|errors| errors.to_string())?;
        let access = &loaded.config.broker().http.access;
        assert_eq!(access.trusted.is_some(), access.is_configured());
        Ok(access.trusted.clone())
    }

    #[test]
    fn networks_have_what_begins_alike() {
        let has = |network: &str, address: &str| {
            let network = Network::parse(network).unwrap();
            network.has(address.parse().unwrap())
        };
        assert!(has("10.1.0.0/16", "10.1.255.3") && !has("10.1.0.0/16", "10.2.0.0"));
        assert!(has("10.1.0.0/16", "::ffff:10.1.2.3"), "of a dual socket");
        assert!(has("::ffff:10.1.2.3", "10.1.2.3"));
        assert!(has("192.0.2.1", "192.0.2.1") && !has("192.0.2.1", "192.0.2.2"));
        assert!(has("128.0.0.0/1", "255.0.0.1") && !has("128.0.0.0/1", "127.0.0.1"));
        assert!(has("2001:db8::/32", "2001:db8:1::1") && !has("2001:db8::/32", "2001:db9::"));
        assert!(has("::1", "::1") && !has("::1", "127.0.0.1"));
        for (wrong, named) in [
            ("10.0.0.0/0", "everywhere"),
            ("::/0", "everywhere"),
            ("0.0.0.0", "everywhere"),
            ("10.0.0.1/8", "more bits"),
            ("2001:db8::1/32", "more bits"),
            ("10.0.0.0/33", "a number"),
            ("10.0.0.0/-1", "a number"),
            ("10.0.0.0/", "a number"),
            ("proxy.example", "no address"),
            ("10.0.0.0/8/8", "a number"),
        ] {
            let message = Network::parse(wrong).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn a_header_needs_proxies() {
        let (header, proxies) = (
            "limpid.http.trusted.header=X-Forwarded-User",
            "limpid.http.trusted.proxies=10.0.0.0/8, ::1",
        );
        let trusted = load(&[header, proxies]).unwrap().unwrap();
        assert_eq!(trusted.header, "x-forwarded-user");
        assert!(trusted.believes("10.9.8.7".parse().unwrap()));
        assert!(!trusted.believes("11.9.8.7".parse().unwrap()));
        assert_eq!(load(&[]).unwrap(), None);
        let message = load(&[header]).unwrap_err();
        assert!(message.contains("limpid.http.trusted.header: name the proxies"));
        assert_eq!(
            load(&[proxies]).unwrap(),
            None,
            "they may tell addresses only"
        );
        for wrong in ["Cookie", "HOST", "x y", "x:", "ü"] {
            let entry = format!("limpid.http.trusted.header={wrong}");
            assert!(load(&[&entry, proxies]).is_err(), "{wrong}");
        }
    }
}
