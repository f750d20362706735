//! Logging people in by OpenID Connect: the code flow with PKCE, on the side that asks.
//!
//! [`Provider::authorize`] says where a browser is to be sent; what it brings back is a code, for which
//! [`Provider::redeem`] gets a token that says who it is. Everything here blocks on the network, for
//! `TIMEOUT` at most each time.

mod id_token;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use limpid_config::OidcConfig;
use parking_lot::Mutex;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Map, Value};
use ureq::Agent;

use self::id_token::Expected;
use crate::authorities::https_to;

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// What a provider says of itself is asked again after this.
const KNOWN_FOR: Duration = Duration::from_secs(3_600);
/// After a failure nobody asks for this long.
const PAUSE: Duration = Duration::from_secs(3);
/// Most groups of one person.
const GROUPS_MAX: usize = 1_000;
/// Longest name of a person or a group.
const NAME_BYTES_MAX: usize = 256;

/// Why nobody was logged in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// It can't be asked, or answers something else.
    #[error("{0}")]
    Provider(String),
    /// It says no.
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// What it says of somebody does not hold.
    #[error("the provider's token does not hold: {0}")]
    Token(String),
}

/// Somebody for whom the provider vouches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Groups.
    pub groups: Vec<String>,
}

/// What belongs to one attempt to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Where the browser comes back to.
    pub redirect_uri: String,
    /// Names the attempt.
    pub state: String,
    /// Stands in the token.
    pub nonce: String,
    /// Shows that who redeems the code is who asked for it.
    pub verifier: String,
}

/// What a provider says of itself.
#[derive(Clone, Debug, Deserialize)]
struct Known {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
}

#[derive(Default)]
struct Memory {
    known: Option<(Known, JwkSet, Duration)>,
    failed: Option<(OidcError, Duration)>,
}

/// A provider.
pub struct Provider {
    config: OidcConfig,
    agent: Agent,
    memory: Mutex<Memory>,
}

