//! `POST /login` and `POST /logout`. The page with the form is the console's.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Router};
use limpid_access::Visitor;
use limpid_access::desk::{Denied, Desk, Login};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::cookie::Cookies;
use super::watch::Watch;

/// Largest form.
const FORM_BYTES_MAX: usize = 8 << 10;
/// Longest way back after a login.
const RETURN_BYTES_MAX: usize = 2 << 10;

/// Where people log in.
#[derive(Clone)]
struct Form {
    desk: Arc<Desk>,
    cookies: Arc<Cookies>,
    watch: Watch,
    /// What precedes the path of every link.
    base: Arc<str>,
}

/// The routes; a form must arrive within `time_max`, since everybody may send one.
pub(crate) fn routes(
    desk: Arc<Desk>,
    (cookies, watch): (Arc<Cookies>, Watch),
    base: Arc<str>,
    time_max: Duration,
) -> Router {
    Router::new()
        .route("/login", post(login))
        .route_layer(middleware::from_fn_with_state(time_max, in_time))
        .route("/logout", post(logout))
        .with_state(Form {
            desk,
            cookies,
            watch,
            base,
        })
}

/// Reads a form as a whole before anything else happens.
async fn in_time(State(time_max): State<Duration>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match timeout(time_max, to_bytes(body, FORM_BYTES_MAX)).await {
        Ok(Ok(form)) => next.run(Request::from_parts(parts, Body::from(form))).await,
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

async fn login(
    State(form): State<Form>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Form { desk, base, .. } = &form;
    let cookie = form.cookies.of(&headers);
    let fields = fields(&body);
    let field = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| name == wanted);
        found.map_or("", |(_, value)| value.as_str())
    };
    let to = local(field("to"));
    let from = visitor.address().unwrap_or(peer.ip());
    let checked = checked(desk, field("name"), field("password"), from).await;
    let login = match checked {
        Ok(login) => login,
        Err(denied) => {
            form.watch.login_failed(field("name"), from);
            return Redirect::to(&address(base, to, Some(denied))).into_response();
        }
    };
    // Whoever logs in anew leaves what was before.
    if let Some(before) = cookie.find(&headers) {
        desk.end_session(before);
    }
    match desk.begin_session(login) {
        Ok(value) => {
            form.watch.logged_in(field("name"), from);
            let set = [(header::SET_COOKIE, cookie.set(&value))];
            (set, Redirect::to(&format!("{base}{to}"))).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "no session could begin");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn logout(State(form): State<Form>, headers: HeaderMap) -> Response {
    let cookie = form.cookies.of(&headers);
    if let Some(before) = cookie.find(&headers) {
        form.desk.end_session(before);
    }
    let over = [(header::SET_COOKIE, cookie.over())];
    let to = format!("{}/login", form.base);
    (over, Redirect::to(&to)).into_response()
}

/// Has a password checked, on the thread for that.
pub(super) async fn checked(
    desk: &Arc<Desk>,
    name: &str,
    password: &str,
    from: IpAddr,
) -> Result<Login, Denied> {
    let (sent, answer) = oneshot::channel();
    desk.password(name, password, from, move |result| {
        // Who hung up hears nothing.
        sent.send(result).ok();
    });
    answer.await.unwrap_or(Err(Denied::Busy))
}

/// The address of the form, with the way back and what went wrong.
pub(super) fn address(base: &str, from: &str, denied: Option<Denied>) -> String {
    let why = match denied {
        None => "",
        Some(Denied::Wrong) => "&why=wrong",
        Some(Denied::Wait(_)) => "&why=wait",
        Some(Denied::Busy) => "&why=busy",
    };
    format!(
        "{base}/login?to={}{why}",
        limpid_console::encoded(local(from))
    )
}

/// A way back that stays here: browsers read `//host` and `/\host` as other sites.
pub(super) fn local(to: &str) -> &str {
    let stays = to.starts_with('/')
        && !to.starts_with("//")
        && to.len() <= RETURN_BYTES_MAX
        && to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let way_in = super::WAY_IN.iter().any(|path| super::is_below(to, path));
    if stays && !way_in { to } else { "/" }
}

/// The fields of a form.
pub(super) fn fields(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    limpid_console::decoded_pairs(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_here() {
        for fine in ["/", "/c/local/topics?q=a%20b&sort=size", "/loginx"] {
            assert_eq!(local(fine), fine);
        }
        let long = format!("/{}", "x".repeat(RETURN_BYTES_MAX));
        for elsewhere in [
            "",
            "c/local",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\r\nset-cookie:x",
            "/login",
            "/logout",
            &long,
        ] {
            assert_eq!(local(elsewhere), "/", "{elsewhere:?}");
        }
    }

    #[test]
    fn the_form_hears_what_went_wrong() {
        assert_eq!(
            address("", "/c/local/?a=b&c", None),
            "/login?to=%2Fc%2Flocal%2F%3Fa%3Db%26c"
        );
        assert_eq!(
            address("/limpid", "//x", Some(Denied::Wrong)),
            "/limpid/login?to=%2F&why=wrong"
        );
        let wait = Denied::Wait(Duration::from_secs(1));
        assert_eq!(address("", "/", Some(wait)), "/login?to=%2F&why=wait");
    }
}
