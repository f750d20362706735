//! The cookie of a session.
//!
//! Browsers keep cookies by host, whatever the port: each node has a name of its own, lest two on one
//! machine log each other's people out. Over TLS the name begins with `__Host-`, which browsers take
//! from nobody but this host itself, over TLS.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::{HeaderMap, header};

/// How the cookie is called, and where browsers send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cookie {
    name: String,
    secure: bool,
}

impl Cookie {
    /// That of a node, for pages over TLS (`secure`) or without.
    pub(crate) fn new(cluster_id: &str, node_id: i32, secure: bool) -> Self {
        let mut hasher = DefaultHasher::new();
        (cluster_id, node_id).hash(&mut hasher);
        let prefix = if secure { "__Host-" } else { "" };
        Self {
            name: format!("{prefix}limpid_session_{:08x}", hasher.finish() as u32),
            secure,
        }
    }

    /// What a request carries; with several of that name, somebody else may have set one: none counts.
    pub(super) fn find<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let values = headers.get_all(header::COOKIE).iter();
        let values = values.filter_map(|value| value.to_str().ok());
        let pairs = values.flat_map(|value| value.split(';'));
        let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        let mut own = pairs
            .filter(|(name, _)| *name == self.name)
            .map(|(_, value)| value);
        let first = own.next()?;
        own.next().is_none().then_some(first)
    }

    /// Makes a browser keep it.
    pub(super) fn set(&self, value: &str) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}",
            self.name
        )
    }

    /// Makes a browser forget it.
    pub(super) fn over(&self) -> String {
        self.set("") + "; Max-Age=0"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_but_not_twice() {
        let cookie = Cookie {
            name: "own".to_owned(),
            secure: false,
        };
        let found = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::COOKIE, value.parse().expect("a header"));
            }
            cookie.find(&headers).map(str::to_owned)
        };
        assert_eq!(found(&["a=b; own=x; c=d"]).as_deref(), Some("x"));
        assert_eq!(found(&["a=b", "own=x"]).as_deref(), Some("x"));
        for none in [
            &["own=x; own=y"][..],
            &["own=x", "own=x"],
            &["own", "xown=x", "__Host-own=x"],
            &[],
        ] {
            assert_eq!(found(none), None, "{none:?}");
        }
    }

    #[test]
    fn each_node_has_a_name_of_its_own() {
        let plain = Cookie::new("abc", 1, false);
        assert_ne!(plain.name, Cookie::new("abc", 2, false).name);
        assert_ne!(plain.name, Cookie::new("xyz", 1, false).name);
        let set = plain.set("v");
        assert!(set.starts_with("limpid_session_"), "{set}");
        assert!(set.ends_with("=v; Path=/; HttpOnly; SameSite=Lax"), "{set}");
        let over = Cookie::new("abc", 1, true).over();
        assert!(over.starts_with("__Host-limpid_session_"), "{over}");
        assert!(over.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"));
    }
}
