//! The names by which this server is known.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::HOST;

/// Names besides loopback ones and addresses.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    /// `limpid.http.allowed.hosts`, and what the listeners are bound to.
    pub(crate) allowed: Vec<String>,
}

impl Hosts {
    /// Addresses can't be rebound, and loopback names are ours; others must be listed.
    pub(crate) fn knows(&self, headers: &HeaderMap) -> bool {
        let mut all = headers.get_all(HOST).iter();
        let (Some(host), None) = (all.next(), all.next()) else {
            return false;
        };
        let Ok(host) = host.to_str() else {
            return false;
        };
        let name = without_port(host).to_ascii_lowercase();
        let address = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        name == "localhost"
            || name.ends_with(".localhost")
            || address.is_ok()
            || self
                .allowed
                .iter()
                .any(|allowed| allowed.eq_ignore_ascii_case(&name))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knows(hosts: &Hosts, names: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for name in names {
            headers.append(HOST, name.parse().expect("a header"));
        }
        hosts.knows(&headers)
    }

    #[test]
    fn only_our_own_names_are_known() {
        let hosts = Hosts {
            allowed: vec!["kafka.example".to_owned()],
        };
        for ours in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "Kafka.Example:80",
        ] {
            assert!(knows(&hosts, &[ours]), "{ours}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "",
        ] {
            assert!(!knows(&hosts, &[foreign]), "{foreign}");
        }
        assert!(!knows(&hosts, &[]), "HTTP/1.0 without a name");
        assert!(!knows(&hosts, &["localhost", "evil.example"]), "two names");
    }
}
