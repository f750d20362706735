//! The cookie of a session.
//!
//! Browsers keep cookies by host, whatever the port: each node has a name of its own, lest two on one
//! machine log each other's people out. Over TLS the name begins with `__Host-`, which browsers take
//! from nobody but this host itself, over TLS; below a path of a proxy, whose host is others' as well,
//! with `__Secure-`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::{HeaderMap, header};
use limpid_config::ExternalUrl;

/// The cookie of a node's sessions, by where a visitor comes in.
#[derive(Clone, Debug)]
pub(crate) struct Cookies {
    own: Cookie,
    outside: Option<(ExternalUrl, Cookie)>,
}

impl Cookies {
    /// Those of a node, on a listener that speaks TLS (`secure`) or not.
    pub(crate) fn new(
        cluster_id: &str,
        node_id: i32,
        secure: bool,
        external: Option<&ExternalUrl>,
    ) -> Self {
        let mut hasher = DefaultHasher::new();
        (cluster_id, node_id).hash(&mut hasher);
        let name = format!("limpid_session_{:08x}", hasher.finish() as u32);
        let outside = external.map(|url| {
            let path = if url.base.is_empty() { "/" } else { &url.base };
            (url.clone(), Cookie::new(&name, url.secure, path))
        });
        Self {
            own: Cookie::new(&name, secure, "/"),
            outside,
        }
    }

    /// The one that belongs to the name by which a request has found us.
    pub(super) fn of(&self, headers: &HeaderMap) -> &Cookie {
        let host = headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        match &self.outside {
            Some((url, cookie)) if url.is_authority(host) => cookie,
            _ => &self.own,
        }
    }
}

/// How the cookie is called, and where browsers send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    name: String,
    path: String,
    secure: bool,
}

impl Cookie {
    fn new(name: &str, secure: bool, path: &str) -> Self {
        let prefix = match (secure, path) {
            (true, "/") => "__Host-",
            (true, _) => "__Secure-",
            (false, _) => "",
        };
        Self {
            name: format!("{prefix}{name}"),
            path: path.to_owned(),
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

    /// The one of a login that is on its way at a provider's page.
    pub(super) fn of_attempts(&self) -> Self {
        Self {
            name: format!("{}_login", self.name),
            ..self.clone()
        }
    }

    /// Makes a browser keep it.
    pub(super) fn set(&self, value: &str) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!(
            "{}={value}; Path={}; HttpOnly; SameSite=Lax{secure}",
            self.name, self.path
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
        let cookie = Cookie::new("own", false, "/");
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
        let set = |id: &str, node, secure| {
            let cookies = Cookies::new(id, node, secure, None);
            cookies.of(&HeaderMap::new()).set("v")
        };
        assert_ne!(set("abc", 1, false), set("abc", 2, false));
        assert_ne!(set("abc", 1, false), set("xyz", 1, false));
        let plain = set("abc", 1, false);
        assert!(plain.starts_with("limpid_session_"), "{plain}");
        assert!(
            plain.ends_with("=v; Path=/; HttpOnly; SameSite=Lax"),
            "{plain}"
        );
        let secure = set("abc", 1, true);
        assert!(secure.starts_with("__Host-limpid_session_"), "{secure}");
        assert!(secure.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
    }

    #[test]
    fn who_comes_through_a_proxy_has_its_cookie() {
        let external = ExternalUrl {
            secure: true,
            authority: "ops.example".to_owned(),
            base: "/limpid".to_owned(),
        };
        let top = ExternalUrl {
            base: String::new(),
            ..external.clone()
        };
        let over = |url: &ExternalUrl, host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, axum::http::HeaderValue::from_static(host));
            Cookies::new("abc", 1, false, Some(url)).of(&headers).over()
        };
        let below = over(&external, "Ops.Example:443");
        assert!(below.starts_with("__Secure-limpid_session_"), "{below}");
        assert!(below.ends_with("=; Path=/limpid; HttpOnly; SameSite=Lax; Secure; Max-Age=0"));
        assert!(over(&top, "ops.example").starts_with("__Host-limpid_session_"));
        let direct = over(&external, "localhost:8080");
        assert!(
            direct.ends_with("=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"),
            "{direct}"
        );
    }
}
