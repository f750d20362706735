//! `/login/oidc`: people log in at a provider's page and come back with a code.
//!
//! An attempt counts once, for some minutes, and only in the browser that began it: its cookie must
//! name it as the provider's answer does. Otherwise somebody could log others in as himself.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use limpid_access::Visitor;
use limpid_access::desk::{Attempt, Desk, same_secret};
use limpid_config::ExternalUrl;
use limpid_security::oidc::{self, OidcError, Person, Provider};
use tokio::sync::Semaphore;

use super::cookie::Cookies;
use super::login::{fields, local};
use super::watch::Watch;

/// Where people go to, and where the provider sends them back to.
pub(super) const PATHS: [&str; 2] = ["/login/oidc", "/login/oidc/callback"];
/// Questions to the provider at a time: each holds a thread for as long as the provider takes.
pub(crate) const AT_ONCE_MAX: usize = 8;

/// The way through a provider.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) desk: Arc<Desk>,
    pub(crate) provider: Arc<Provider>,
    pub(crate) cookies: Arc<Cookies>,
    pub(crate) external: Option<ExternalUrl>,
    /// Whether the listener speaks TLS.
    pub(crate) secure: bool,
    pub(crate) at_once: Arc<Semaphore>,
    pub(crate) watch: Watch,
}

/// The routes.
pub(crate) fn routes(way: Way) -> Router {
    Router::new()
        .route(PATHS[0], get(begin))
        .route(PATHS[1], get(end))
        .with_state(way)
}

