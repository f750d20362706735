//! Who asks, and whether it may change something.

use limpid_access::{Permission, Via, Visitor};
use limpid_cluster::{By, NodeAdmin};

use axum::http::{HeaderMap, Method, header};

use crate::failure::Failure;

/// Headers that browsers send, and scripts don't.
const OF_BROWSERS: [&str; 4] = ["sec-fetch-site", "sec-fetch-mode", "origin", "referer"];

/// Somebody who asks, and what can be operated.
pub struct Operator<'a> {
    /// What can be operated.
    pub node: &'a dyn NodeAdmin,
    /// Its cluster.
    pub cluster: &'a str,
    /// Who asks.
    pub visitor: &'a Visitor,
    /// Whether a page of another site can have made a browser ask this.
    pub forgeable: bool,
}

impl Operator<'_> {
    /// Whether the visitor may change something, of one topic or of all.
    pub fn may(&self, topic: Option<&str>) -> Result<(), Failure> {
        let may = self
            .visitor
            .may(Permission::Administer, self.cluster, topic);
        may.map_err(|refusal| Failure::forbidden(refusal.to_string()))?;
        if self.forgeable {
            let why = "a page of another site could have sent this: what changes something goes by \
                       POST, or by GET with a token, a password or a certificate and without a browser";
            return Err(Failure::forbidden(why));
        }
        Ok(())
    }

    /// For the record.
    pub fn by(&self) -> By {
        By {
            who: self.visitor.name().unwrap_or_default().to_owned(),
            from: self
                .visitor
                .address()
                .map(|a| a.to_string())
                .unwrap_or_default(),
        }
    }
}

/// Whether a page of another site can have made a browser send this. What is not GET or HEAD has been
/// looked at before it came here.
pub fn is_forgeable(method: &Method, headers: &HeaderMap, visitor: &Visitor) -> bool {
    let of_browser = OF_BROWSERS.iter().any(|name| headers.contains_key(*name))
        || headers.contains_key(header::COOKIE);
    match visitor.via() {
        _ if !method.is_safe() => false,
        Via::Token => false,
        Via::Password | Via::Certificate => of_browser,
        Via::Nobody | Via::Local | Via::Public | Via::Session | Via::Proxy => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_can_cause_is_no_order() {
        let forgeable = |method: Method, via, header: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(name) = header {
                headers.insert(name, "x".parse().expect("a header"));
            }
            let visitor = Visitor::named("alice", &[], via, &[]);
            is_forgeable(&method, &headers, &visitor)
        };
        for via in [Via::Session, Via::Proxy, Via::Local] {
            assert!(forgeable(Method::GET, via, None), "{via:?}");
            assert!(forgeable(Method::HEAD, via, None), "{via:?}");
            assert!(!forgeable(Method::POST, via, None), "{via:?}: the gate's");
        }
        for via in [Via::Password, Via::Certificate] {
            assert!(!forgeable(Method::GET, via, None), "{via:?}: a script");
            for name in ["referer", "sec-fetch-site", "origin", "cookie"] {
                assert!(forgeable(Method::GET, via, Some(name)), "{via:?} {name}");
            }
        }
        assert!(!forgeable(Method::GET, Via::Token, Some("referer")));
    }
}
