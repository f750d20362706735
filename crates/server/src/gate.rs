//! Who may ask for what over HTTP: a check before every route.
//!
//! - The `Host` header must name this server: a page of another site whose name was made to point
//!   here (DNS rebinding) gets nothing.
//! - What changes something must not come from a page of another site (`Origin`, `Sec-Fetch-Site`),
//!   and what comes with a cookie must carry the session's token besides.
//! - Where somebody can log in, who doesn't gets health (its status only), what is public, and the
//!   way in. Where nobody can, this machine sees everything, others what is public, and nobody
//!   changes anything.
//! - A path is for those who may see its cluster; what is no reading is for those who may change it
//!   unless it is listed here. Routes ask for more where they know more, such as the topic.

mod address;
mod browser;
mod cookie;
mod credentials;
mod headers;
mod hosts;
mod login;
mod oidc;
mod proxied;
mod watch;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use limpid_access::desk::{Denied, Desk};
use limpid_access::{AccessMetrics, Permission, Refused, Via, Visitor};
use limpid_config::{ExternalUrl, Network, TrustedHeader};

pub(crate) use self::cookie::Cookies;
use self::credentials::Shown;
pub(crate) use self::hosts::Hosts;
pub(crate) use self::login::routes as login_routes;
pub(crate) use self::oidc::{
    AT_ONCE_MAX as OIDC_AT_ONCE_MAX, Way as OidcWay, routes as oidc_routes,
};
use self::proxied::Proxied;
use self::watch::Asked;
pub(crate) use self::watch::Watch;

/// Served to everybody, but only their status to who is not let in.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];
/// Served to everybody: the way in and what it looks like.
const WAY_IN: [&str; 2] = ["/login", "/logout"];
const ASSETS: &str = "/assets/";
/// Where routes themselves ask what a request needs, whatever its method.
const ASKING: [&str; 2] = ["/jolokia", "/api/v1"];
/// Paths for machines: nobody is led from there to a page.
const FOR_MACHINES: [&str; 5] = ["/metrics", "/jolokia", "/api/", "/prometheus/", "/v3/"];

/// What the gate knows.
pub(crate) struct Gate {
    /// Names of this server.
    pub(crate) hosts: Hosts,
    /// `limpid.http.public.paths`.
    pub(crate) public_paths: Vec<String>,
    /// Whether the listener can be reached from other machines.
    pub(crate) beyond_loopback: bool,
    /// Where visitors show who they are, if they can.
    pub(crate) desk: Option<Arc<Desk>>,
    /// The cookie of sessions.
    pub(crate) cookies: Arc<Cookies>,
    /// Our address behind a proxy; requests come without its path.
    pub(crate) external: Option<ExternalUrl>,
    /// The header in which proxies say who visits, and where they are.
    pub(crate) trusted: Option<TrustedHeader>,
    /// `limpid.http.trusted.proxies`.
    pub(crate) proxies: Vec<Network>,
    /// Whether people log in at `/login`.
    pub(crate) people_log_in: bool,
    /// What is counted.
    pub(crate) metrics: Arc<AccessMetrics>,
    /// The name of the cluster that paths without one are about.
    pub(crate) cluster: String,
    /// What the audit is told.
    pub(crate) watch: Watch,
}

/// Lets a request through, or answers why not.
pub(crate) async fn check(
    State(gate): State<Arc<Gate>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let asked = Asked::new(&request, peer.ip());
    let mut answer = match gate.admit(peer, request).await {
        Ok(Admitted {
            request,
            status_only,
        }) => {
            let visitor = request.extensions().get::<Visitor>().cloned();
            let answer = next.run(request).await;
            gate.watch.answered(&asked, visitor.as_ref(), &answer);
            match status_only {
                true => answer.status().into_response(),
                false => answer,
            }
        }
        Err(answer) => {
            gate.watch.refused(&asked, answer.status());
            *answer
        }
    };
    headers::secure(answer.headers_mut());
    answer
}

/// In a request's extensions: the name that its certificate stands for.
#[derive(Clone, Debug)]
pub(crate) struct Certified(pub(crate) Arc<str>);

