//! From a resource to an answer: a page, JSON or plain text, whichever was asked for.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use limpid_cluster::ReadinessState;
use limpid_cluster::verdict::Severity;
use serde::Serialize;

use limpid_access::{Permission, Via, Visitor};

use crate::app::{App, Look};
use crate::assets::{accepts_gzip, compressed};
use crate::links::Links;
use crate::listing::Query;
use crate::show as filters;

/// What a page may load and do: our own files, our own stream, forms to ourselves.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
/// Says the verdict to who reads no text.
const VERDICT: &str = "limpid-verdict";
/// Smaller answers are not worth compressing.
const GZIP_BYTES_MIN: usize = 1024;

/// Where a page stands in the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Topics,
    Groups,
    Runbook,
    Clients,
}

/// What is around every page.
pub(crate) struct Chrome {
    pub(crate) title: String,
    pub(crate) section: Section,
    pub(crate) cluster: String,
    pub(crate) links: Links,
    pub(crate) state: &'static str,
    pub(crate) taken_at_ms: i64,
    pub(crate) age_seconds: f64,
    pub(crate) style: String,
    pub(crate) icon: String,
    pub(crate) scripts: Vec<String>,
    /// Where changes come from; `None` for a page that does not change by itself.
    pub(crate) stream: Option<String>,
    pub(crate) json: String,
    pub(crate) version: &'static str,
    /// Who looks, and what its forms must carry, when it logged in.
    pub(crate) visitor: Option<String>,
    pub(crate) csrf: Option<String>,
    /// Whether a support bundle is for it.
    pub(crate) bundle: bool,
}

impl Chrome {
    pub(crate) fn new(app: &App, look: &Look, query: &Query, visitor: &Visitor) -> Self {
        let age_ms = (look.now_ms - look.snapshot.taken_at_ms).max(0);
        Self {
            title: String::new(),
            section: Section::Overview,
            cluster: app.source.name().to_owned(),
            links: app.links.clone(),
            state: match look.readiness.state {
                ReadinessState::Starting => "starting",
                ReadinessState::Ready => "ready",
                ReadinessState::Draining => "draining",
                ReadinessState::Failed => "failed",
            },
            taken_at_ms: look.snapshot.taken_at_ms,
            age_seconds: age_ms as f64 / 1000.0,
            style: app.assets.style(),
            icon: app.assets.icon(),
            scripts: app.assets.scripts(),
            stream: None,
            json: query.with(&[("format", "json")]),
            version: env!("CARGO_PKG_VERSION"),
            visitor: visitor.name().map(str::to_owned),
            csrf: visitor.csrf().map(str::to_owned),
            bundle: visitor.via() == Via::Local
                || visitor
                    .may(Permission::Operate, app.source.name(), None)
                    .is_ok(),
        }
    }

    pub(crate) fn is(&self, section: Section) -> bool {
        self.section == section
    }
}

/// What has an address: one struct for its page, its JSON and its text.
pub(crate) trait Resource: Serialize {
    /// The page.
    fn html(&self, chrome: Chrome) -> askama::Result<String>;

    /// 80 columns for a shell, if it has that.
    fn text(&self) -> Option<String> {
        None
    }

    /// How things are, for who only wants an exit code.
    fn severity(&self) -> Severity {
        Severity::Ok
    }
}

/// How a resource is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Html,
    Json,
    Text,
}

impl Format {
    /// `?format=` wins over the Accept header; who says nothing gets the page.
    pub(crate) fn negotiate(query: &Query, headers: &HeaderMap) -> Self {
        match query.get("format") {
            Some("json") => return Self::Json,
            Some("text") => return Self::Text,
            Some("html") => return Self::Html,
            _ => {}
        }
        let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
        let accept = accept.unwrap_or_default();
        let first = accept.split(',').next().unwrap_or_default();
        match first.split(';').next().unwrap_or_default().trim() {
            "application/json" => Self::Json,
            "text/plain" => Self::Text,
            _ => Self::Html,
        }
    }
}

