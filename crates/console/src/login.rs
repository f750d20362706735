//! `/login`: the way in, for people. Who takes the form in is not a matter of pages.
//!
//! It tells nothing of the cluster: everybody sees it.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use limpid_access::{Via, Visitor};

use crate::answer;
use crate::app::App;
use crate::links::{Links, encoded};
use crate::listing::Query;

#[derive(Template)]
#[template(path = "login.html")]
struct Page<'a> {
    links: &'a Links,
    style: String,
    icon: String,
    head: &'static str,
    to: &'a str,
    sentence: Option<&'static str>,
    name: Option<&'a str>,
    csrf: Option<&'a str>,
    /// Whether names and passwords are taken.
    passwords: bool,
    /// At whose page people can log in, and the way there.
    provider: Option<&'a str>,
    provider_href: String,
}

/// The route.
pub(crate) async fn page(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Query::parse(raw.as_deref());
    if !app.login && app.provider.is_none() {
        let chrome = answer::Chrome::new(&app, &app.look(), &query, &visitor);
        let sentence = "Nobody needs to log in here.";
        return answer::missing(chrome, sentence, &query, &headers);
    }
    let to = query.get("to").unwrap_or("/");
    let name = visitor.name().filter(|_| visitor.via() == Via::Session);
    let page = Page {
        links: &app.links,
        style: app.assets.style(),
        icon: app.assets.icon(),
        head: if name.is_some() {
            "Logged in"
        } else {
            "Log in"
        },
        to,
        sentence: match query.get("why") {
            Some("wrong") => Some("Name or password is wrong."),
            Some("wait") => Some("Too many logins from your address failed. Wait a minute."),
            Some("busy") => Some("Too many people log in just now. Try again."),
            _ => None,
        },
        name,
        csrf: visitor.csrf(),
        passwords: app.login,
        provider: app.provider.as_deref().map(host),
        provider_href: app.links.top("/login/oidc?to=") + &encoded(to),
    };
    match page.render() {
        Ok(html) => answer::html(html, &headers),
        Err(error) => answer::failed(&error),
    }
}

/// The host of an address, by which people know it.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
