//! One login, from the client's first message to the end.
//!
//! The caller carries the messages; what they mean is decided here, without I/O.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_config::{SaslMechanism, Secret};
use limpid_platform::random::Random;
use subtle::ConstantTimeEq;

pub use crate::denied::Denied;
use crate::scram::{ScramCredential, ScramHash, ScramLogin};
use crate::tokens::{TokenRules, Verified};

/// Finds what is kept of a user's password.
pub type FindScram = dyn Fn(&str, ScramHash) -> Option<ScramCredential> + Send + Sync;

/// What logins of one listener are checked against.
pub struct Realm {
    /// Users of PLAIN.
    pub plain_users: BTreeMap<String, Secret>,
    /// Users of SCRAM.
    pub find_scram: Arc<FindScram>,
    /// Random, the same for the life of the process: hides which users there are.
    pub decoy_secret: [u8; 16],
    /// Tokens of OAUTHBEARER.
    pub tokens: Option<Arc<TokenRules>>,
    /// Source of nonces.
    pub random: Arc<dyn Random>,
}

/// Somebody who has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// Name of the user.
    pub name: String,
    /// When what they showed runs out, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
}

/// What one message of the client leads to.
#[derive(Debug)]
pub enum Step {
    /// The client has to answer this.
    Challenge(Vec<u8>),
    /// It is done; this goes to the client as the last word.
    Done(Vec<u8>, LoggedIn),
}

/// A login under way.
pub struct Login {
    state: State,
    now_ms: i64,
    claimed: Option<String>,
}

enum State {
    Begun(SaslMechanism),
    Scram(Box<ScramLogin>),
    /// The client was told why its token is no good, and has to confirm it.
    TokenRefused(String),
    Ended,
}

impl Login {
    /// Begins; nothing has come from the client yet.
    pub fn new(mechanism: SaslMechanism, now_ms: i64) -> Self {
        Self {
            state: State::Begun(mechanism),
            now_ms,
            claimed: None,
        }
    }

    /// Who the client says it is, as far as it said so: not to be believed.
    pub fn claimed(&self) -> Option<&str> {
        self.claimed.as_deref()
    }

    /// Takes the next message of the client.
    ///
    /// # Errors
    /// The login has failed and can't go on.
    pub fn step(&mut self, realm: &Realm, message: &[u8]) -> Result<Step, Denied> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Begun(SaslMechanism::Plain) => {
                let name = message.split(|byte| *byte == 0).nth(1);
                self.claimed = name.map(|name| String::from_utf8_lossy(name).into_owned());
                plain(realm, message)
            }
            State::Begun(SaslMechanism::ScramSha256) => {
                self.scram(realm, ScramHash::Sha256, message)
            }
            State::Begun(SaslMechanism::ScramSha512) => {
                self.scram(realm, ScramHash::Sha512, message)
            }
            State::Begun(SaslMechanism::OauthBearer) => self.token(realm, message),
            State::Scram(login) => {
                let (name, answer) = login.finish(message)?;
                let expires_at_ms = None;
                let user = LoggedIn {
                    name,
                    expires_at_ms,
                };
                Ok(Step::Done(answer, user))
            }
            State::TokenRefused(why) if message == [CONTROL_A] => Err(Denied::told(why)),
            State::TokenRefused(_) | State::Ended => {
                Err(Denied::quietly("a message after the end"))
            }
        }
    }

    fn scram(&mut self, realm: &Realm, hash: ScramHash, message: &[u8]) -> Result<Step, Denied> {
        let claimed = &mut self.claimed;
        let find = |user: &str| {
            *claimed = Some(user.to_owned());
            (realm.find_scram)(user, hash)
        };
        let secret = &realm.decoy_secret;
        let (login, answer) = ScramLogin::begin(hash, message, find, secret, &*realm.random)?;
        self.state = State::Scram(Box::new(login));
        Ok(Step::Challenge(answer))
    }

    fn token(&mut self, realm: &Realm, message: &[u8]) -> Result<Step, Denied> {
        let rules = realm.tokens.as_ref();
        let rules = rules.ok_or_else(|| Denied::quietly("tokens are not accepted"))?;
        let (acts_for, token) = parse_bearer(message)?;
        match rules.verify(token, self.now_ms) {
            Ok(Verified {
                name,
                expires_at_ms,
            }) => {
                if acts_for.is_some_and(|other| other != name) {
                    return Err(Denied::told(
                        "Authentication failed: Client requested an authorization id that is \
                         different from the token's principal name",
                    ));
                }
                let expires_at_ms = Some(expires_at_ms);
                Ok(Step::Done(
                    Vec::new(),
                    LoggedIn {
                        name,
                        expires_at_ms,
                    },
                ))
            }
            Err(reason) => {
                // RFC 7628: told as a challenge, to be confirmed before the login fails.
                let why = r#"{"status":"invalid_token"}"#;
                self.state = State::TokenRefused(format!("{why}: {reason}"));
                Ok(Step::Challenge(why.into()))
            }
        }
    }
}

/// Separates the fields of an OAUTHBEARER message.
const CONTROL_A: u8 = 1;

/// PLAIN: `[authorization id] NUL name NUL password`.
fn plain(realm: &Realm, message: &[u8]) -> Result<Step, Denied> {
    let text = std::str::from_utf8(message).map_err(|_| Denied::quietly("not UTF-8"))?;
    let parts: Vec<&str> = text.split('\0').collect();
    let [acts_for, name, password] = parts[..] else {
        let reason = "Invalid SASL/PLAIN response: expected 3 tokens";
        return Err(Denied::quietly(reason));
    };
    if name.is_empty() || password.is_empty() {
        return Err(Denied::told(
            "Authentication failed: username or password not specified",
        ));
    }
    if !acts_for.is_empty() && acts_for != name {
        return Err(Denied::told(
            "Authentication failed: Client requested an authorization id that is different from \
             username",
        ));
    }
    let expected = realm.plain_users.get(name);
    let known = expected.map_or("", Secret::reveal).as_bytes();
    let same: bool = known.ct_eq(password.as_bytes()).into();
    if expected.is_none() || !same {
        return Err(Denied::told(
            "Authentication failed: Invalid username or password",
        ));
    }
    let name = name.to_owned();
    let expires_at_ms = None;
    Ok(Step::Done(
        Vec::new(),
        LoggedIn {
            name,
            expires_at_ms,
        },
    ))
}

/// OAUTHBEARER: `gs2-header ^A auth=Bearer token ^A [key=value ^A …] ^A`. Returns whom the client
/// wants to act for and the token.
fn parse_bearer(message: &[u8]) -> Result<(Option<&str>, &str), Denied> {
    let malformed = || Denied::quietly("malformed OAUTHBEARER message");
    let text = std::str::from_utf8(message).map_err(|_| malformed())?;
    let mut fields = text.split('\u{1}');
    let header = fields.next().unwrap_or_default();
    let mut parts = header.split(',');
    let (flag, authorization) = (parts.next(), parts.next());
    if !matches!(flag, Some("n" | "y")) || parts.next() != Some("") || parts.next().is_some() {
        return Err(malformed());
    }
    let acts_for = match authorization {
        Some("") => None,
        Some(text) => Some(text.strip_prefix("a=").ok_or_else(malformed)?),
        None => return Err(malformed()),
    };
    let bearer = fields.find_map(|field| field.strip_prefix("auth="));
    let (scheme, token) = bearer
        .and_then(|b| b.split_once(' '))
        .ok_or_else(malformed)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(malformed());
    }
    Ok((acts_for, token))
}

#[cfg(test)]
mod tests;
