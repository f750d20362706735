//! What a proxy says of who visits.

use std::net::IpAddr;

use axum::http::HeaderMap;
use limpid_config::TrustedHeader;

/// Longest name, as in the files.
const NAME_BYTES_MAX: usize = 128;

/// The header, and who sent it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proxied<'a> {
    /// There is none, or an empty one.
    Nobody,
    /// There is one, and it did not come from a proxy of ours.
    NoProxy,
    /// A proxy vouches for somebody.
    Named(&'a str),
    /// Several, or no name: perhaps a client's own beside the proxy's.
    Unreadable,
}

/// Whom the header names, if it counts.
pub(super) fn name<'a>(
    trusted: &TrustedHeader,
    peer: IpAddr,
    headers: &'a HeaderMap,
) -> Proxied<'a> {
    let mut all = headers.get_all(&trusted.header).iter();
    let Some(value) = all.next() else {
        return Proxied::Nobody;
    };
    if !trusted.believes(peer) {
        return Proxied::NoProxy;
    }
    let text = std::str::from_utf8(value.as_bytes()).map(str::trim);
    match (text, all.next()) {
        (Ok(""), None) => Proxied::Nobody,
        (Ok(text), None) if is_name(text) => Proxied::Named(text),
        _ => Proxied::Unreadable,
    }
}

/// A comma is how several headers look once somebody has joined them.
fn is_name(text: &str) -> bool {
    let unfit = |c: char| c.is_control() || c == ',';
    text.len() <= NAME_BYTES_MAX && !text.chars().any(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proxies_are_believed_and_only_one_name() {
        let config = limpid_config::Config::load(limpid_config::LoadOptions {
            overrides: vec![
                "limpid.http.trusted.header=X-User".to_owned(),
                "limpid.http.trusted.proxies=192.0.2.0/24".to_owned(),
            ],
            ..limpid_config::LoadOptions::default()
        });
        let config = config.expect("a configuration").config;
        let trusted = config.broker().http.access.trusted.clone();
        let trusted = trusted.expect("both are set");
        let of = |peer: &str, values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = axum::http::HeaderValue::from_bytes(value).expect("a header");
                headers.append("x-user", value);
            }
            let found = name(&trusted, peer.parse().expect("an address"), &headers);
            format!("{found:?}")
        };
        let proxy = "192.0.2.9";
        assert_eq!(of(proxy, &[b"alice"]), "Named(\"alice\")");
        assert_eq!(of("::ffff:192.0.2.9", &[b"alice"]), "Named(\"alice\")");
        assert_eq!(
            of(proxy, &["zoë@example.com".as_bytes()]),
            "Named(\"zoë@example.com\")"
        );
        assert_eq!(of(proxy, &[]), "Nobody");
        assert_eq!(of(proxy, &[b" "]), "Nobody");
        assert_eq!(of("192.0.3.9", &[b"alice"]), "NoProxy");
        assert_eq!(of("192.0.3.9", &[]), "Nobody");
        let long = [b'a'; NAME_BYTES_MAX + 1];
        let wrong: [&[&[u8]]; 5] = [
            &[b"alice", b"bob"],
            &[b"alice", b"alice"],
            &[b"alice, bob"],
            &[b"\xff"],
            &[&long],
        ];
        for values in wrong {
            assert_eq!(of(proxy, values), "Unreadable", "{values:?}");
        }
    }
}
