//! SCRAM (RFC 5802, RFC 7677): what is kept of a password, and the proof that a client knows it.
//!
//! ```text
//! client first   gs2-header n=user,r=client-nonce
//! server first   r=client-nonce server-nonce,s=salt,i=iterations
//! client final   c=base64(gs2-header),r=…,p=base64(proof)
//! server final   v=base64(signature)
//! ```

use std::fmt;
use std::io;
use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use limpid_platform::random::Random;
use ring::{digest, hmac, pbkdf2};
use subtle::ConstantTimeEq;

use crate::denied::Denied;

/// Fewest iterations that Kafka accepts for a new password.
pub const ITERATIONS_MIN: u32 = 4096;
/// Most iterations that Kafka accepts.
pub const ITERATIONS_MAX: u32 = 16_384;
/// Bytes of randomness in a nonce and in a salt.
pub(crate) const NONCE_BYTES: usize = 24;

/// The hash function of a mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScramHash {
    /// `SCRAM-SHA-256`.
    Sha256,
    /// `SCRAM-SHA-512`.
    Sha512,
}

impl ScramHash {
    /// The hash of Kafka's number of a mechanism: 1 and 2.
    pub const fn of_code(code: i8) -> Option<Self> {
        match code {
            1 => Some(Self::Sha256),
            2 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Kafka's number of the mechanism.
    pub const fn code(self) -> i8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha512 => 2,
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn digest(self) -> &'static digest::Algorithm {
        self.hmac().digest_algorithm()
    }

    fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }

    fn sign(self, key: &[u8], message: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(self.hmac(), key), message)
    }
}

/// What a broker keeps of a password. Whoever has it can't log in with it.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredential {
    /// Salt.
    pub salt: Vec<u8>,
    /// Checks proofs of clients.
    pub stored_key: Vec<u8>,
    /// Proves to clients that the broker knows them.
    pub server_key: Vec<u8>,
    /// Rounds of hashing.
    pub iterations: u32,
}

impl fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramCredential")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

impl ScramCredential {
    /// What is kept of a password.
    pub fn of_password(hash: ScramHash, password: &str, salt: &[u8], rounds: NonZeroU32) -> Self {
        let salted = salted(hash, password, salt, rounds);
        Self::of_salted(hash, &salted, salt, rounds.get())
    }

    /// What is kept of a password that is salted already.
    pub fn of_salted(hash: ScramHash, salted: &[u8], salt: &[u8], iterations: u32) -> Self {
        let keys = ScramKeys::of_salted(hash, salted);
        Self {
            salt: salt.to_vec(),
            stored_key: keys.stored_key(),
            server_key: keys.server_key,
            iterations,
        }
    }

    /// One that no password opens, always the same for a user: an unknown user takes the same way
    /// as a known one with a wrong password.
    fn decoy(hash: ScramHash, secret: &[u8], user: &str) -> Self {
        let salt = hash.sign(secret, user.as_bytes());
        Self {
            salt: salt.as_ref()[..NONCE_BYTES].to_vec(),
            stored_key: vec![0; hash.digest().output_len()],
            server_key: vec![0; hash.digest().output_len()],
            iterations: ITERATIONS_MIN,
        }
    }
}

fn salted(hash: ScramHash, password: &str, salt: &[u8], rounds: NonZeroU32) -> Vec<u8> {
    let mut salted = vec![0; hash.digest().output_len()];
    let password = password.as_bytes();
    pbkdf2::derive(hash.pbkdf2(), rounds, salt, password, &mut salted);
    salted
}

/// What whoever knows the password can make of it.
pub(crate) struct ScramKeys {
    hash: ScramHash,
    client_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl ScramKeys {
    pub(crate) fn of_password(
        hash: ScramHash,
        password: &str,
        salt: &[u8],
        rounds: NonZeroU32,
    ) -> Self {
        Self::of_salted(hash, &salted(hash, password, salt, rounds))
    }

    fn of_salted(hash: ScramHash, salted: &[u8]) -> Self {
        Self {
            hash,
            client_key: hash.sign(salted, b"Client Key").as_ref().to_vec(),
            server_key: hash.sign(salted, b"Server Key").as_ref().to_vec(),
        }
    }

    fn stored_key(&self) -> Vec<u8> {
        let digest = digest::digest(self.hash.digest(), &self.client_key);
        digest.as_ref().to_vec()
    }

    /// Shows a broker that the client knows the password.
    pub(crate) fn proof(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.hash.sign(&self.stored_key(), message);
        let pairs = self.client_key.iter().zip(signature.as_ref());
        pairs.map(|(key, sign)| key ^ sign).collect()
    }

    /// Shows a client that the broker knows it.
    pub(crate) fn signature(&self, message: &[u8]) -> Vec<u8> {
        self.hash.sign(&self.server_key, message).as_ref().to_vec()
    }
}

/// A new salt.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn new_salt(random: &dyn Random) -> io::Result<Vec<u8>> {
    let mut salt = vec![0; NONCE_BYTES];
    random.fill(&mut salt)?;
    Ok(salt)
}

/// A login by SCRAM, after the client's first message.
pub(crate) struct ScramLogin {
    hash: ScramHash,
    user: String,
    credential: ScramCredential,
    known: bool,
    /// The header of the first message, to be repeated in the second.
    gs2_header: String,
    /// The broker's part.
    nonce: String,
    /// `client-first-bare,server-first`.
    transcript: String,
}

