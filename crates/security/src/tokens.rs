//! The tokens of OAUTHBEARER: JSON Web Tokens (RFC 7519), signed or, for development, not.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{DecodingKey, Validation};
use limpid_config::OauthConfig;
use serde::de::IgnoredAny;

use crate::jwks::KeySource;

mod claims;

use claims::{Claims, Wanted};

/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 64 * 1024;
/// Most keys that a token without key id is tried with.
const KEYS_TRIED_MAX: usize = 16;
/// Most commas in a token's header, which is read before anybody's signature is: certificates are a list,
/// and text of three bytes takes 24 in one.
const HEADER_COMMAS_MAX: usize = 128;

/// A token that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The user.
    pub name: String,
    /// When it runs out, in milliseconds since 1970.
    pub expires_at_ms: i64,
}

/// What a token must look like.
pub struct TokenRules {
    config: OauthConfig,
    trust: Trust,
}

/// Whom a token's claims are believed from.
pub enum Trust {
    /// Anybody.
    Unsecured {
        /// Scopes that a token must have.
        required_scopes: Vec<String>,
        /// How far a clock may be off.
        clock_skew_ms: u64,
    },
    /// Whoever has one of these keys.
    Signed(Arc<KeySource>),
}

impl TokenRules {
    /// Rules for tokens of these issuers.
    pub fn new(config: OauthConfig, trust: Trust) -> Self {
        Self { config, trust }
    }

    /// Checks a token.
    ///
    /// # Errors
    /// Why it does not hold; never the token itself.
    pub fn verify(&self, token: &str, now_ms: i64) -> Result<Verified, String> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err("the token is too long".into());
        }
        let (elements, skew_ms) = match &self.trust {
            Trust::Unsecured {
                required_scopes,
                clock_skew_ms,
            } => (&required_scopes[..], Some(*clock_skew_ms)),
            Trust::Signed(keys) => {
                self.signed(token, keys)?;
                (&[][..], None)
            }
        };
        let (subject, scope) = (&*self.config.subject_claim, &*self.config.scope_claim);
        let names = &[subject, "exp", "iat", scope];
        let claims = Claims::read(part(token, 1)?, Wanted { names, elements })?;
        match skew_ms {
            Some(skew_ms) => self.unsecured(token, &claims, skew_ms, now_ms)?,
            None => drop(claims.milliseconds("iat")?),
        }
        let name = claims.text(subject).map(str::trim);
        let name = name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| format!("no claim {subject}"))?;
        Ok(Verified {
            name: name.to_owned(),
            expires_at_ms: claims.milliseconds("exp")?,
        })
    }

    /// Checks that somebody signed the token who is trusted, for us and for now.
    fn signed(&self, token: &str, keys: &KeySource) -> Result<(), String> {
        let header = URL_SAFE_NO_PAD.decode(part(token, 0)?);
        let header = header.map_err(|_| "malformed token".to_owned())?;
        if header.iter().filter(|byte| **byte == b',').count() > HEADER_COMMAS_MAX {
            return Err("the token's header is too long".into());
        }
        drop(header);
        let header = jsonwebtoken::decode_header(token).map_err(|e| e.to_string())?;
        let set = keys.current();
        let candidates: Vec<&Jwk> = match &header.kid {
            Some(id) => set.find(id).into_iter().collect(),
            None => set.keys.iter().take(KEYS_TRIED_MAX).collect(),
        };
        let mut failure = "no key of the token server fits".to_owned();
        if candidates.is_empty() {
            keys.refresh_soon();
        }
        for key in candidates.into_iter().filter(|key| is_public(key)) {
            let validation = self.validation(header.alg);
            let key = DecodingKey::from_jwk(key).map_err(|e| e.to_string())?;
            match jsonwebtoken::decode::<IgnoredAny>(token, &key, &validation) {
                Ok(_) => return Ok(()),
                Err(error) => failure = error.to_string(),
            }
        }
        Err(failure)
    }

    fn validation(&self, algorithm: jsonwebtoken::Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = self.config.clock_skew_seconds;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp"]);
        if self.config.audiences.is_empty() {
            validation.validate_aud = false;
        } else {
            validation.set_audience(&self.config.audiences);
            validation.required_spec_claims.insert("aud".into());
        }
        if let Some(issuer) = &self.config.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".into());
        }
        validation
    }

    /// Kafka's check of tokens without signature: of their form, times and scope.
    fn unsecured(
        &self,
        token: &str,
        claims: &Claims<'_>,
        skew_ms: u64,
        now_ms: i64,
    ) -> Result<(), String> {
        if !part(token, 2)?.is_empty() {
            return Err("not a token without signature".into());
        }
        let wanted = Wanted {
            names: &["alg"],
            elements: &[],
        };
        if Claims::read(part(token, 0)?, wanted)?.text("alg") != Some("none") {
            return Err("a token without signature must say so: alg none".into());
        }
        let skew_ms = i64::try_from(skew_ms).unwrap_or(i64::MAX);
        let expires_at_ms = claims.milliseconds("exp")?;
        if now_ms.saturating_sub(skew_ms) >= expires_at_ms {
            return Err("the token has run out".into());
        }
        if claims.has("iat") {
            let issued_at_ms = claims.milliseconds("iat")?;
            if issued_at_ms > now_ms.saturating_add(skew_ms) {
                return Err("the token is from the future".into());
            }
        }
        match claims.lacks(&self.config.scope_claim) {
            Some(missing) => Err(format!("the scope {missing} is missing")),
            None => Ok(()),
        }
    }
}

/// A key that only verifies. A shared secret among the keys of a token server would let whoever can
/// read them sign tokens.
pub(crate) fn is_public(key: &Jwk) -> bool {
    !matches!(key.algorithm, AlgorithmParameters::OctetKey(_))
}

/// One of the three parts of a token: header, claims, signature.
fn part(token: &str, which: usize) -> Result<&str, String> {
    let mut parts = token.splitn(4, '.');
    let found = [parts.next(), parts.next(), parts.next()];
    match (found, parts.next()) {
        ([Some(header), Some(claims), Some(signature)], None) => {
            Ok([header, claims, signature][which])
        }
        _ => Err("malformed token".into()),
    }
}

#[cfg(test)]
mod tests;
