//! Who may see pages: a check before every route.
//!
//! - The `Host` header must name this server: a page of another site whose name was made to point
//!   here (DNS rebinding) gets nothing.
//! - Beyond loopback there is no page without authentication. Authentication does not exist yet, so
//!   only `limpid.http.public.paths` are served there.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What the gate knows.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// `limpid.http.allowed.hosts`: names besides loopback ones and addresses.
    pub(crate) allowed_hosts: Vec<String>,
    /// `limpid.http.public.paths`.
    pub(crate) public_paths: Vec<String>,
    /// Whether the listener can be reached from other machines.
    pub(crate) beyond_loopback: bool,
}

/// Lets a request through, or answers why not.
pub(crate) async fn check(
    State(gate): State<Arc<Gate>>,
    ConnectInfo(_peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if !gate.knows_host(request.headers()) {
        let text = "this server is not known by that name; add it to limpid.http.allowed.hosts\n";
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    if gate.beyond_loopback && !gate.is_public(request.uri().path()) {
        let text = "pages need authentication beyond this machine, which this version of Limpid \
                    does not have; limpid.http.public.paths lists what is served here\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}

impl Gate {
    /// Addresses can't be rebound, and loopback names are ours; others must be listed.
    fn knows_host(&self, headers: &HeaderMap) -> bool {
        let Some(host) = headers.get(HOST).and_then(|h| h.to_str().ok()) else {
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
                .allowed_hosts
                .iter()
                .any(|allowed| allowed.eq_ignore_ascii_case(&name))
    }

    /// An entry that ends in `*` stands for every path that begins with what precedes it.
    fn is_public(&self, path: &str) -> bool {
        let covers = |public: &String| match public.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => public == path,
        };
        self.public_paths.iter().any(covers)
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

    #[test]
    fn a_star_covers_what_is_below() {
        let with = |paths: &[&str]| Gate {
            public_paths: paths.iter().map(ToString::to_string).collect(),
            ..Gate::default()
        };
        let some = with(&["/metrics", "/c/*"]);
        assert!(some.is_public("/metrics") && some.is_public("/c/local/topics"));
        assert!(!some.is_public("/metrics/x") && !some.is_public("/") && !some.is_public("/c"));
        assert!(with(&["/*"]).is_public("/anything"));
        assert!(!with(&[]).is_public("/"));
    }

    fn knows(gate: &Gate, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("a header"));
        gate.knows_host(&headers)
    }

    #[test]
    fn only_our_own_names_are_known() {
        let gate = Gate {
            allowed_hosts: vec!["kafka.example".to_owned()],
            ..Gate::default()
        };
        for ours in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "Kafka.Example:80",
        ] {
            assert!(knows(&gate, ours), "{ours}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "",
        ] {
            assert!(!knows(&gate, foreign), "{foreign}");
        }
        assert!(
            !gate.knows_host(&HeaderMap::new()),
            "HTTP/1.0 without a name"
        );
    }
}