/// Answers with a resource.
pub(crate) fn respond(
    resource: &impl Resource,
    chrome: Chrome,
    query: &Query,
    headers: &HeaderMap,
) -> Response {
    let format = Format::negotiate(query, headers);
    let text = (format == Format::Text).then(|| resource.text()).flatten();
    let (kind, body) = match (format, text) {
        (Format::Json, _) => match serde_json::to_string_pretty(resource) {
            Ok(json) => ("application/json", json + "\n"),
            Err(error) => return failed(&error),
        },
        (_, Some(text)) => ("text/plain; charset=utf-8", text),
        _ => match resource.html(chrome) {
            Ok(html) => ("text/html; charset=utf-8", html),
            Err(error) => return failed(&error),
        },
    };
    let mut answer = sized(kind, body, headers);
    let verdict = HeaderValue::from_static(resource.severity().as_str());
    answer.headers_mut().insert(VERDICT, verdict);
    answer
}

/// A body with the headers that every page has.
fn sized(kind: &'static str, body: String, headers: &HeaderMap) -> Response {
    let common = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept, accept-encoding"),
    ];
    if body.len() >= GZIP_BYTES_MIN && accepts_gzip(headers) {
        let encoding = [(header::CONTENT_ENCODING, "gzip")];
        return (common, encoding, compressed(body.as_bytes())).into_response();
    }
    (common, body).into_response()
}

/// A page without a resource.
pub(crate) fn html(html: String, headers: &HeaderMap) -> Response {
    sized("text/html; charset=utf-8", html, headers)
}

/// 403 in the format that was asked for.
pub(crate) fn refused(
    chrome: Chrome,
    refusal: &limpid_access::Refusal,
    query: &Query,
    headers: &HeaderMap,
) -> Response {
    let words = Refused {
        title: "Not granted",
        status: StatusCode::FORBIDDEN,
    };
    words.answer(chrome, &format!("{refusal}."), query, headers)
}

/// 500.
pub(crate) fn failed(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "a page could not be rendered");
    let text = "the page could not be rendered\n";
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}

#[derive(Template)]
#[template(path = "missing.html")]
struct Missing<'a> {
    chrome: Chrome,
    head: &'static str,
    sentence: &'a str,
}

/// 404 in the format that was asked for.
pub(crate) fn missing(
    chrome: Chrome,
    sentence: &str,
    query: &Query,
    headers: &HeaderMap,
) -> Response {
    let words = Refused {
        title: "Not found",
        status: StatusCode::NOT_FOUND,
    };
    words.answer(chrome, sentence, query, headers)
}

/// What there is instead of a page.
struct Refused {
    title: &'static str,
    status: StatusCode,
}

impl Refused {
    fn answer(
        self,
        mut chrome: Chrome,
        sentence: &str,
        query: &Query,
        headers: &HeaderMap,
    ) -> Response {
        let (head, status) = (self.title, self.status);
        chrome.title = head.to_owned();
        match Format::negotiate(query, headers) {
            Format::Json => {
                let json = serde_json::json!({ "error": sentence }).to_string() + "\n";
                (status, [(header::CONTENT_TYPE, "application/json")], json).into_response()
            }
            Format::Text => (status, format!("{sentence}\n")).into_response(),
            Format::Html => match (Missing {
                chrome,
                head,
                sentence,
            })
            .render()
            {
                Ok(html) => {
                    let policy = [(header::CONTENT_SECURITY_POLICY, POLICY)];
                    (status, policy, Html(html)).into_response()
                }
                Err(error) => failed(&error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_wins_over_the_header() {
        let format = |query, accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().expect("a header"));
            Format::negotiate(&Query::parse(query), &headers)
        };
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(format(None, browser), Format::Html);
        assert_eq!(format(None, "*/*"), Format::Html);
        assert_eq!(format(None, "application/json"), Format::Json);
        assert_eq!(format(None, "text/plain;q=0.9, */*"), Format::Text);
        assert_eq!(format(Some("format=json"), browser), Format::Json);
        assert_eq!(
            format(Some("format=html"), "application/json"),
            Format::Html
        );
        assert_eq!(format(Some("format=xml"), browser), Format::Html);
    }
}