async fn begin(
    State(way): State<Way>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let pairs = fields(query.unwrap_or_default().as_bytes());
    let to = local(value(&pairs, "to").unwrap_or("/")).to_owned();
    let attempt = match way.desk.begin_attempt(way.callback(&headers), to) {
        Ok(attempt) => attempt,
        Err(error) => {
            tracing::error!(%error, "no login could begin");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let cookie = way.cookies.of(&headers).of_attempts().set(&attempt.state);
    let now = way.desk.monotonic();
    let asked = asked(&attempt);
    let where_to = way
        .ask(move |provider| provider.authorize(&asked, now))
        .await;
    match where_to {
        Ok(url) => ([(header::SET_COOKIE, cookie)], Redirect::to(&url)).into_response(),
        Err(failed) => way.failed(&failed, &visitor),
    }
}

async fn end(
    State(way): State<Way>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let pairs = fields(query.unwrap_or_default().as_bytes());
    let cookie = way.cookies.of(&headers);
    let attempt = own_attempt(&way, &pairs, &headers);
    let came = match attempt {
        Ok(attempt) => way.came(&pairs, attempt).await,
        Err(failed) => Err(failed),
    };
    let (person, to) = match came {
        Ok(came) => came,
        Err(failed) => return way.failed(&failed, &visitor),
    };
    // Whoever logs in anew leaves what was before.
    if let Some(before) = cookie.find(&headers) {
        way.desk.end_session(before);
    }
    let name = person.name.clone();
    let login = way.desk.vouched(Some((person.name, person.groups)));
    let session = login.map(|login| way.desk.begin_session(login)).transpose();
    match session {
        Ok(Some(session)) => {
            way.watch.vouched_for(&name, address(&visitor));
            let set = AppendHeaders([
                (header::SET_COOKIE, cookie.set(&session)),
                (header::SET_COOKIE, cookie.of_attempts().over()),
            ]);
            (set, Redirect::to(&format!("{}{to}", way.base()))).into_response()
        }
        Ok(None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(error) => {
            tracing::error!(%error, "no session could begin");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Why somebody is not logged in.
enum Failed {
    /// The way back is no one's, or another browser's.
    Stray,
    /// Too many at a time.
    Busy,
    /// The provider, or what it says.
    Oidc(OidcError),
}

/// The attempt that this browser has begun.
fn own_attempt(
    way: &Way,
    pairs: &[(String, String)],
    headers: &HeaderMap,
) -> Result<Attempt, Failed> {
    let cookie = way.cookies.of(headers).of_attempts();
    let (Some(state), Some(own)) = (value(pairs, "state"), cookie.find(headers)) else {
        return Err(Failed::Stray);
    };
    if !same_secret(state, own) {
        return Err(Failed::Stray);
    }
    way.desk.end_attempt(state).ok_or(Failed::Stray)
}

impl Way {
    /// Who came back, and where it wanted to go.
    async fn came(
        &self,
        pairs: &[(String, String)],
        attempt: Attempt,
    ) -> Result<(Person, String), Failed> {
        let refused = |why: String| Failed::Oidc(OidcError::Refused(why));
        if let Some(error) = value(pairs, "error") {
            let why = value(pairs, "error_description").unwrap_or_default();
            let line: String = format!("{error} {why}")
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect();
            return Err(refused(line.trim().to_owned()));
        }
        if value(pairs, "iss").is_some_and(|issuer| issuer != self.provider.issuer()) {
            return Err(refused("the answer is another provider's".to_owned()));
        }
        let code = value(pairs, "code").ok_or(Failed::Stray)?.to_owned();
        let now = self.desk.monotonic();
        let asked = asked(&attempt);
        let person = self
            .ask(move |provider| provider.redeem(&asked, &code, now))
            .await?;
        Ok((person, attempt.to))
    }

    /// Asks the provider, on a thread that may wait.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Provider) -> Result<T, OidcError> + Send + 'static,
    ) -> Result<T, Failed> {
        let Ok(place) = Arc::clone(&self.at_once).try_acquire_owned() else {
            return Err(Failed::Busy);
        };
        let provider = Arc::clone(&self.provider);
        let job = tokio::task::spawn_blocking(move || {
            let answer = question(&provider);
            drop(place);
            answer
        });
        match job.await {
            Ok(answer) => answer.map_err(Failed::Oidc),
            Err(error) => Err(Failed::Oidc(OidcError::Provider(error.to_string()))),
        }
    }

    /// Where the provider sends browsers back to.
    fn callback(&self, headers: &HeaderMap) -> String {
        if let Some(external) = &self.external {
            return format!("{}{}{}", external.origin(), external.base, PATHS[1]);
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", host.unwrap_or("localhost"), PATHS[1])
    }

    fn base(&self) -> &str {
        self.external.as_ref().map_or("", |url| &url.base)
    }

    /// Says why, and leaves a line.
    fn failed(&self, failed: &Failed, visitor: &Visitor) -> Response {
        let (status, why) = match failed {
            Failed::Stray => (
                StatusCode::BAD_REQUEST,
                "this login was not begun here, was used, or took too long".to_owned(),
            ),
            Failed::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "too many log in just now".to_owned(),
            ),
            Failed::Oidc(error @ OidcError::Provider(_)) => {
                (StatusCode::BAD_GATEWAY, error.to_string())
            }
            Failed::Oidc(error) => (StatusCode::FORBIDDEN, error.to_string()),
        };
        self.desk.vouched(None);
        let issuer = self.provider.issuer();
        let told = format!("{issuer}: {why}");
        self.watch.not_vouched_for(&told, address(visitor));
        let again = format!("{}/login", self.base());
        let text = format!("Logging in by {issuer} failed: {why}.\nTry again at {again}\n");
        (status, text).into_response()
    }
}

/// Where somebody comes from; every visitor of a listener comes from somewhere.
fn address(visitor: &Visitor) -> IpAddr {
    let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    visitor.address().unwrap_or(unknown)
}

/// As the provider's side has it.
fn asked(attempt: &Attempt) -> oidc::Attempt {
    oidc::Attempt {
        redirect_uri: attempt.redirect_uri.clone(),
        state: attempt.state.clone(),
        nonce: attempt.nonce.clone(),
        verifier: attempt.verifier.clone(),
    }
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}