/// A request that goes on.
struct Admitted {
    request: Request,
    status_only: bool,
}

/// What a request gets instead.
type Instead = Box<Response>;

impl Gate {
    async fn admit(&self, peer: SocketAddr, mut request: Request) -> Result<Admitted, Instead> {
        if !self.hosts.knows(request.headers()) {
            let text = "this server is not known by that name; add it to \
                        limpid.http.allowed.hosts\n";
            return Err(self.refuse(Refused::Host, StatusCode::MISDIRECTED_REQUEST, text));
        }
        let reads = request.method().is_safe();
        if !reads && !browser::is_own_page(request.headers(), self.external.as_ref()) {
            let text = "a page of another site may not send this\n";
            return Err(self.refuse(Refused::Origin, StatusCode::FORBIDDEN, text));
        }
        let certified = request.extensions().get::<Certified>().cloned();
        let address = address::of(peer.ip(), request.headers(), &self.proxies);
        let visitor = self.visitor(peer, address, certified, request.headers());
        let visitor = visitor.await?.from_address(address);
        if !reads && visitor.via().is_ambient() && browser::hides_its_page(request.headers()) {
            return Err(self.forged());
        }
        if !reads && visitor.via() == Via::Session {
            let Some(expected) = visitor.csrf() else {
                return Err(self.forged());
            };
            let expected = expected.to_owned();
            let checked = browser::carries_token(request, &expected).await;
            request = checked.map_err(|()| self.forged())?;
        }
        let path = request.uri().path();
        let sees = self.may(&visitor, &Method::GET, path).is_ok();
        let visitor = match self.is_public(path) {
            true => visitor.at_public_path(),
            false => visitor,
        };
        let way_in = WAY_IN.contains(&path) || oidc::PATHS.contains(&path);
        let open = way_in || path.starts_with(ASSETS);
        let health = HEALTH.contains(&path);
        let refused = match open || health {
            true => Ok(()),
            false => self.may(&visitor, request.method(), path),
        };
        let status_only = health && !sees;
        if let Err(sentence) = refused {
            return Err(match visitor.is_let_in() {
                true => self.forbidden(&sentence),
                false => self.nobody(&request),
            });
        }
        request.extensions_mut().insert(visitor);
        Ok(Admitted {
            request,
            status_only,
        })
    }

    /// Who asks. Credentials that are wrong are an error even where none are needed.
    async fn visitor(
        &self,
        peer: SocketAddr,
        address: IpAddr,
        certified: Option<Certified>,
        headers: &HeaderMap,
    ) -> Result<Visitor, Instead> {
        let Some(desk) = &self.desk else {
            return Ok(match self.beyond_loopback {
                true => Visitor::nobody(),
                false => Visitor::local(),
            });
        };
        // First: proxies hand on what else clients send, and that is for the proxy.
        if let Some(trusted) = &self.trusted {
            match proxied::name(trusted, peer.ip(), headers) {
                Proxied::Nobody => {}
                Proxied::NoProxy => desk.not_a_proxy(),
                Proxied::Named(name) => return Ok(desk.proxied(name)),
                Proxied::Unreadable => return Err(self.unreadable()),
            }
        }
        match credentials::shown(headers) {
            Shown::Token(token) => desk
                .token(&token)
                .map_err(|denied| self.denied(denied, headers)),
            Shown::Password { name, password } => {
                let login = login::checked(desk, &name, &password, address).await;
                if login.is_err() {
                    self.watch.login_failed(&name, address);
                }
                let login = login.map_err(|denied| self.denied(denied, headers))?;
                Ok(desk.visitor(&login))
            }
            Shown::Unreadable => Err(self.denied(Denied::Wrong, headers)),
            Shown::Nothing => {
                let cookie = self.cookies.of(headers).find(headers);
                let found = cookie.and_then(|cookie| desk.session(cookie));
                let found = found.or_else(|| Some(desk.certificate(&certified?.0)));
                Ok(found.unwrap_or_else(Visitor::nobody))
            }
        }
    }