impl Provider {
    /// Nothing is asked yet: a provider that is down keeps no broker from starting.
    ///
    /// # Errors
    /// The file of authorities can't be read.
    pub fn new(config: OidcConfig) -> Result<Self, String> {
        let mut agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false);
        if let Some(file) = &config.ca_file {
            agent = agent.tls_config(https_to(file)?);
        }
        Ok(Self {
            agent: Agent::new_with_config(agent.build()),
            config,
            memory: Mutex::default(),
        })
    }

    /// Who it is.
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// Where a browser is to be sent. `now` is monotonic.
    ///
    /// # Errors
    /// See [`OidcError`].
    pub fn authorize(&self, attempt: &Attempt, now: Duration) -> Result<String, OidcError> {
        let (known, _) = self.known(now, false)?;
        let challenge = digest(&SHA256, attempt.verifier.as_bytes());
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        let pairs = [
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", &attempt.redirect_uri),
            ("scope", &self.config.scopes.join(" ")),
            ("state", &attempt.state),
            ("nonce", &attempt.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let query = pairs.map(|(key, value)| format!("{key}={}", encoded(value)));
        let and = if known.authorization_endpoint.contains('?') {
            '&'
        } else {
            '?'
        };
        Ok(format!(
            "{}{and}{}",
            known.authorization_endpoint,
            query.join("&")
        ))
    }

    /// Who somebody is that came back with a code.
    ///
    /// # Errors
    /// See [`OidcError`].
    pub fn redeem(
        &self,
        attempt: &Attempt,
        code: &str,
        now: Duration,
    ) -> Result<Person, OidcError> {
        let (known, keys) = self.known(now, false)?;
        let answer = self.exchange(&known, attempt, code)?;
        let text = |key: &str| answer.get(key).and_then(Value::as_str);
        let token = text("id_token").ok_or_else(|| {
            OidcError::Provider(
                "it gives no id_token: is the scope openid allowed there?".to_owned(),
            )
        })?;
        let expected = Expected {
            issuer: &self.config.issuer,
            client_id: &self.config.client_id,
            nonce: &attempt.nonce,
        };
        let mut claims = match id_token::verify(token, &keys, &expected) {
            Err(id_token::Refused::UnknownKey) => {
                // It may have new ones.
                let (_, keys) = self.known(now, true)?;
                id_token::verify(token, &keys, &expected)
            }
            verified => verified,
        }
        .map_err(|refused| OidcError::Token(refused.to_string()))?;
        let is_complete = |claims: &Map<String, Value>| {
            let wanted = [&self.config.username_claim, &self.config.groups_claim];
            wanted.iter().all(|claim| claims.contains_key(*claim))
        };
        if let (false, Some(endpoint), Some(access)) = (
            is_complete(&claims),
            &known.userinfo_endpoint,
            text("access_token"),
        ) {
            self.complete(&mut claims, endpoint, access)?;
        }
        self.person(&claims)
    }

    fn person(&self, claims: &Map<String, Value>) -> Result<Person, OidcError> {
        let claim = &self.config.username_claim;
        let name = claims.get(claim).and_then(Value::as_str).map(str::trim);
        let name = name.filter(|name| is_name(name)).ok_or_else(|| {
            OidcError::Token(format!(
                "it has no name in {claim}; see limpid.http.oidc.username.claim and .scopes"
            ))
        })?;
        let groups = match claims.get(&self.config.groups_claim) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => {
                let texts = several.iter().filter_map(Value::as_str);
                let texts = texts.filter(|group| is_name(group)).take(GROUPS_MAX);
                texts.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let name = name.to_owned();
        Ok(Person { name, groups })
    }

    /// What the token does not say the provider may say when it is asked.
    fn complete(
        &self,
        claims: &mut Map<String, Value>,
        endpoint: &str,
        access: &str,
    ) -> Result<(), OidcError> {
        let request = self.agent.get(endpoint);
        let request = request.header("authorization", format!("Bearer {access}"));
        let more = read(endpoint, request.call())?;
        if more.get("sub") != claims.get("sub") {
            return Err(OidcError::Token(format!(
                "{endpoint} speaks of somebody else"
            )));
        }
        for (name, value) in more {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn exchange(
        &self,
        known: &Known,
        attempt: &Attempt,
        code: &str,
    ) -> Result<Map<String, Value>, OidcError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &attempt.redirect_uri),
            ("code_verifier", &attempt.verifier),
        ];
        let mut request = self.agent.post(&known.token_endpoint);
        match &self.config.client_secret {
            Some(secret) => {
                let id = encoded(&self.config.client_id);
                let pair = STANDARD.encode(format!("{id}:{}", encoded(secret.reveal())));
                request = request.header("authorization", format!("Basic {pair}"));
            }
            None => form.push(("client_id", &self.config.client_id)),
        }
        read(&known.token_endpoint, request.send_form(form))
    }

    /// What the provider says of itself, and its keys; one asks at a time.
    fn known(&self, now: Duration, new_keys: bool) -> Result<(Known, JwkSet), OidcError> {
        let mut memory = self.memory.lock();
        if let Some((known, keys, since)) = &memory.known {
            let age = now.saturating_sub(*since);
            let enough = if new_keys { PAUSE } else { KNOWN_FOR };
            if age < enough {
                return Ok((known.clone(), keys.clone()));
            }
        }
        if let Some((error, at)) = &memory.failed
            && now.saturating_sub(*at) < PAUSE
        {
            return Err(error.clone());
        }
        let asked = self.ask();
        match asked {
            Ok((known, keys)) => {
                memory.known = Some((known.clone(), keys.clone(), now));
                memory.failed = None;
                Ok((known, keys))
            }
            Err(error) => {
                memory.failed = Some((error.clone(), now));
                Err(error)
            }
        }
    }

    fn ask(&self) -> Result<(Known, JwkSet), OidcError> {
        let issuer = &self.config.issuer;
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let said = read(&url, self.agent.get(&url).call())?;
        let wrong = |what: String| OidcError::Provider(format!("{url}: {what}"));
        let known: Known = serde_json::from_value(Value::Object(said))
            .map_err(|error| wrong(format!("not what a provider says: {error}")))?;
        if known.issuer != *issuer {
            let other = &known.issuer;
            return Err(wrong(format!("the issuer is {other}, not {issuer}")));
        }
        let url = &known.jwks_uri;
        let keys = read(url, self.agent.get(url).call())?;
        let keys = serde_json::from_value(Value::Object(keys));
        let keys = keys.map_err(|error| OidcError::Provider(format!("{url}: no keys: {error}")))?;
        Ok((known, keys))
    }
}

/// The object that an answer is; errors that the provider names are told as it tells them.
fn read(
    url: &str,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Map<String, Value>, OidcError> {
    let wrong = |what: String| OidcError::Provider(format!("{url}: {what}"));
    let mut answer = answer.map_err(|error| wrong(error.to_string()))?;
    let status = answer.status();
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    let bytes = body
        .read_to_vec()
        .map_err(|error| wrong(error.to_string()))?;
    let object = serde_json::from_slice::<Map<String, Value>>(&bytes);
    if status.is_success() {
        return object.map_err(|error| wrong(format!("no JSON object: {error}")));
    }
    let object = object.unwrap_or_default();
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(shown);
    match (text("error"), text("error_description")) {
        (Some(error), Some(why)) => Err(OidcError::Refused(format!("{error}: {why}"))),
        (Some(error), None) => Err(OidcError::Refused(error)),
        _ => Err(wrong(format!("HTTP status {}", status.as_u16()))),
    }
}

/// Text of the provider's that fits a line.
fn shown(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(200).collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(char::is_control)
}

/// As a part of a query or a form.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
