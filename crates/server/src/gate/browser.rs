//! What browsers tell of the page that sends a request.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, header};
use limpid_config::ExternalUrl;

/// Carries a session's token where there is no form.
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-limpid-csrf");
/// The form field that carries it.
const TOKEN_FIELD: &str = "csrf";
/// Largest form that is searched for the token.
const FORM_BYTES_MAX: usize = 64 << 10;
const FORM: &str = "application/x-www-form-urlencoded";
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Whether a request comes from a page of ours, or from no page at all: scripts send neither of these
/// headers, and no page can leave out or forge them. `external`: our address behind a proxy, which may
/// have replaced `Host`; there the scheme is known as well.
pub(super) fn is_own_page(headers: &HeaderMap, external: Option<&ExternalUrl>) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text(&SITE)
        && !matches!(site, "same-origin" | "none")
    {
        return false;
    }
    let Some(origin) = text(&header::ORIGIN) else {
        return true;
    };
    let asked = text(&header::HOST);
    if let Some(external) = external {
        let ours = origin == external.origin();
        if ours || asked.is_some_and(|host| external.is_authority(host)) {
            return ours;
        }
    }
    let of_page = origin.split_once("://").map(|(_, authority)| authority);
    matches!((of_page, asked), (Some(one), Some(other)) if one.eq_ignore_ascii_case(other))
}

/// Whether a browser asks that does not tell which page made it: what it shows by itself, as cookies
/// and certificates, says nothing then.
pub(super) fn hides_its_page(headers: &HeaderMap) -> bool {
    is_browser(headers) && !headers.contains_key(&SITE) && !headers.contains_key(header::ORIGIN)
}

/// Whether a browser asks.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(MODE) || wants_a_page(headers)
}

/// Whether a page is an answer to this.
pub(super) fn wants_a_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The request, if it carries the token of its session, as a header or in its form.
pub(super) async fn carries_token(request: Request, expected: &str) -> Result<Request, ()> {
    let same = |token: &str| limpid_access::desk::same_secret(token, expected);
    if let Some(token) = request.headers().get(TOKEN_HEADER) {
        let token = token.to_str().unwrap_or_default();
        return same(token).then_some(request).ok_or(());
    }
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().unwrap_or_default().trim() != FORM {
        return Err(());
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, FORM_BYTES_MAX).await;
    let body = body.map_err(|_| ())?;
    let fields = super::login::fields(&body);
    let token = fields.iter().find(|(name, _)| name == TOKEN_FIELD);
    if !token.is_some_and(|(_, token)| same(token)) {
        return Err(());
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().expect("a header"));
        }
        headers
    }

    #[test]
    fn other_sites_are_known_by_their_origin() {
        let external = ExternalUrl {
            secure: true,
            authority: "ops.example".to_owned(),
            base: String::new(),
        };
        let own = |pairs: &[(&'static str, &str)]| is_own_page(&headers(pairs), Some(&external));
        let proxied = ("host", "ops.example");
        assert!(own(&[proxied, ("origin", "https://ops.example")]));
        assert!(!own(&[proxied, ("origin", "http://ops.example")]));
        let host = ("host", "Limpid.example:8080");
        assert!(own(&[host]), "a script");
        assert!(own(&[host, ("origin", "http://limpid.example:8080")]));
        assert!(own(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(
            own(&[host, ("sec-fetch-site", "none")]),
            "typed or a bookmark"
        );
        assert!(own(&[host, ("origin", "https://ops.example")]), "a proxy's");
        for origin in [
            "null",
            "http://ops.example",
            "https://ops.example:8443",
            "http://evil.example",
            "http://limpid.example",
            "http://limpid.example:8081",
            "http://limpid.example:8080.evil.example",
            "",
        ] {
            assert!(!own(&[host, ("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site", "what"] {
            assert!(!own(&[host, ("sec-fetch-site", site)]), "{site}");
            let both = [
                host,
                ("sec-fetch-site", site),
                ("origin", "http://limpid.example:8080"),
            ];
            assert!(!own(&both), "{site}");
        }
    }

    async fn carries(kind: &str, header: Option<&str>, body: &str) -> Option<String> {
        let mut request = Request::post("/x").header("content-type", kind);
        if let Some(token) = header {
            request = request.header(TOKEN_HEADER, token);
        }
        let request = request
            .body(Body::from(body.to_owned()))
            .expect("a request");
        let request = carries_token(request, "s3cret").await.ok()?;
        let body = axum::body::to_bytes(request.into_body(), 1 << 20).await;
        Some(String::from_utf8(body.expect("a body").to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn a_token_is_found_in_header_or_form_and_the_form_stays_whole() {
        let form = "a=1&csrf=s3cret&b=2";
        assert_eq!(carries(FORM, None, form).await.as_deref(), Some(form));
        let utf8 = format!("{FORM}; charset=utf-8");
        assert_eq!(carries(&utf8, None, form).await.as_deref(), Some(form));
        assert_eq!(
            carries("application/json", Some("s3cret"), "{}")
                .await
                .as_deref(),
            Some("{}")
        );
        assert_eq!(carries("application/json", None, form).await, None);
        assert_eq!(carries(FORM, Some("wrong"), form).await, None);
        assert_eq!(carries(FORM, None, "csrf=wrong&csrf=s3cret").await, None);
        assert_eq!(carries(FORM, None, "").await, None);
        let long = format!("x={}&{form}", "y".repeat(FORM_BYTES_MAX));
        assert_eq!(carries(FORM, None, &long).await, None);
    }

    #[test]
    fn browsers_that_hide_their_page_are_known() {
        let hides = |pairs: &[(&'static str, &str)]| hides_its_page(&headers(pairs));
        let page = ("accept", "text/html,*/*");
        assert!(hides(&[page]));
        assert!(!hides(&[page, ("origin", "http://x")]));
        assert!(!hides(&[page, ("sec-fetch-site", "same-origin")]));
        assert!(!hides(&[("accept", "*/*")]), "a script");
    }
}