impl ScramLogin {
    /// Answers the client's first message. `find` gives what is kept of a user's password,
    /// `decoy_secret` makes up what is not there.
    pub(crate) fn begin(
        hash: ScramHash,
        message: &[u8],
        find: impl FnOnce(&str) -> Option<ScramCredential>,
        decoy_secret: &[u8],
        random: &dyn Random,
    ) -> Result<(Self, Vec<u8>), Denied> {
        let first = ClientFirst::parse(message)?;
        let found = find(&first.user);
        let known = found.is_some();
        let credential =
            found.unwrap_or_else(|| ScramCredential::decoy(hash, decoy_secret, &first.user));
        let mut own = [0; NONCE_BYTES];
        random
            .fill(&mut own)
            .map_err(|e| Denied::quietly(format!("no randomness: {e}")))?;
        let nonce = STANDARD.encode(own);
        let answer = format!(
            "r={}{nonce},s={},i={}",
            first.nonce,
            STANDARD.encode(&credential.salt),
            credential.iterations
        );
        let login = Self {
            hash,
            transcript: format!("{},{answer}", first.bare),
            user: first.user,
            credential,
            known,
            gs2_header: first.gs2_header,
            nonce,
        };
        Ok((login, answer.into_bytes()))
    }

    /// Checks the proof. Returns the user and the last message to the client.
    pub(crate) fn finish(self, message: &[u8]) -> Result<(String, Vec<u8>), Denied> {
        let malformed = || Denied::quietly("malformed final message");
        let text = std::str::from_utf8(message).map_err(|_| malformed())?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or_else(malformed)?;
        let rest = without_proof.strip_prefix("c=").ok_or_else(malformed)?;
        let (binding, rest) = rest.split_once(",r=").ok_or_else(malformed)?;
        let nonce = rest.split(',').next().unwrap_or_default();
        let header = STANDARD.decode(binding).map_err(|_| malformed())?;
        if header != self.gs2_header.as_bytes() {
            return Err(Denied::quietly("another channel binding than at first"));
        }
        // Not the whole of it, as Kafka 4.3 wants: librdkafka 2.0 puts the client's part there twice.
        // Both parts are signed in any case.
        if !nonce.ends_with(&self.nonce) {
            return Err(Denied::quietly("another nonce than at first"));
        }
        let proof = STANDARD.decode(proof).map_err(|_| malformed())?;
        let message = format!("{},{without_proof}", self.transcript);
        if !self.proves(&proof, message.as_bytes()) || !self.known {
            let reason = if self.known {
                "wrong password"
            } else {
                "unknown user"
            };
            return Err(Denied::quietly(format!("{reason}: {}", self.user)));
        }
        let signature = self
            .hash
            .sign(&self.credential.server_key, message.as_bytes());
        let answer = format!("v={}", STANDARD.encode(signature));
        Ok((self.user, answer.into_bytes()))
    }

    fn proves(&self, proof: &[u8], message: &[u8]) -> bool {
        let signature = self.hash.sign(&self.credential.stored_key, message);
        let signature = signature.as_ref();
        if proof.len() != signature.len() {
            return false;
        }
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(p, s)| p ^ s).collect();
        let stored_key = digest::digest(self.hash.digest(), &client_key);
        stored_key
            .as_ref()
            .ct_eq(&self.credential.stored_key)
            .into()
    }
}

struct ClientFirst {
    gs2_header: String,
    bare: String,
    user: String,
    nonce: String,
}

impl ClientFirst {
    fn parse(message: &[u8]) -> Result<Self, Denied> {
        let malformed = || Denied::quietly("malformed first message");
        let text = std::str::from_utf8(message).map_err(|_| malformed())?;
        let mut parts = text.splitn(3, ',');
        let flag = parts.next().unwrap_or_default();
        let authorization = parts.next().ok_or_else(malformed)?;
        let bare = parts.next().ok_or_else(malformed)?;
        if !matches!(flag, "n" | "y") {
            return Err(Denied::quietly("channel binding is not supported"));
        }
        let mut fields = bare.split(',');
        let user = fields.next().and_then(|field| field.strip_prefix("n="));
        let user = user.and_then(unescape).ok_or_else(malformed)?;
        let nonce = fields.next().and_then(|field| field.strip_prefix("r="));
        let nonce = nonce.filter(|n| is_nonce(n)).ok_or_else(malformed)?;
        if user.is_empty() {
            return Err(malformed());
        }
        let acts_for = match authorization.strip_prefix("a=") {
            Some(name) => unescape(name).ok_or_else(malformed)?,
            None if authorization.is_empty() => user.clone(),
            None => return Err(malformed()),
        };
        if acts_for != user {
            return Err(Denied::told(
                "Authentication failed: Client requested an authorization id that is different \
                 from username",
            ));
        }
        if fields.any(|extension| extension == "tokenauth=true") {
            return Err(Denied::quietly("delegation tokens are not supported"));
        }
        Ok(Self {
            gs2_header: format!("{flag},{authorization},"),
            bare: bare.to_owned(),
            user,
            nonce: nonce.to_owned(),
        })
    }
}

fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b',')
}

/// Names have `=2C` for a comma and `=3D` for an equals sign.
fn unescape(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut parts = name.split('=');
    out.push_str(parts.next()?);
    for part in parts {
        let (c, rest) = match (part.get(..2)?, part.get(2..)?) {
            ("2C", rest) => (',', rest),
            ("3D", rest) => ('=', rest),
            _ => return None,
        };
        out.push(c);
        out.push_str(rest);
    }
    Some(out)
}

#[cfg(test)]
mod tests;
