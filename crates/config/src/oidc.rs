//! Logging in to the console by somebody else's page: `limpid.http.oidc.*`.

use std::path::PathBuf;

use crate::secret::Secret;
use crate::values::{KeyedMessage, Values};

const ISSUER: &str = "limpid.http.oidc.issuer";
const CLIENT_ID: &str = "limpid.http.oidc.client.id";

/// A provider of OpenID Connect, and who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcConfig {
    /// `limpid.http.oidc.issuer`, as its tokens name it.
    pub issuer: String,
    /// `limpid.http.oidc.client.id`.
    pub client_id: String,
    /// `limpid.http.oidc.client.secret`; none for a public client.
    pub client_secret: Option<Secret>,
    /// `limpid.http.oidc.scopes`.
    pub scopes: Vec<String>,
    /// `limpid.http.oidc.username.claim`.
    pub username_claim: String,
    /// `limpid.http.oidc.groups.claim`.
    pub groups_claim: String,
    /// `limpid.http.oidc.ca.file`: whom its certificate must be from, instead of the public authorities.
    pub ca_file: Option<PathBuf>,
}

/// Reads the keys; none without an issuer.
pub(crate) fn oidc(values: &Values<'_>) -> Result<Option<OidcConfig>, KeyedMessage> {
    let text = |key: &str| values.text(key).trim().to_owned();
    let filled = |key: &str| Some(text(key)).filter(|text| !text.is_empty());
    let Some(issuer) = filled(ISSUER) else {
        return Ok(None);
    };
    let Some(client_id) = filled(CLIENT_ID) else {
        let message = format!("{ISSUER} is set: say as whom this server is registered there");
        return Err((CLIENT_ID, message));
    };
    let scopes = text("limpid.http.oidc.scopes");
    let mut scopes: Vec<String> = scopes.split([' ', ',']).map(str::to_owned).collect();
    scopes.retain(|scope| !scope.is_empty() && scope != "openid");
    scopes.insert(0, "openid".to_owned());
    Ok(Some(OidcConfig {
        issuer,
        client_id,
        client_secret: filled("limpid.http.oidc.client.secret").map(Secret::new),
        scopes,
        username_claim: text("limpid.http.oidc.username.claim"),
        groups_claim: text("limpid.http.oidc.groups.claim"),
        ca_file: filled("limpid.http.oidc.ca.file").map(PathBuf::from),
    }))
}

/// An issuer's answers are believed because of its certificate; without one only on this machine.
pub(crate) fn check_issuer(value: &str) -> Result<(), String> {
    let value = value.trim();
    let here = ["localhost", "127.0.0.1", "[::1]"];
    let host = |rest: &str| {
        let authority = rest.split('/').next().unwrap_or_default();
        let port = authority
            .rfind(':')
            .filter(|at| !authority[*at..].contains(']'));
        authority[..port.unwrap_or(authority.len())].to_owned()
    };
    let fine = match value.split_once("://") {
        _ if value.is_empty() => true,
        Some(("https", rest)) => !host(rest).is_empty(),
        Some(("http", rest)) => here.contains(&host(rest).as_str()),
        _ => false,
    };
    let plain = !value.contains(['?', '#', ' ', '@']);
    match fine && plain {
        true => Ok(()),
        false => Err(format!(
            "{value}: an issuer is a https:// address, or a http:// one of this machine, without query"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, LoadOptions};

    fn load(entries: &[&str]) -> Result<Option<OidcConfig>, String> {
        let loaded = Config::load(LoadOptions {
            overrides: entries.iter().map(ToString::to_string).collect(),
            hostname: Some("host".to_owned()),
            ..LoadOptions::default()
        });
        let loaded = loaded.map_err(|errors| errors.to_string())?;
        Ok(loaded.config.broker().http.access.oidc.clone())
    }

    #[test]
    fn an_issuer_needs_a_client_and_tls() {
        assert_eq!(load(&[]), Ok(None));
        let issuer = "limpid.http.oidc.issuer=https://id.example/realms/ops";
        let error = load(&[issuer]).expect_err("no client");
        assert!(error.contains("limpid.http.oidc.client.id"), "{error}");
        let found = load(&[issuer, "limpid.http.oidc.client.id=limpid"]);
        let found = found.expect("fine").expect("a provider");
        assert_eq!(found.scopes, ["openid", "profile", "email"]);
        assert_eq!(found.username_claim, "preferred_username");
        assert_eq!(found.groups_claim, "groups");
        for fine in [
            "",
            "http://localhost:8000",
            "http://[::1]:80/x",
            "https://id",
        ] {
            assert_eq!(check_issuer(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "id.example",
            "http://id.example",
            "https://",
            "http://localhost@id.example",
            "https://id/?a",
        ] {
            assert!(check_issuer(wrong).is_err(), "{wrong}");
        }
    }
}