    /// Whether a visitor may do what a path stands for; an error is a sentence.
    fn may(&self, visitor: &Visitor, method: &Method, path: &str) -> Result<(), String> {
        let reads = method.is_safe() || ASKING.iter().any(|root| is_below(path, root));
        let permission = match reads {
            true => Permission::View,
            false => Permission::Administer,
        };
        let may = visitor.may(permission, &self.cluster, None);
        may.map_err(|refusal| refusal.to_string())
    }

    /// An entry that ends in `*` stands for every path that begins with what precedes it.
    fn is_public(&self, path: &str) -> bool {
        let covers = |public: &String| match public.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => public == path,
        };
        self.public_paths.iter().any(covers)
    }

    /// What precedes the path of every link.
    pub(crate) fn base(&self) -> &str {
        self.external.as_ref().map_or("", |url| &url.base)
    }

    fn refuse(&self, reason: Refused, status: StatusCode, text: &'static str) -> Instead {
        self.metrics.refused.bind(reason).inc();
        Box::new((status, text).into_response())
    }

    fn unreadable(&self) -> Instead {
        let text = "limpid.http.trusted.header names several visitors, or none that can be read; \
                    the proxy must replace what clients send\n";
        self.refuse(Refused::Unreadable, StatusCode::BAD_REQUEST, text)
    }

    fn forged(&self) -> Instead {
        let text = "this does not come from a page of this login; load the page again\n";
        self.refuse(Refused::Forgery, StatusCode::FORBIDDEN, text)
    }

    fn forbidden(&self, sentence: &str) -> Instead {
        self.metrics.refused.bind(Refused::Forbidden).inc();
        Box::new((StatusCode::FORBIDDEN, format!("{sentence}\n")).into_response())
    }

    fn denied(&self, denied: Denied, headers: &HeaderMap) -> Instead {
        let (status, wait, text) = match denied {
            Denied::Wrong => {
                self.metrics.refused.bind(Refused::Nobody).inc();
                return Box::new(challenge(headers, "name, password or token is wrong\n"));
            }
            Denied::Wait(wait) => {
                let text = "too many logins from this address failed\n";
                (StatusCode::TOO_MANY_REQUESTS, wait.as_secs() + 1, text)
            }
            Denied::Busy => {
                let text = "too many logins wait to be checked\n";
                (StatusCode::SERVICE_UNAVAILABLE, 1, text)
            }
        };
        let wait = [(header::RETRY_AFTER, wait.to_string())];
        Box::new((status, wait, text).into_response())
    }

    /// What somebody gets who has shown nothing: the way in, or the reason why there is none.
    fn nobody(&self, request: &Request) -> Instead {
        self.metrics.refused.bind(Refused::Nobody).inc();
        if self.desk.is_none() {
            let text = "pages need a login beyond this machine, and none is configured: see \
                        limpid.http.users.file and limpid.http.tokens.file; \
                        limpid.http.public.paths lists what is served without\n";
            return Box::new((StatusCode::FORBIDDEN, text).into_response());
        }
        let uri = request.uri();
        let page = request.method() == Method::GET
            && browser::wants_a_page(request.headers())
            && !FOR_MACHINES
                .iter()
                .any(|machine| is_below(uri.path(), machine));
        if page && self.people_log_in {
            let from = uri.path_and_query().map_or("/", |whole| whole.as_str());
            return Box::new(
                Redirect::to(&login::address(self.base(), from, None)).into_response(),
            );
        }
        Box::new(challenge(request.headers(), "this needs a login\n"))
    }
}

/// Answers with 401. Browsers would ask for a password in a window of their own and send it with
/// everything from then on, so only others are told of that way.
fn challenge(headers: &HeaderMap, text: &'static str) -> Response {
    let ways = match browser::is_browser(headers) {
        true => "Bearer realm=\"limpid\"",
        false => "Bearer realm=\"limpid\", Basic realm=\"limpid\", charset=\"UTF-8\"",
    };
    let ways = [(header::WWW_AUTHENTICATE, ways)];
    (StatusCode::UNAUTHORIZED, ways, text).into_response()
}

/// Whether a path is `root` or lies below it.
fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || root.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
