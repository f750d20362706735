//! What a request shows of who sent it.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest credentials that are looked at.
const CREDENTIALS_BYTES_MAX: usize = 4 << 10;

/// The `Authorization` header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// There is none.
    Nothing,
    /// `Bearer`.
    Token(String),
    /// `Basic`.
    Password {
        /// User name.
        name: String,
        /// Password.
        password: String,
    },
    /// Another scheme, or nonsense.
    Unreadable,
}

/// Reads the `Authorization` header.
pub(super) fn shown(headers: &HeaderMap) -> Shown {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = all.next() else {
        return Shown::Nothing;
    };
    let text = value
        .to_str()
        .ok()
        .filter(|t| t.len() <= CREDENTIALS_BYTES_MAX);
    let (Some(text), None) = (text, all.next()) else {
        return Shown::Unreadable;
    };
    let Some((scheme, rest)) = text.split_once(' ') else {
        return Shown::Unreadable;
    };
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() {
        return Shown::Token(rest.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic")
        && let Ok(bytes) = STANDARD.decode(rest)
        && let Ok(pair) = String::from_utf8(bytes)
        && let Some((name, password)) = pair.split_once(':')
    {
        return Shown::Password {
            name: name.to_owned(),
            password: password.to_owned(),
        };
    }
    Shown::Unreadable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, value.parse().expect("a header"));
        }
        headers
    }

    #[test]
    fn credentials_are_read() {
        let shown = |values: &[&str]| shown(&with(header::AUTHORIZATION, values));
        assert_eq!(shown(&[]), Shown::Nothing);
        assert_eq!(shown(&["Bearer abc"]), Shown::Token("abc".to_owned()));
        assert_eq!(shown(&["bearer  abc "]), Shown::Token("abc".to_owned()));
        let alice = Shown::Password {
            name: "alice".to_owned(),
            password: "a:b".to_owned(),
        };
        let basic = format!("Basic {}", STANDARD.encode("alice:a:b"));
        assert_eq!(shown(&[&basic]), alice);
        let long = format!("Bearer {}", "x".repeat(CREDENTIALS_BYTES_MAX));
        let no_colon = format!("Basic {}", STANDARD.encode("alice"));
        let binary = format!("Basic {}", STANDARD.encode([0xff, b':', 0xff]));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Basic",
            "Basic ???",
            "Digest x",
            &long,
            &no_colon,
            &binary,
        ] {
            assert_eq!(shown(&[wrong]), Shown::Unreadable, "{wrong}");
        }
        assert_eq!(shown(&["Bearer a", "Bearer b"]), Shown::Unreadable);
    }
}
