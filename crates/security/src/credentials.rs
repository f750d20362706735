//! Logging in as a client, without I/O: PLAIN (RFC 4616) and SCRAM (RFC 5802), of which [`scram`] is
//! the other side.
//!
//! [`scram`]: crate::scram

use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use limpid_config::{ClientLogin, SaslMechanism, Secret};
use limpid_platform::random::{OsRandom, Random};
use subtle::ConstantTimeEq;

use crate::scram::{ITERATIONS_MIN, NONCE_BYTES, ScramHash, ScramKeys};

/// Bytes of one message of a broker: nonce, salt and a number.
const MESSAGE_BYTES_MAX: usize = 8 * 1024;
/// Most rounds of hashing that a broker may ask for: below a tenth of a second. Kafka's have 4,096
/// unless told otherwise, and 16,384 at most.
const ITERATIONS_MAX: u32 = 100_000;
/// Characters of what a broker says that are repeated.
const SAID_CHARS_MAX: usize = 200;
/// The header of SCRAM's first message, no channel bound, and the same in Base64.
const GS2_HEADER: &str = "n,,";
const GS2_HEADER_BASE64: &str = "biws";

/// Who we are where we log in.
#[derive(Debug, Clone)]
pub struct Credentials {
    login: ClientLogin,
    random: Arc<dyn Random>,
}

/// Why a login does not go on: what the broker said makes no sense, or can't be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LoginError(String);

/// What comes after a message of the broker.
#[derive(Debug)]
pub enum Next {
    /// This has to be said, and the answer be taken.
    Say(Dialogue, Vec<u8>),
    /// Both sides are content.
    Done,
}

/// A login under way: what it waits for.
#[derive(Debug)]
pub struct Dialogue(Waiting);

#[derive(Debug)]
enum Waiting {
    /// The end, which says nothing.
    Nothing,
    /// Salt and number of rounds.
    Salt(Salting),
    /// The proof that the broker knows the password, too.
    Signature(Vec<u8>),
}

/// What the proof is made of.
#[derive(Debug)]
struct Salting {
    hash: ScramHash,
    password: Secret,
    /// The first message without its header.
    bare: String,
    nonce: String,
}

impl Credentials {
    /// Of what was configured.
    pub fn new(login: ClientLogin) -> Self {
        Self::with_random(login, Arc::new(OsRandom))
    }

    /// With another source of nonces.
    pub(crate) fn with_random(login: ClientLogin, random: Arc<dyn Random>) -> Self {
        Self { login, random }
    }

    /// The name of the mechanism.
    pub fn mechanism(&self) -> &'static str {
        self.login.mechanism.name()
    }

    /// The name of the user.
    pub fn user(&self) -> &str {
        &self.login.user
    }

    /// The first message.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn begin(&self) -> io::Result<(Dialogue, Vec<u8>)> {
        let ClientLogin { user, password, .. } = &self.login;
        let hash = match self.login.mechanism {
            SaslMechanism::ScramSha256 => ScramHash::Sha256,
            SaslMechanism::ScramSha512 => ScramHash::Sha512,
            SaslMechanism::Plain | SaslMechanism::OauthBearer => {
                let message = format!("\0{user}\0{}", password.reveal());
                return Ok((Dialogue(Waiting::Nothing), message.into_bytes()));
            }
        };
        let mut own = [0; NONCE_BYTES];
        self.random.fill(&mut own)?;
        let nonce = STANDARD.encode(own);
        let bare = format!("n={},r={nonce}", escaped(user));
        let message = format!("{GS2_HEADER}{bare}").into_bytes();
        let salting = Salting {
            hash,
            password: password.clone(),
            bare,
            nonce,
        };
        Ok((Dialogue(Waiting::Salt(salting)), message))
    }
}

impl Dialogue {
    /// Takes what the broker says. Hashes for milliseconds.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub fn hear(self, message: &[u8]) -> Result<Next, LoginError> {
        let wrong = |what: &str| LoginError(format!("the broker's message {what}"));
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(wrong("is too long"));
        }
        let text = std::str::from_utf8(message).map_err(|_| wrong("is not text"))?;
        match self.0 {
            Waiting::Nothing => Ok(Next::Done),
            Waiting::Salt(salting) => salting.prove(text),
            Waiting::Signature(expected) => {
                if let Some(refused) = text.strip_prefix("e=") {
                    let said: String = refused.chars().take(SAID_CHARS_MAX).collect();
                    return Err(LoginError(format!("the broker says {said:?}")));
                }
                let signature = text.strip_prefix("v=").unwrap_or_default();
                let signature = signature.split(',').next().unwrap_or_default();
                let signature = STANDARD.decode(signature).unwrap_or_default();
                if !bool::from(signature.ct_eq(&expected)) {
                    return Err(LoginError(
                        "the broker does not prove that it knows the password: it is not who it \
                         should be"
                            .into(),
                    ));
                }
                Ok(Next::Done)
            }
        }
    }
}

impl Salting {
    fn prove(self, text: &str) -> Result<Next, LoginError> {
        let wrong = |what: &str| LoginError(format!("the broker's challenge {what}"));
        let mut fields = text.split(',');
        let mut field = |name: &str| fields.next().and_then(|field| field.strip_prefix(name));
        let nonce = field("r=").ok_or_else(|| wrong("has no nonce"))?;
        let salt = field("s=").ok_or_else(|| wrong("has no salt"))?;
        let rounds = field("i=").ok_or_else(|| wrong("has no iterations"))?;
        if nonce.len() <= self.nonce.len() || !nonce.starts_with(&self.nonce) {
            return Err(wrong("is not about this login"));
        }
        let salt = STANDARD.decode(salt).ok().filter(|salt| !salt.is_empty());
        let salt = salt.ok_or_else(|| wrong("has no salt"))?;
        let rounds: Option<u32> = rounds.parse().ok();
        let rounds = rounds.filter(|n| (ITERATIONS_MIN..=ITERATIONS_MAX).contains(n));
        let rounds = rounds.and_then(NonZeroU32::new).ok_or_else(|| {
            wrong(&format!(
                "asks for a number of iterations that is not from {ITERATIONS_MIN} to {ITERATIONS_MAX}"
            ))
        })?;
        let keys = ScramKeys::of_password(self.hash, self.password.reveal(), &salt, rounds);
        let without_proof = format!("c={GS2_HEADER_BASE64},r={nonce}");
        let signed = format!("{},{text},{without_proof}", self.bare);
        let proof = STANDARD.encode(keys.proof(signed.as_bytes()));
        let message = format!("{without_proof},p={proof}").into_bytes();
        let expected = keys.signature(signed.as_bytes());
        Ok(Next::Say(Dialogue(Waiting::Signature(expected)), message))
    }
}

/// Names have `=2C` for a comma and `=3D` for an equals sign.
fn escaped(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

#[cfg(test)]
mod tests;
